"""Pages of a list: which to request next, and when the list has ended.

The service sends no total and no cursor, and doesn't document its largest page (source: official reference). So only an
empty page marks the end. The next page's number follows from the number of items received, not from the number
requested.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from musicai_sdk._text import safe_repr
from musicai_sdk.errors import InputError
from musicai_sdk.models._lenient import Page

T = TypeVar("T")

REPEATS = 2
"""The number of repetitions of one page after which the server counts as ignoring the page number."""
REPEATED_ITEMS = 10
"""The number of items that must repeat as well. A small page may also repeat because new items move the others back."""


def is_whole(value: object) -> bool:
    """Whether the value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def check_page_size(size: int) -> None:
    """Raises `InputError` unless the number is a valid page size."""
    if not is_whole(size) or size < 1:
        raise InputError(f"page_size must be a whole number, 1 or more, not {safe_repr(size):.100}")


class Pager(Generic[T]):
    """Requests one page after the other until one is empty.

    Each request is for the page that starts right after the items received so far. So no item is skipped if the server
    caps its pages, or sends pages of different lengths.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], Coroutine[Any, Any, Sequence[T]]],
        size: int,
        identify: Callable[[T], object],
    ) -> None:
        """Takes the function that requests a page (number from 0, size), the page size, and the identity of an item."""
        check_page_size(size)
        self._fetch = fetch
        self._limit = size
        self._largest = 1
        self._identify = identify
        self._received = 0
        self.asked: int = size
        """The requested size of the last page."""
        self._before: list[object] | None = None
        """The identities of the previous page."""
        self._repeats = 0
        self._stored = False
        """Whether a page came from a cache."""
        self._ended = False

    async def next(self) -> Sequence[T] | None:
        """The next page; the last page is empty, and None follows it.

        If the server ignores `page` and sends the same page again and again, None follows `REPEATS` repetitions of at
        least `REPEATED_ITEMS` items in total, without an empty page. A single repetition isn't enough, because it also
        occurs when a whole page of items is created meanwhile.
        """
        if self._ended:
            return None
        size = self.asked = self._page_size()
        page = await self._fetch(self._received // size, size)
        if isinstance(page, Page):
            self._stored = self._stored or page.stored
            if page.announced > self._received or (self._stored and not page):
                page.unreadable = 1  # the list isn't at its end, or isn't the current list
        identities = [self._identify(item) for item in page]
        count = len(page) + (page.unreadable if isinstance(page, Page) else 0)
        self._repeats = self._repeats + 1 if identities == self._before else 0
        ignored = self._repeats >= REPEATS and self._repeats * count >= REPEATED_ITEMS
        self._ended = not count or ignored
        self._before = identities
        self._received += count
        self._largest = max(self._largest, count)
        if count != size:  # the server caps its pages, or uses its own page size
            self._limit = self._largest
        return page

    def _page_size(self) -> int:
        """The largest size within the limit that divides the number of items received."""
        if not self._received:
            return self._limit
        size = min(self._limit, self._received)
        while self._received % size:
            size -= 1
        return size
