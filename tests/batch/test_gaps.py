"""When it is certain that walks through pages have missed nothing, while jobs come and go between the pages."""

from __future__ import annotations

import random

import pytest

from musicai_sdk.batch.gaps import END, Gaps


class Listed:
    """A list, newest first, that changes after each of its pages."""

    def __init__(self, chance: random.Random, jobs: int, busy: float) -> None:
        self.ids = [str(number) for number in range(jobs)]
        self.sought = self.ids[chance.randrange(jobs)]
        self._chance = chance
        self._busy = busy
        self._made = jobs

    def walk(self, size: int) -> list[list[str]]:
        seen, pages, page = set[str](), list[list[str]](), list[str]()
        for start in range(0, 10**6, size):
            page = self.ids[start : start + size]
            pages.append([each for each in page if each not in seen])
            seen.update(page)
            if len(page) < size:
                break
            self._change()
        pages[-1].append(END)
        return pages

    def _change(self) -> None:
        while self._chance.random() < self._busy:
            if self._chance.random() < 0.3:
                self._made += 1
                self.ids.insert(0, str(self._made))
            elif (gone := self._chance.choice(self.ids)) != self.sought:
                self.ids.remove(gone)


@pytest.mark.parametrize("busy", [0.0, 0.5, 0.8])
def test_what_is_listed_all_the_while_is_never_held_for_absent(busy: float) -> None:
    absent = missed = closed = 0
    for seed in range(300):
        chance = random.Random(seed)
        listed = Listed(chance, chance.randrange(1, 120), busy)
        walks = [listed.walk(size) for size in (10, 8, 7, 6, 4)]
        met = [any(listed.sought in page for page in walk) for walk in walks]
        gaps = Gaps(walks[0])
        for number, walk in enumerate(walks):
            if number:
                gaps.close(walk)
            if gaps.closed:
                closed += 1
                absent += not any(met[: number + 1])
                break
        missed += not met[0]
    assert absent == 0
    assert closed > 250, "mostly it becomes certain, also when four of ten change after each page"
    assert (missed > 0) == (busy > 0), "one walk alone is not to be believed"


def test_one_page_has_no_gaps() -> None:
    assert Gaps([[END]]).closed
    assert Gaps([["b", "a", END]]).closed
    assert not Gaps([["b", "a"], [END]]).closed, "what came next may have moved up meanwhile"


def test_the_same_pages_again_close_nothing() -> None:
    pages = [["d", "c"], ["b", "a"], [END]]
    gaps = Gaps(pages)
    gaps.close(pages)
    assert not gaps.closed
    gaps.close([["d"], ["c", "b"], ["a", END]])
    assert gaps.closed
