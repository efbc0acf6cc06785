"""Searching for jobs by their idempotency keys, to decide whether a paid job exists.

A wrong "no" costs money, because the caller pays again. So there are three answers: the job is found; its absence is
proven; or neither, with a reason. A proof of absence needs

- a walk through the unfiltered list up to an empty page;
- coverage: jobs that were created or deleted during the walk can't have hidden another job. Either a second walk saw
  the same list, or other walks saw neighbouring jobs across every border between two pages (`WalkCoverage`);
- readable keys: every listed job that could be the wanted one has another key, in the list or in the answer to a GET.
  A job that shows no key counts as somebody else's only if jobs of its status show keys unchanged, or if what it shows
  can't have been made from the wanted job's parameters and workflow;
- a complete list: of the jobs that the caller knows, none exists without being listed.

A search through N jobs takes N/100 requests, and again N/100 for the second walk, or N/1,000 if the service sends pages
of 1,000. To read only the first and the last page a second time wouldn't be a proof: a deletion in the middle of the first
walk hides a job at the next border between two pages, and leaves both of these pages as they were.

The caller decides when to search, because the service may list a job some time after its POST.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from musicai_sdk._text import letters, without_signature
from musicai_sdk.errors import MusicAiError, NotFoundError
from musicai_sdk.models.filters import same_workflow
from musicai_sdk.models.job import Job, JobPage
from musicai_sdk.models.job_key import ShownKey, may_be_key, shown_key

PAGE_SIZE = 100
"""The service's default; its maximum is unknown."""
LARGE_PAGE_SIZE = 1_000
"""The size to try from the second walk through a list of many pages. The service may send shorter pages, or refuse it."""
QUICK_PAGES = 5
"""The number of pages that a quick search reads. The service usually lists new jobs first."""
WALKS = 8
"""The number of walks after which a list counts as changing too fast. Two are almost always enough."""
FETCHED = 50
"""The most jobs to fetch one by one. A GET may return metadata that the list leaves out."""

_CHECKED = 5
"""The most known jobs to fetch to see whether they are missing from the list or deleted."""
_SHORTER = 13
"""The percentage by which each further walk shortens its pages, so that they begin at other jobs."""
_SIZES = 4
"""The number of different page sizes before the first one is used again."""

Pages: TypeAlias = Callable[[int], AsyncIterable[JobPage[Any]]]
"""Reads all pages of the unfiltered list with a page size. The last page is empty."""
Get: TypeAlias = Callable[[str], Coroutine[Any, Any, Job[Any]]]
"""Fetches a job by its id."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job to look for."""

    key: str
    """Its idempotency key."""
    workflow: str | None = None
    """Its workflow's slug, if known."""
    name: str | None = None
    """Its name, if known and always the same."""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The job's parameters that never change, so not the URLs of uploads."""

    def could_be(self, job: Job[Any], shown: ShownKey | None = None) -> bool:
        """Whether a job may be this one. Only what can't have been made from this job's values excludes a job.

        Args:
            job: The job, from a list or a GET.
            shown: Its key, if already read.
        """
        shown = shown or shown_key(job.raw_metadata)
        found = shown.is_of(self.key)
        if found is not None:
            return found
        if shown.text is not None and may_be_key(shown.text, self.key):
            return True
        return self.resembles(job)

    def resembles(self, job: Job[Any]) -> bool:
        """Whether a job may be this one by everything except its key.

        A service may round, translate or replace names and parameters, and show workflows by other names. But only a job
        of the same workflow, or else with the same parameters or name, is similar enough.
        """
        given = job.workflow_params or {}
        shared = given.keys() & self.params
        if not all(_may_be_same(given[each], self.params[each]) for each in shared):
            return False
        if self.workflow is None or same_workflow(self.workflow, job.workflow) is not False:
            return True
        same_params = bool(shared) and all(given[each] == self.params[each] for each in shared)
        return same_params or letters(self.name or "") == letters(job.name or "") != ""


