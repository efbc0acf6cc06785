"""What a run would do, without doing it: nothing is sent, no file is made, no key is needed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from musicai_sdk.batch.engine.decide import PAYS, Action, Stands, decide, resumed
from musicai_sdk.batch.inputs.bucket import Buckets, known_buckets
from musicai_sdk.batch.inputs.kinds import Inputs, Rejected
from musicai_sdk.batch.inputs.prefetch import Candidate, digest, read_candidates
from musicai_sdk.batch.inputs.reader import read_inputs
from musicai_sdk.batch.inputs.workflow import WorkflowTemplate
from musicai_sdk.batch.ledger.claim import LEDGER, Claim
from musicai_sdk.batch.ledger.database import check_owner, found, open_to_read, real_file
from musicai_sdk.batch.ledger.ledger import InputRow
from musicai_sdk.batch.ledger.legacy_identity import recall_legacy
from musicai_sdk.batch.ledger.states import TABLE, State
from musicai_sdk.batch.ledger.track import track_key
from musicai_sdk.batch.results.destination import bucket_of
from musicai_sdk.errors import InputError
from musicai_sdk.storage import Bucket
from musicai_sdk.workflows import Workflow


@dataclass(slots=True)
class Plan:
    """What a run would do with its inputs. Each input counts once; `continued` may be of earlier inputs."""

    new: int = 0
    """Tracks that no run has seen or sent: each is a job to pay for."""
    retried: int = 0
    """Tracks that failed or are uncertain and would be tried again: each is a job to pay for, unless an earlier one turns
    up. A track whose file was missing is tried again by every run that finds the file."""
    continued: int = 0
    """Tracks that are paid for and under way: a run goes on with all of them, whatever its inputs are."""
    unanswered: int = 0
    """How many of the continued ones have a paid request whose answer nobody has. A run looks for their jobs, and sends
    again, and pays for, only what was certainly never received."""
    finished: int = 0
    """Inputs whose results are here."""
    failed: int = 0
    """Inputs that failed, or are uncertain, and would be left as they are."""
    duplicates: int = 0
    """Inputs with the content and parameters of another one: they share its job."""
    upload: int = 0
    """Bytes to upload for the new ones."""
    rejected: list[Rejected] = field(default_factory=list[Rejected])
    """What can't be processed."""


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
) -> Plan:
    """What `Batch` with these arguments would do now.

    Files that the ledger doesn't know are read for their digests. What a run on many machines that crashed
    has done counts as new, until the next run takes it over.

    Args:
        workflow: A workflow class, or a slug.
        inputs: As of the run, but with an end: a `Folder` in the place of a `Watch`.
        out: The folder or the bucket for results; a folder need not exist.
        ledger: The ledger's file; the output folder's own one when left out. It need not exist.
        input_name: The parameter that takes each input.
        params: Parameters of all inputs.
        retry_failed: Whether failed tracks would be tried again.
        retry_uncertain: Whether uncertain ones would.
        fresh: What a run would do after `archive`: the ledger isn't looked at.
        adopt: As for the run.

    Raises:
        InputError: an argument can't be right, or the inputs can't be read.
        LedgerError: a run would end with it: the ledger is another workflow's, can't be read, lacks something, or isn't
            there although there are results.
    """
    template = WorkflowTemplate(workflow, input_name, params or {})
    bucket = bucket_of(out, workflow)
    folder = Path() if bucket is not None else Path(cast("str", out))
    path = Path(ledger) if ledger is not None else folder / LEDGER
    items = read_candidates(inputs, folder.absolute(), template, Buckets(known_buckets(inputs), bucket))
    planner = _Planner(template, _Options(retry_failed, retry_uncertain))
    claim = Claim(
        path.absolute(), folder.absolute() if bucket is None else path.absolute().parent, bucket, adopt=adopt
    )
    if fresh or not path.exists():
        if not fresh:
            claim.check_new(send=False)
        planner.meet(items, None)
    else:
        opened = found(real_file(path))
        with closing(open_to_read(path)) as db:
            check_owner(db, path, template.slug, template.wire_input)
            claim.check(opened)
            planner.meet(items, db)
    return planner.plan


