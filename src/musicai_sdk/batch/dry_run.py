"""What a run would do. Nothing is sent, no file is created, no key is needed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from typing_extensions import override

from musicai_sdk.batch.budget import Amount, Cost, OverBudget, Price, budget, plus
from musicai_sdk.batch.engine.decide import PAYS, Action, Standing, decide, resumed
from musicai_sdk.batch.inputs.audio_length import measure
from musicai_sdk.batch.inputs.bucket import Buckets, known_buckets
from musicai_sdk.batch.inputs.candidates import read_candidates
from musicai_sdk.batch.inputs.content import digest
from musicai_sdk.batch.inputs.kinds import Inputs, Rejected
from musicai_sdk.batch.inputs.reader import read_inputs
from musicai_sdk.batch.inputs.row import Candidate, InputRow
from musicai_sdk.batch.inputs.workflow import WorkflowTemplate
from musicai_sdk.batch.ledger.admission import recall
from musicai_sdk.batch.ledger.claim import Claim
from musicai_sdk.batch.ledger.database import check_owner, inspect, open_to_read
from musicai_sdk.batch.ledger.files import LEDGER, real_file
from musicai_sdk.batch.ledger.queries import stored_files_of
from musicai_sdk.batch.ledger.spending import cost
from musicai_sdk.batch.ledger.states import SAFE, TABLE, State
from musicai_sdk.batch.ledger.track import track_key
from musicai_sdk.batch.ledger.upgrade import ensure_attempts
from musicai_sdk.batch.options import RunOptions, check_option
from musicai_sdk.batch.progress.formatting import plural, printable, short_path, size
from musicai_sdk.batch.results.destination import bucket_of
from musicai_sdk.batch.results.presence import ResultCheck
from musicai_sdk.errors import InputError
from musicai_sdk.storage import Bucket
from musicai_sdk.workflows import Workflow


@dataclass(slots=True)
class Plan:
    """What a run would do with its inputs. Each input counts once; `continued` may include earlier inputs."""

    new: int = 0
    """Tracks that no run has sent yet: each is a job to pay for."""
    retried: int = 0
    """Tracks that failed or are uncertain and would be tried again: each is a job to pay for, unless an earlier one is
    found. Every run that finds a file that was missing tries its track again."""
    continued: int = 0
    """Tracks that are paid and unfinished, or whose results are missing and whose job was kept. A run continues the
    unfinished ones whatever its inputs are."""
    unanswered: int = 0
    """Those of `continued` with a paid request whose answer is unknown. A run looks for their jobs, and sends again, and
    pays for, only what was certainly never received."""
    finished: int = 0
    """Inputs that have their results."""
    failed: int = 0
    """Inputs that failed, or are uncertain, and would be left as they are."""
    duplicates: int = 0
    """Inputs with the same content and parameters as another one: they share its job."""
    upload: int = 0
    """Bytes to upload for the new ones."""
    rejected: list[Rejected] = field(default_factory=list[Rejected])
    """Inputs that can't be processed."""
    missing: int = 0
    """Inputs that were finished, whose results are missing now, and whose job is deleted. Nothing is paid for them. Only
    looked up in folders: a plan sends no request to a bucket."""
    total: Cost = field(default_factory=Cost)
    """What the jobs of `new` and `retried` would cost without a limit: their number, their minutes as far as the lengths
    are known, and their money if there is a price."""
    cost: Cost = field(default_factory=Cost)
    """The part of `total` that the limits allow, if the jobs are created in the order of the inputs."""
    waiting: int = 0
    """Jobs of `total` that the limits don't allow."""

    @override
    def __str__(self) -> str:
        """The plan in a few lines."""
        return "\n".join(plan_lines(self, "retry_failed=True or retry_uncertain=True"))