@dataclass(slots=True)
class SearchResult:
    """The result of a search. Each key is in exactly one of `found`, `absent` and `unknown`."""

    found: dict[str, Job[Any]] = field(default_factory=dict[str, Job[Any]])
    """The jobs by key."""
    absent: set[str] = field(default_factory=set[str])
    """Keys that are proven to have no job in the list."""
    unknown: dict[str, str] = field(default_factory=dict[str, str])
    """All other keys, each with the reason."""
    echoes: frozenset[str] = frozenset()
    """The statuses of the listed jobs that showed a key unchanged. The list shows the keys of other jobs in them too."""


async def search(
    pages: Pages,
    get: Get,
    wanted: Iterable[Wanted],
    *,
    echoes: frozenset[str] = frozenset(),
    thorough: bool = True,
    known: Collection[str] = (),
) -> SearchResult:
    """Searches for jobs by their keys.

    Args:
        pages: The pages of the unfiltered list.
        get: Fetches one job.
        wanted: The jobs to look for.
        echoes: The statuses of jobs for which the list is already known to return keys unchanged.
        thorough: Whether to prove absence. Otherwise only the first pages are read, and a job that isn't on them is
            unknown.
        known: The ids of jobs that the list should contain, because they exist, and existed before the search.

    Raises:
        MusicAiError: the list can't be read.
    """
    search = _Search({each.key: each for each in wanted}, echoes=echoes)
    if not thorough:
        await search.walk(pages(PAGE_SIZE), QUICK_PAGES)
        return search.unproven("only the newest jobs were read")
    coverage, size = WalkCoverage(), PAGE_SIZE
    for number in range(WALKS):
        try:
            walked = await search.walk(pages(size))
        except MusicAiError:
            if size != LARGE_PAGE_SIZE:
                raise
            # Perhaps the service refuses such pages, or can't make them in time.
            walked = await search.walk(pages(coverage.largest))
        if not search.missing:
            return search.unproven("")
        if walked is None:
            return search.unproven(
                "the list of jobs is incomplete or outdated, as the service or a cache says with it"
                if search.denied
                else "the list of jobs has no end: the service sends the same page again and again"
            )
        coverage.add(walked)
        if coverage.closed:
            await search.fetch_candidates(get)
            if search.missing and (unlisted := await search.first_unlisted(known, get)) is not None:
                return search.unproven(
                    f"the list of jobs is incomplete: job {unlisted} exists but isn't listed"
                )
            return search.proven()
        # What proves absence is the same for every page size, and a repetition on large pages takes few requests.
        size = coverage.next_size
        if number == 0 and len(walked) > QUICK_PAGES:
            size = LARGE_PAGE_SIZE
    return search.unproven("jobs come and go faster than they can be listed")


