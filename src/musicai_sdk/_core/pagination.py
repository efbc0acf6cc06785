"""Pages of a list: which one to ask for next, and when the list has ended.

The service sends no total and no cursor, and its largest page isn't known (source: official reference). So the only
sign of the end is an empty page, and the place of the next page follows from how many items came, not from how many
were asked for: a server may give fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from musicai_sdk.errors import InputError
from musicai_sdk.models._lenient import Page

T = TypeVar("T")

REPEATS = 2
"""How often the same page comes again before it is clear that the server ignores which one is asked for."""


def is_whole(value: object) -> bool:
    """Whether the value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def check_page_size(size: int) -> None:
    """Raises `InputError` unless so many items can be asked for."""
    if not is_whole(size) or size < 1:
        raise InputError(f"page_size must be a whole number, 1 or more, not {size!r:.100}")


class Pager(Generic[T]):
    """Asks for one page after the other until one is empty.

    Each request is for the page that begins exactly behind what has come so far, so that no item is left out when the
    server caps its pages, or sends pages of different lengths.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], Coroutine[Any, Any, Sequence[T]]],
        size: int,
        identify: Callable[[T], object],
    ) -> None:
        """Takes a function that requests (page number from 0, page size), the page size, and an item's identity."""
        check_page_size(size)
        self._fetch = fetch
        self._limit = size
        self._largest = 1
        self._identify = identify
        self._received = 0
        self.asked: int = size
        """The size of the page that came last, as it was asked for."""
        self._before: list[object] | None = None
        """The identities of the previous page."""
        self._repeats = 0
        self._ended = False

    async def next(self) -> Sequence[T] | None:
        """The next page as it came; the last page is empty, and None follows it.

        A server that ignores `page` sends the same page again and again: None comes after the second repetition then,
        without an empty page. One repetition also happens when a whole page of items is created meanwhile.
        """
        if self._ended:
            return None
        size = self.asked = self._page_size()
        page = await self._fetch(self._received // size, size)
        identities = [self._identify(item) for item in page]
        count = len(page) + (page.unreadable if isinstance(page, Page) else 0)
        self._repeats = self._repeats + 1 if identities == self._before else 0
        self._ended = not count or self._repeats == REPEATS
        self._before = identities
        self._received += count
        self._largest = max(self._largest, count)
        if count != size:  # the server has a largest page of its own, or counts in pages of its own
            self._limit = self._largest
        return page

    def _page_size(self) -> int:
        """The largest size within the limit of which a whole number of pages lies behind us."""
        if not self._received:
            return self._limit
        size = min(self._limit, self._received)
        while self._received % size:
            size -= 1
        return size
