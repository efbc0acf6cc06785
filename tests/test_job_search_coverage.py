"""When walks certainly missed nothing, while jobs are created and deleted between two pages."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from musicai_sdk._job_search import WALKS, WalkCoverage
from musicai_sdk.models.job import Job, JobPage

changes = st.lists(st.tuples(st.booleans(), st.integers(0, 10**6)), max_size=4)
"""The changes before a page is read: jobs are created (True) or deleted, anywhere."""


@settings(max_examples=250, deadline=None)
@given(jobs=st.integers(1, 30), newest_first=st.booleans(), most=st.integers(1, 12), data=st.data())
def test_jobs_listed_throughout_are_always_seen(
    jobs: int, newest_first: bool, most: int, data: st.DataObject
) -> None:
    listed = [str(number) for number in range(jobs)]
    always, seen, made = set(listed), set[str](), jobs
    coverage = WalkCoverage()
    for _ in range(WALKS):
        asked = data.draw(st.integers(1, 14))
        size, walked = min(asked, most), list[JobPage[Any]]()
        while not walked or walked[-1]:
            for creates, where in data.draw(changes) if len(walked) < 40 else ():
                if creates:
                    listed.insert(0 if newest_first else len(listed), f"new {made}")
                    made += 1
                elif listed:
                    always.discard(listed.pop(where % len(listed)))
            first = len(walked) * size
            walked.append(page(listed[first : first + size], asked))
        coverage.add(walked)
        seen.update(job.id for each in walked for job in each)
        if coverage.closed:
            assert always <= seen


def page(ids: list[str], asked: int) -> JobPage[Any]:
    return JobPage(
        [Job[Any].model_validate({"id": each, "status": "QUEUED", "workflow": "acme"}) for each in ids],
        asked=asked,
    )