class _Search:
    def __init__(self, missing: dict[str, Wanted], *, echoes: frozenset[str]) -> None:
        self.missing = missing
        self._result = SearchResult(echoes=echoes)
        self._candidates = dict[str, Job[Any]]()
        """Listed jobs that could be wanted, because they have no key or a truncated one, by id."""
        self._unreadable = False
        """Whether a page contained something that isn't a readable job."""
        self.denied = False
        """Whether an empty page said that it isn't the end of the list, or that the list isn't the current one."""
        self._seen = set[str]()
        """The ids of all listed jobs."""

    async def walk(
        self, pages: AsyncIterable[JobPage[Any]], most: int | None = None
    ) -> list[JobPage[Any]] | None:
        """Reads the list until all wanted jobs are found, or to its end.

        Returns:
            The pages; None if there was no empty page at the end.
        """
        walked = list[JobPage[Any]]()
        async for page in pages:
            walked.append(page)
            self._unreadable = self._unreadable or page.unreadable > 0
            self.denied = self.denied or (not page and page.unreadable > 0)
            for job in page:
                self._see(job)
            if not self.missing or len(walked) == most:
                break
        return walked if walked and not walked[-1] and not walked[-1].unreadable else None

    def _see(self, job: Job[Any]) -> None:
        self._seen.add(job.id)
        shown = shown_key(job.raw_metadata)
        if self._found(job, shown):
            return
        if self._is_candidate(job, shown):
            self._candidates.setdefault(job.id, job)
        elif shown.exact:
            self._result.echoes |= {job.status}

    def _found(self, job: Job[Any], shown: ShownKey) -> bool:
        """Whether a job is a missing one, which is then no longer missing."""
        if shown.text not in self.missing or not shown.is_of(shown.text):
            return False
        self._result.found[shown.text] = job
        del self.missing[shown.text]
        return True

    def _is_candidate(self, job: Job[Any], shown: ShownKey) -> bool:
        """Whether a job could be a missing one."""
        return any(_could_be(each, job, shown) for each in self.missing.values())

    async def fetch_candidates(self, get: Get) -> None:
        """Fetches the jobs that could be wanted, because a GET may return more than the list.

        If the list or a GET shows the keys of other jobs unchanged, then a job in the same status whose key isn't shown
        wasn't created by this package. Another status proves nothing: the service may add the metadata of a job later,
        for example when the job ends.
        """
        fetched, echoes = set[str](), set[str]()
        for job_id in list(self._candidates)[:FETCHED]:
            job = self._candidates.pop(job_id)
            try:
                job = await get(job_id)
            except NotFoundError:  # it was just deleted
                continue
            shown = shown_key(job.raw_metadata)
            if self._found(job, shown):
                continue
            if self._is_candidate(job, shown):
                fetched.add(job_id)
                self._candidates[job_id] = job
            elif shown.exact:
                echoes.add(job.status)
        for job_id, job in list(self._candidates.items()):
            echoed = job.status in self._result.echoes or (job_id in fetched and job.status in echoes)
            if echoed and self._is_without_key(shown_key(job.raw_metadata)):
                del self._candidates[job_id]

    def _is_without_key(self, shown: ShownKey) -> bool:
        """Whether the shown key, if it is unchanged, is none of this package, or another one's."""
        without_digest = shown.digest is None and all(shown.is_of(key) is False for key in self.missing)
        return shown.text is None or without_digest

    async def first_unlisted(self, known: Collection[str], get: Get) -> str | None:
        """The first of the known jobs that isn't in the list, although the service still has it."""
        for job_id in [each for each in known if each not in self._seen][:_CHECKED]:
            with suppress(NotFoundError):  # it was deleted
                return (await get(job_id)).id
        return None

    def proven(self) -> SearchResult:
        """The result of walks that missed nothing."""
        if self._unreadable:
            return self.unproven("some of the listed jobs can't be read")
        for key, each in self.missing.items():
            candidate = next((job for job in self._candidates.values() if _could_be(each, job)), None)
            if candidate is None:
                self._result.absent.add(key)
            else:
                self._result.unknown[key] = (
                    f"the service doesn't show the key of job {candidate.id}, which may be this one"
                )
        return self._result

    def unproven(self, reason: str) -> SearchResult:
        """The result of walks that don't prove absence."""
        self._result.unknown.update(dict.fromkeys(self.missing, reason))
        return self._result


def _could_be(wanted: Wanted, job: Job[Any], shown: ShownKey | None = None) -> bool:
    """Whether a listed job could be a wanted one, if the key that it shows may be a placeholder for every job's key."""
    shown = shown or shown_key(job.raw_metadata)
    placeholder = shown.text is not None and not shown.exact
    return wanted.could_be(job, shown) or (placeholder and wanted.resembles(job))


