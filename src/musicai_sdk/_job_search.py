"""The search for jobs by their idempotency keys: whether a paid job exists.

"It is not there" costs money when it is wrong: the caller pays again. So there are three answers. A job is found; or
its absence is proven; or nothing is known, and the reason is given. Absence is proven by

- a walk through the list without any filter, which ended with an empty page;
- coverage: jobs that were created or deleted during the walk have hidden nothing. Another walk has seen the same list,
  or neighbours across every border between two pages (`WalkCoverage`);
- keys that come back: a listed job carries a key of this package, or every job that could be the wanted one has been
  fetched and carries another key.

When to search is the caller's business: a job may be listed some time after its POST.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeAlias

from musicai_sdk._text import without_signature
from musicai_sdk.errors import NotFoundError
from musicai_sdk.models.job import Job, JobPage

PAGE_SIZE = 100
"""The service's default; the largest that it allows isn't known."""
QUICK_PAGES = 5
"""Pages that a quick search reads: new jobs are usually listed first."""
WALKS = 8
"""Walks until a list counts as changing too fast. Two are enough almost always."""
FETCHED = 50
"""Jobs without a key that are fetched singly at most, because lists may say less than a GET."""

_SHORTER = 13
"""By how many percent the pages of each further walk are shorter, so that they begin elsewhere."""
_SIZES = 4
"""After so many page sizes the first one comes again."""

Pages: TypeAlias = Callable[[int], AsyncIterable[JobPage[Any]]]
"""The pages of the unfiltered list, for a page size: as they came, the last one empty."""
Get: TypeAlias = Callable[[str], Coroutine[Any, Any, Job[Any]]]
"""Fetches a job by its id."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job that is looked for."""

    key: str
    """Its idempotency key."""
    workflow: str | None = None
    """Its workflow's slug, if known."""
    name: str | None = None
    """Its name, if known and always the same."""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Those of its parameters that are the same in every request for it: not the URLs of uploads."""

    def could_be(self, job: Job[Any]) -> bool:
        """Whether a job whose key doesn't show may be this one. What the service doesn't say excludes nothing."""
        key = job.idempotency_key
        if key is not None:
            return self.key.startswith(key)  # metadata may be cut
        if self.workflow is None and self.name is None:
            # An empty object says that no metadata was sent (source: a captured job); no object says nothing.
            return job.raw_metadata is None
        if self.workflow is not None and isinstance(job.workflow, str) and _is_slug(job.workflow):
            same_workflow = job.workflow.casefold() == self.workflow.casefold()
        else:
            same_workflow = True
        given = job.workflow_params or {}
        same_params = all(
            _stable(given[name]) == _stable(self.params[name]) for name in given.keys() & self.params
        )
        return same_workflow and same_params and _same_name(self.name, job.name)


@dataclass(slots=True)
class SearchResult:
    """What a search has shown. Each key is in exactly one of the three."""

    found: dict[str, Job[Any]] = field(default_factory=dict[str, Job[Any]])
    """The jobs by key."""
    absent: set[str] = field(default_factory=set[str])
    """Keys under which certainly no job is listed."""
    unknown: dict[str, str] = field(default_factory=dict[str, str])
    """Keys of which neither is known, each with the reason."""
    echoes: bool = False
    """Whether a listed job carried a key: the service gives our metadata back."""


async def search(
    pages: Pages,
    get: Get,
    wanted: Iterable[Wanted],
    *,
    echoes: bool = False,
    thorough: bool = True,
) -> SearchResult:
    """Looks for jobs by their keys.

    Args:
        pages: The pages of the unfiltered list.
        get: Fetches one job.
        wanted: What to look for.
        echoes: Whether the list is already known to give keys back.
        thorough: Whether absence is to be proven. Otherwise only the first pages are read, and what isn't found on
            them is unknown.

    Raises:
        MusicAiError: the list can't be read.
    """
    search = _Search({each.key: each for each in wanted}, echoes=echoes)
    if not thorough:
        await search.walk(pages(PAGE_SIZE), QUICK_PAGES)
        return search.ended("only the newest jobs were looked at")
    coverage, size = WalkCoverage(), PAGE_SIZE
    for number in range(WALKS):
        walked = await search.walk(pages(size))
        if not search.missing:
            return search.ended("")
        if walked is None:
            return search.ended(
                "the list of jobs has no end: the service sends the same page again and again"
            )
        coverage.add(walked)
        if coverage.closed:
            await search.fetch_candidates(get)
            return search.proven()
        # The same walk again, at first; then with pages that begin elsewhere.
        size = max(1, coverage.largest * (100 - _SHORTER * (number % _SIZES)) // 100)
    return search.ended("jobs come and go faster than they can be listed")


class _Search:
    def __init__(self, missing: dict[str, Wanted], *, echoes: bool) -> None:
        self.missing = missing
        self._result = SearchResult(echoes=echoes)
        self._candidates = dict[str, Job[Any]]()
        """Listed jobs that could be wanted ones, because no key shows or one that may be cut, by id."""
        self._unreadable = False
        """Whether a page held something that can't be read as a job."""

    async def walk(
        self, pages: AsyncIterable[JobPage[Any]], most: int | None = None
    ) -> list[JobPage[Any]] | None:
        """Reads the list until everything is found, or to its end.

        Returns:
            The pages; None without an empty page at the end.
        """
        walked = list[JobPage[Any]]()
        async for page in pages:
            walked.append(page)
            self._unreadable = self._unreadable or page.unreadable > 0
            for job in page:
                self._see(job)
            if not self.missing or len(walked) == most:
                break
        return walked if walked and not walked[-1] and not walked[-1].unreadable else None

    def _see(self, job: Job[Any]) -> None:
        key = job.idempotency_key
        if key in self.missing:
            self._found(key, job)
        elif any(each.could_be(job) for each in self.missing.values()):
            self._candidates.setdefault(job.id, job)
        elif key is not None:
            self._result.echoes = True

    def _found(self, key: str, job: Job[Any]) -> None:
        self._result.found[key] = job
        del self.missing[key]

    async def fetch_candidates(self, get: Get) -> None:
        """Fetches the jobs that could be wanted ones: a GET may say more than the list.

        A job without a key isn't ours where the keys of others are shown: in the list, or by a GET as it was fetched.
        """
        shown, keyless = False, list[str]()
        for job_id, listed in list(self._candidates.items()):
            if self._result.echoes and listed.idempotency_key is None:
                del self._candidates[job_id]
        for job_id in list(self._candidates)[:FETCHED]:
            try:
                job = self._candidates[job_id] = await get(job_id)
            except NotFoundError:  # deleted meanwhile
                del self._candidates[job_id]
                continue
            key = job.idempotency_key
            if key in self.missing:
                self._found(key, job)
            elif key is None:
                keyless.append(job_id)
            elif not any(each.could_be(job) for each in self.missing.values()):
                shown = True
        if shown:
            for job_id in keyless:
                del self._candidates[job_id]

    def proven(self) -> SearchResult:
        """The result of walks that have missed nothing."""
        if self._unreadable:
            return self.ended("some of the listed jobs can't be read")
        for key, each in self.missing.items():
            candidate = next((job for job in self._candidates.values() if each.could_be(job)), None)
            if candidate is None:
                self._result.absent.add(key)
            else:
                self._result.unknown[key] = (
                    f"the service doesn't show under which key job {candidate.id} was created, and it may be this one"
                )
        return self._result

    def ended(self, reason: str) -> SearchResult:
        """The result of walks that prove no absence."""
        self._result.unknown.update(dict.fromkeys(self.missing, reason))
        return self._result


