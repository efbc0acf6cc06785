"""What a walk through a list in pages may have missed, and when it is certain that it has missed nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

END = ""
"""Stands on the last page behind the last job: no job has this id."""

Pages = Sequence[Sequence[str]]
"""The ids of a whole walk as the answers had them, those of earlier answers left out, and `END`."""


class Gaps:
    """The places between two pages of a walk at which a job may have been and wasn't seen.

    Pages are counted from the first job: when one is deleted, all behind it move up, and the first of the next page
    moves to a page that was read already. What stands in one answer was there at the same time, though: jobs that are
    neighbours there have none between them. So another walk, whose pages begin elsewhere, closes the gaps of this one,
    however many jobs come and go meanwhile; all it takes is that jobs keep their order.
    """

    def __init__(self, pages: Pages) -> None:
        self._rank = dict[str, int]()
        self._open = set[int]()
        """Ranks of what comes behind a gap."""
        for page in pages:
            if self._rank:
                self._open.add(len(self._rank))
            for each in page:
                self._rank[each] = len(self._rank)

    def close(self, pages: Pages) -> None:
        """Closes the gaps that another walk has seen neighbours across."""
        for page in pages:
            ranks = [self._rank[each] for each in page if each in self._rank]
            for before, after in pairwise(ranks):
                self._open.difference_update(range(before + 1, after + 1))

    @property
    def closed(self) -> bool:
        """Whether whatever was listed all the while has been seen."""
        return not self._open