def count_inputs(inputs: Inputs, out: str | os.PathLike[str] | Bucket) -> int:
    """How many inputs there are, also those that will be rejected: reads folders and manifests, but no files.

    Args:
        inputs: As of a run, but with an end. An iterator is used up.
        out: The run's output folder or bucket: what is in it is no input.

    Raises:
        InputError: the inputs can't be read.
    """
    bucket = out if isinstance(out, Bucket) else None
    folder = Path() if isinstance(out, Bucket) else Path(out)
    items = read_inputs(inputs, folder.absolute(), Buckets(known_buckets(inputs), bucket))
    return sum(item is not None for item in items)


@dataclass(frozen=True, slots=True)
class _Options:
    """The options that decide what a run does; see `decide.Options`."""

    retry_failed: bool
    retry_uncertain: bool
    keep_jobs: bool = True
    """Whether jobs of finished tracks stay doesn't matter to a plan."""


_OF_INPUTS: Mapping[Action, str] = {
    "create": "new",
    "retry": "retried",
    "skip": "finished",
    "leave": "failed",
    "find": "failed",
}
"""The figure that an input counts in by what a run does with its track."""


class _Planner:
    def __init__(self, template: WorkflowTemplate, options: _Options) -> None:
        self.plan = Plan()
        self._template = template
        self._options = options
        self._met = set[str]()

    def meet(self, items: Iterable[Candidate | None], db: sqlite3.Connection | None) -> None:
        if db is not None:
            self._go_on(db)
        for item in items:
            if isinstance(item, Rejected):
                self.plan.rejected.append(item)
            elif item is not None:
                self._meet(item, db)

    def _go_on(self, db: sqlite3.Connection) -> None:
        """Counts what a run does whatever its inputs are."""
        rows = db.execute(
            "SELECT state, resume_at, count(*) FROM tracks"  # noqa: S608
            f" WHERE {resumed(self._options)} GROUP BY state, resume_at"
        )
        for state, resume_at, count in rows:
            action = decide(Stands(state, None, resume_at), self._options, in_inputs=False)
            if action == "go_on":
                self.plan.continued += count
                self.plan.unanswered += count if TABLE[cast("State", state)].open_post else 0
            elif action in PAYS:
                self.plan.retried += count

    def _meet(self, given: InputRow, db: sqlite3.Connection | None) -> None:
        try:
            key, track = self._known(given, db)
        except (OSError, InputError) as error:
            self.plan.rejected.append(Rejected(given.source, str(error)))
            return
        action = decide(track, self._options, in_inputs=True)
        if key in self._met and action != "skip":
            self.plan.duplicates += 1
            return
        self._met.add(key)
        if track is not None and decide(track, self._options, in_inputs=False) in {*PAYS, "go_on"}:
            return  # it is counted already
        figure = _OF_INPUTS[action]
        setattr(self.plan, figure, getattr(self.plan, figure) + 1)
        if action == "create" and (track is None or track.state != "uploaded"):
            self.plan.upload += given.size or 0

    def _known(self, given: InputRow, db: sqlite3.Connection | None) -> tuple[str, Stands | None]:
        """The key of the input's track, and how the ledger has it."""
        if db is not None:
            recall_legacy(db, given)
        if db is not None and given.content is None:
            row = db.execute(
                "SELECT content FROM inputs"
                " WHERE source = ? AND size = ? AND mtime_ns = ? AND content IS NOT NULL",
                (given.source, given.size, given.mtime_ns),
            ).fetchone()
            given.content = row[0] if row else None
        if given.content is None:
            digest(given)
        key = track_key(given.content or "", self._template.slug, self._template.wire_input, given.params)
        if db is None:
            return key, None
        row = db.execute("SELECT state, error_code, resume_at FROM tracks WHERE key = ?", [key]).fetchone()
        return key, Stands(*row) if row else None