def plan(
    workflow: type[Workflow[Any]] | str,
    inputs: Inputs,
    out: str | os.PathLike[str] | Bucket,
    *,
    ledger: str | os.PathLike[str] | None = None,
    input_name: str | None = None,
    params: Mapping[str, Any] | None = None,
    retry_failed: bool = False,
    retry_uncertain: bool = False,
    fresh: bool = False,
    adopt: bool = False,
    max_jobs: int | None = None,
    max_minutes: Amount | None = None,
    max_cost: Amount | None = None,
    prices: Mapping[str | type[Workflow[Any]], Price] | None = None,
) -> Plan:
    """What `Batch` with these arguments would do now.

    Files that the ledger doesn't know are read for their digests. What a crashed run with an executor did counts as new,
    until the next run merges its shards.

    Args:
        workflow: A workflow class, or a slug.
        inputs: As for the run, but finite: a `Folder` instead of a `Watch`.
        out: The folder or the bucket for results; a folder need not exist.
        ledger: The ledger's file, which need not exist; the one in the output folder when left out.
        input_name: The parameter that takes each input.
        params: Parameters of all inputs.
        retry_failed: Whether failed tracks would be tried again.
        retry_uncertain: Whether uncertain tracks would be sent again.
        fresh: Whether to plan for a run after `archive`, which ignores the present ledger.
        adopt: As for the run.
        max_jobs: As for the run, and so are the other limits: what earlier runs spent counts.
        max_minutes: As for the run.
        max_cost: As for the run.
        prices: As for the run. Without a price for the workflow, the ledger's latest price is used, as in reports.

    Raises:
        InputError: an argument is invalid, or the inputs can't be read.
        LedgerError: a run would raise it: the ledger belongs to another workflow, can't be read, lacks changes, or
            doesn't exist although there are results.
    """
    check_option("adopt", adopt, "bool")
    check_option("fresh", fresh, "bool")
    template = WorkflowTemplate(workflow, input_name, {} if params is None else params)
    bucket = bucket_of(out, workflow)
    folder = (Path() if bucket is not None else Path(cast("str", out))).absolute()
    path = (Path(ledger) if ledger is not None else folder / LEDGER).absolute()
    items = read_candidates(inputs, folder, template, Buckets(known_buckets(inputs), bucket))
    options = RunOptions(
        slug=template.slug,
        wire_input=template.wire_input,
        out=str(folder),
        bucket=bucket,
        keep_jobs=True,  # deleting a job costs nothing, so a plan doesn't count it
        retry_failed=retry_failed,
        retry_uncertain=retry_uncertain,
        budget=budget(template.slug, max_jobs, max_minutes, max_cost, prices),
    )
    planner = _Planner(options)
    claim = Claim(path, folder if bucket is None else path.parent, bucket, adopt=adopt)
    if fresh or not path.exists():
        if not fresh:
            claim.check_new(send=False)
        planner.count(items, None)
    else:
        condition = inspect(real_file(path))
        with closing(open_to_read(path)) as db:
            check_owner(db, path, template.slug, template.wire_input)
            claim.check(condition)
            db.check()
            planner.count(items, db)
    return planner.plan


def plan_lines(planned: Plan, retry_options: str) -> Iterator[str]:
    """A plan for people: a line for each figure that isn't 0, and each rejected input.

    Args:
        planned: The plan.
        retry_options: How the caller asks for the failed tracks.
    """
    upload = f"{size(planned.upload)} to upload" if planned.upload else "nothing to upload"
    figures = (
        (planned.continued - planned.unanswered, "under way: already paid for, and continued"),
        (planned.unanswered, "under way without an answer: paid for only if no job is found"),
        (planned.retried, "failed before: retried, a failed job is paid for again"),
        (planned.finished, "done before"),
        (planned.missing, "done before, but the results are missing: nothing is paid for them"),
        (planned.failed, f"failed before: skipped without {retry_options}"),
        (planned.duplicates, "duplicates: they share the job of another input"),
        (len(planned.rejected), "rejected:"),
    )
    yield f"{planned.new:>9,}  new{f': {upload}, each a paid job' if planned.new else ''}"
    yield from (f"{count:>9,}  {what}" for count, what in figures if count)
    if planned.total.jobs:
        yield f"{'cost':>9}  {planned.total}"
    if planned.waiting:
        yield f"{'limit':>9}  {planned.cost}; {plural(planned.waiting, 'job')} would wait"
    for each in planned.rejected:
        yield f"{'':9}  {short_path(each.source)}: {printable(each.reason)}"


def count_inputs(inputs: Inputs, out: str | os.PathLike[str] | Bucket) -> int:
    """The number of inputs, including those that would be rejected. Reads folders and manifests, but no files.

    Args:
        inputs: As for a run, but finite. An iterator is consumed.
        out: The run's output folder or bucket, whose contents aren't inputs.

    Raises:
        InputError: the inputs can't be read.
    """
    bucket = out if isinstance(out, Bucket) else None
    folder = Path() if isinstance(out, Bucket) else Path(out)
    items = read_inputs(inputs, folder.absolute(), Buckets(known_buckets(inputs), bucket))
    return sum(item is not None for item in items)


