"""What a run would do, without doing it: nothing is sent, no file is made, no key is needed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from musicai_sdk.batch.feeding import Met, digest, met_inputs
from musicai_sdk.batch.former import recall_former
from musicai_sdk.batch.inputs import read_inputs
from musicai_sdk.batch.ledger import Given
from musicai_sdk.batch.objects import Buckets, known_buckets
from musicai_sdk.batch.places import LEDGER, bucket_of
from musicai_sdk.batch.schema import check_owner, open_to_read
from musicai_sdk.batch.sources import Inputs, Rejected
from musicai_sdk.batch.template import Template
from musicai_sdk.batch.tracks import FETCHABLE, PAID, State, track_key
from musicai_sdk.errors import InputError
from musicai_sdk.storage import Bucket
from musicai_sdk.workflows import Workflow

_SAFE: tuple[State, ...] = ("verified", "deleted")
_GOES_ON = f"iif(state = 'failed' AND resume_at IN {FETCHABLE!r}, resume_at, state)"
"""The state in which a run goes on with a track: results that couldn't be fetched are fetched by every run."""


@dataclass(slots=True)
class Plan:
    """What a run would do with its inputs. Each input counts once; `continued` may be of earlier inputs."""

    new: int = 0
    """Tracks that no run has seen or sent: each is a job to pay for."""
    retried: int = 0
    """Tracks that failed and would be tried again: a job to pay for, unless an earlier one still has results."""
    continued: int = 0
    """Tracks that are paid for and under way: a run goes on with all of them, whatever its inputs are."""
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
        fresh: What a run would do after `set_aside`: the ledger isn't looked at.

    Raises:
        InputError: an argument can't be right, or the inputs can't be read.
        LedgerError: the ledger is another workflow's, or can't be read.
    """
    template = Template(workflow, input_name, params or {})
    bucket = bucket_of(out, workflow)
    folder = Path() if bucket is not None else Path(cast("str", out))
    path = Path(ledger) if ledger is not None else folder / LEDGER
    items = met_inputs(inputs, folder.absolute(), template, Buckets(known_buckets(inputs), bucket))
    planner = _Planner(template, retry_failed=retry_failed, retry_uncertain=retry_uncertain)
    if fresh or not path.exists():
        planner.meet(items, None)
    else:
        with closing(open_to_read(path)) as db:
            check_owner(db, path, template.slug, template.wire_input)
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


class _Planner:
    def __init__(self, template: Template, *, retry_failed: bool, retry_uncertain: bool) -> None:
        self.plan = Plan()
        self._template = template
        self._retried: set[State] = {
            *(("failed",) if retry_failed else ()),
            *(("uncertain",) if retry_uncertain else ()),
        }
        self._met = set[str]()

    def meet(self, items: Iterable[Met | None], db: sqlite3.Connection | None) -> None:
        if db is not None:
            under_way = [state for state in PAID if state != "uncertain"]
            marks = ", ".join("?" * len(under_way))
            self.plan.continued = db.execute(
                f"SELECT count(*) FROM (SELECT {_GOES_ON} AS state FROM tracks) WHERE state IN ({marks})",  # noqa: S608
                under_way,
            ).fetchone()[0]
        for item in items:
            if isinstance(item, Rejected):
                self.plan.rejected.append(item)
            elif item is not None:
                self._meet(item, db)

    def _meet(self, given: Given, db: sqlite3.Connection | None) -> None:
        try:
            key, state = self._known(given, db)
        except (OSError, InputError) as error:
            self.plan.rejected.append(Rejected(given.source, str(error)))
            return
        if state in _SAFE:
            self.plan.finished += 1
        elif key in self._met:
            self.plan.duplicates += 1
        elif state in self._retried:
            self.plan.retried += 1
        elif state in ("failed", "uncertain"):
            self.plan.failed += 1
        elif state in (None, "seen", "uploaded"):
            self.plan.new += 1
            self.plan.upload += (given.size or 0) if state != "uploaded" else 0
        self._met.add(key)

    def _known(self, given: Given, db: sqlite3.Connection | None) -> tuple[str, State | None]:
        """The key of the input's track, and the state in which the ledger has it."""
        if db is not None:
            recall_former(db, given)
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
        found: tuple[State] | None = db.execute(
            f"SELECT {_GOES_ON} FROM tracks WHERE key = ?",  # noqa: S608
            [key],
        ).fetchone()
        return key, found[0] if found else None