class WalkCoverage:
    """Decides whether walks through the list can have missed a job between two pages.

    The service counts pages from the first job. When a job is deleted, all later jobs move up, and the first job of the
    next page moves to a page that was already read. Two observations exclude a missed job:

    - Two walks saw the same list. If a deletion had hidden a job, the deleted job would be missing from the later walk.
    - The jobs on one page existed at the same time, so no job was between two neighbours. So walks whose pages begin at
      different jobs close each other's gaps, however many jobs are created and deleted meanwhile.

    The only requirement is that jobs keep their order.
    """

    def __init__(self) -> None:
        self.largest: int = 1
        """The most jobs on one page so far."""
        self._walks = list[_Walk]()
        self._ordered = True
        """Whether the walks agree on the order."""
        self._same = False
        """Whether two walks saw the same list."""

    def add(self, walked: Sequence[JobPage[Any]]) -> None:
        """Adds a complete walk, whose last page is empty."""
        self.largest = max(self.largest, *(len(page) for page in walked))
        new = _Walk(self._with_end(walked))
        for each in self._walks:
            self._same = self._same or each.is_same_as(new)
            self._ordered = each.close(new) and new.close(each) and self._ordered
        self._walks.append(new)

    def _with_end(self, walked: Sequence[JobPage[Any]]) -> list[list[str]]:
        """The ids on each page, with a mark for the end.

        The mark is on the last page with jobs if that page had room for more: it has fewer jobs than requested, and the
        service has returned a page of the requested size before. Otherwise the mark gets its own page, because jobs may
        have moved up before the empty page was read.
        """
        pages = [[job.id for job in page] for page in walked if page]
        asked = next((page.asked for page in reversed(walked) if page), 0)
        if pages and len(pages[-1]) < asked <= self.largest:
            pages[-1].append(_END)
        else:
            pages.append([_END])
        return pages

    @property
    def next_size(self) -> int:
        """The page size of the next walk: first that of a repetition, then sizes whose pages begin at other jobs."""
        return max(1, self.largest * (100 - _SHORTER * ((len(self._walks) - 1) % _SIZES)) // 100)

    @property
    def closed(self) -> bool:
        """Whether the walks saw every job that was listed during all of them."""
        return self._ordered and (self._same or not all(each.gaps for each in self._walks))


_END = ""
"""The mark after the last job: no job has this id."""


class _Walk:
    """One walk: the ids on its pages, and the borders where a job may have been missed."""

    def __init__(self, pages: Sequence[Sequence[str]]) -> None:
        self._pages = pages
        self._listed = [each for page in pages for each in page]
        self._rank = dict[str, int]()
        self.gaps = set[int]()
        """The ranks of the jobs after those borders between pages that no other walk has closed."""
        for page in pages:
            fresh = [each for each in page if each not in self._rank]
            if self._rank and fresh:
                self.gaps.add(len(self._rank))
            for each in fresh:
                self._rank[each] = len(self._rank)

    def is_same_as(self, other: _Walk) -> bool:
        """Whether both walks saw the same list. False if a job moved during this walk and is on two pages."""
        return self._listed == other._listed and len(self._rank) == len(self._listed)

    def close(self, other: _Walk) -> bool:
        """Closes the gaps across which the other walk saw neighbours. Returns whether both walks agree on the order."""
        seen, ordered = set[str](), True
        for page in other._pages:
            ranks = [self._rank[each] for each in page if each in self._rank and each not in seen]
            seen.update(page)
            for before, after in pairwise(ranks):
                ordered = ordered and before < after
                self.gaps.difference_update(range(before + 1, after + 1))
        return ordered


def _may_be_same(shown: Any, wanted: Any) -> bool:
    """Whether a parameter may be this one.

    The service may round, scale, limit, translate or hide a value, and store files elsewhere. But it doesn't put a file
    beside another server's file.
    """
    if not (isinstance(shown, str) and isinstance(wanted, str) and "://" in shown and "://" in wanted):
        return True
    try:
        one, other = (urlsplit(without_signature(each)) for each in (shown, wanted))
    except ValueError:
        return True
    (folder, _, name), (other_folder, _, other_name) = (
        unquote(each.path).rpartition("/") for each in (one, other)
    )
    beside = one.netloc == other.netloc and folder == other_folder
    return not beside or letters(name) == letters(other_name)