_FIGURES: Mapping[Action, str] = {
    "create": "new",
    "retry": "retried",
    "continue": "continued",
    "skip": "finished",
    "leave": "failed",
    "find": "failed",
}
"""The figure that an input counts in, by what a run does with its track."""


class _Planner:
    def __init__(self, options: RunOptions) -> None:
        price = options.budget.price
        self.plan = Plan(total=Cost(price=price), cost=Cost(price=price))
        self._options = options
        self._spent = Cost()
        self._reached = False
        self._results = ResultCheck(Path(options.out))
        self._counted = set[str]()

    def count(self, items: Iterable[Candidate | None], db: sqlite3.Connection | None) -> None:
        if db is not None:
            ensure_attempts(db)
            self._spent = cost(db)
            if self.plan.total.price is None:  # as in reports, the latest price that the user gave
                self.plan.total = self.plan.cost = Cost(price=self._spent.price)
            self._count_resumed(db)
        for item in items:
            if isinstance(item, Rejected):
                self.plan.rejected.append(item)
            elif item is not None:
                try:
                    self._count_input(item, db)
                except (OSError, InputError) as error:
                    self.plan.rejected.append(Rejected(item.source, str(error)))

    def _count_resumed(self, db: sqlite3.Connection) -> None:
        """Counts the tracks that a run continues whatever its inputs are."""
        rows: list[tuple[State, State | None, int]] = db.execute(
            "SELECT state, resume_at, count(*) FROM tracks"  # noqa: S608
            f" WHERE {resumed(self._options)} GROUP BY state, resume_at"
        ).fetchall()
        for state, resume_at, count in rows:
            action = decide(Standing(state, None, resume_at), self._options, in_inputs=False)
            if action == "continue":
                self.plan.continued += count
                self.plan.unanswered += count if TABLE[state].open_post else 0
            elif action in PAYS:
                self.plan.retried += count
                lengths = db.execute(
                    "SELECT audio_ms FROM tracks WHERE state = ? AND resume_at IS ?", [state, resume_at]
                )
                for (length,) in lengths.fetchall():
                    self._pay(length)

    def _count_input(self, item: InputRow, db: sqlite3.Connection | None) -> None:
        key, track = self._track_of(item, db)
        missing = track is not None and db is not None and self._lacks_results(key, track, db)
        action = decide(track, self._options, in_inputs=True, missing=missing)
        if key in self._counted and action != "skip":
            self.plan.duplicates += 1
            return
        self._counted.add(key)
        if track is not None and decide(track, self._options, in_inputs=False) in {*PAYS, "continue"}:
            return  # `_count_resumed` counted it
        figure = "missing" if missing and action == "leave" else _FIGURES[action]
        setattr(self.plan, figure, getattr(self.plan, figure) + 1)
        if action in PAYS:
            if item.audio_ms is None:
                measure(item)
            self._pay(item.audio_ms)
        if action == "create" and (track is None or track.state != "uploaded"):
            self.plan.upload += item.size or 0

    def _pay(self, length: int | None) -> None:
        """Counts a job, given the length of its audio in milliseconds."""
        self.plan.total = plus(self.plan.total, length)
        try:
            if not self._reached:
                self._options.budget.check(self._spent, length)
                self._spent, self.plan.cost = plus(self._spent, length), plus(self.plan.cost, length)
                return
        except OverBudget as error:
            self._reached = error.ends
        self.plan.waiting += 1

    def _lacks_results(self, key: str, track: Standing, db: sqlite3.Connection) -> bool:
        if track.state not in SAFE or self._options.bucket is not None:
            return False
        return bool(self._results.missing(stored_files_of(db, [key])))

    def _track_of(self, item: InputRow, db: sqlite3.Connection | None) -> tuple[str, Standing | None]:
        """The key of an input's track, and how the ledger has that track."""
        if db is not None:
            recall(db, [item])
        if item.content is None:
            digest(item)
        key = track_key(item.content or "", self._options.slug, self._options.wire_input, item.params)
        if db is None:
            return key, None
        row = db.execute("SELECT state, error_code, resume_at FROM tracks WHERE key = ?", [key]).fetchone()
        return key, Standing(*row) if row else None