class WalkCoverage:
    """The places between two pages of a walk at which a job may have been and wasn't seen.

    Pages are counted from the first job: when one is deleted, all behind it move up, and the first of the next page
    moves to a page that was read already. Two observations exclude that:

    - Two walks give the same list. What had hidden a job is the deletion of one before it, and that would be
      missing from the later.
    - What stands in one answer was there at the same time: jobs that are neighbours there have none between them. So
      walks whose pages begin elsewhere close the gaps of one, however many jobs come and go meanwhile.

    All it takes is that jobs keep their order.
    """

    def __init__(self) -> None:
        self.largest: int = 1
        """The most jobs that the service has given at once."""
        self._walks = list[_Walk]()
        self._ordered = True
        """Whether the walks agree on the order."""
        self._same = False
        """Whether two walks gave the same list."""

    def add(self, walked: Sequence[JobPage[Any]]) -> None:
        """Takes a whole walk, whose last page is empty."""
        self.largest = max(self.largest, *(len(page) for page in walked))
        new = _Walk(self._with_end(walked))
        for each in self._walks:
            self._same = self._same or each.is_same_as(new)
            self._ordered = each.close(new) and new.close(each) and self._ordered
        self._walks.append(new)

    def _with_end(self, walked: Sequence[JobPage[Any]]) -> list[list[str]]:
        """The ids on each page, with a mark of the end: on the last page with jobs, if there was room on it for more.

        That is so if fewer jobs came than were asked for, and the service has given as many before. Otherwise the end
        has a page of its own, and jobs may have moved up before that was asked for.
        """
        pages = [[job.id for job in page] for page in walked if page]
        asked = next((page.asked for page in reversed(walked) if page), 0)
        if pages and len(pages[-1]) < asked <= self.largest:
            pages[-1].append(_END)
        else:
            pages.append([_END])
        return pages

    @property
    def closed(self) -> bool:
        """Whether whatever was listed all the while has been seen."""
        return self._ordered and (self._same or not all(each.gaps for each in self._walks))


_END = ""
"""Stands behind the last job: no job has this id."""


class _Walk:
    """One walk: the ids on its pages, and where between them a job may have been hidden."""

    def __init__(self, pages: Sequence[Sequence[str]]) -> None:
        self._pages = pages
        self._listed = [each for page in pages for each in page]
        self._rank = dict[str, int]()
        self.gaps = set[int]()
        """Ranks of the jobs behind the borders of pages that nothing has closed yet."""
        for page in pages:
            fresh = [each for each in page if each not in self._rank]
            if self._rank and fresh:
                self.gaps.add(len(self._rank))
            for each in fresh:
                self._rank[each] = len(self._rank)

    def is_same_as(self, other: _Walk) -> bool:
        """Whether both gave the same list; not if a job moved meanwhile, and stands on two pages."""
        return self._listed == other._listed and len(self._rank) == len(self._listed)

    def close(self, other: _Walk) -> bool:
        """Closes the gaps across which the other walk shows neighbours; whether both agree on the order."""
        seen, ordered = set[str](), True
        for page in other._pages:
            ranks = [self._rank[each] for each in page if each in self._rank and each not in seen]
            seen.update(page)
            for before, after in pairwise(ranks):
                ordered = ordered and before < after
                self.gaps.difference_update(range(before + 1, after + 1))
        return ordered


def _is_slug(text: str) -> bool:
    """Whether it looks like a slug, and not like the display name that some answers give."""
    return bool(text) and not any(character.isspace() for character in text)


def _stable(value: Any) -> Any:
    """A parameter's value; of a URL, without its signature."""
    if not isinstance(value, str) or "://" not in value:
        return value
    try:
        return without_signature(value)
    except ValueError:
        return value


def _same_name(one: str | None, other: str | None) -> bool:
    """Whether two names may be the same one: the service might shorten a name, or change its white space."""
    if one is None or other is None:
        return True
    short, long = sorted((" ".join(one.casefold().split()), " ".join(other.casefold().split())), key=len)
    return long.startswith(short)
