"""A service in memory with configurable quirks, which other programs use too."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from musicai_sdk.models.job import IDEMPOTENCY_KEY
from musicai_sdk.sandbox.clock import iso
from musicai_sdk.sandbox.database.records import JobRecord
from musicai_sdk.sandbox.faults.odd_answers import odd_job
from musicai_sdk.sandbox.faults.quirks import Quirks
from simulation.world import World

APPLICATION = {"id": "7a3c1a52-0d1c-4a4e-9b43-8f1f0a0d4b11", "name": "Simulated"}
LARGEST_PAGE = 1000


@dataclass(frozen=True)
class Traffic:
    """The requests of other programs with the same API key."""

    jobs_before: int = 0
    """The number of jobs at the beginning."""
    creates: float = 0.0
    """The probability that a job is created before a page is answered."""
    deletes: float = 0.0
    """The probability that one of these jobs is deleted before a page is answered."""
    most: int = 10
    """The most jobs that they create."""


@dataclass
class Stored:
    """A job at the service."""

    record: JobRecord
    """The job, with its final status."""
    started_at: float
    ended_at: float
    key: str | None
    """Its idempotency key; None for jobs of other programs."""
    texts: dict[tuple[str, bool], str] = field(default_factory=dict[tuple[str, bool], str])
    """Encoded answers, by status and whether they are items of a list."""


@dataclass(frozen=True, slots=True)
class Paid:
    """A job that the simulated client created."""

    key: str
    """Its idempotency key."""
    id: str
    name: str
    client: str
    """The program that sent the request."""


@cache
def _parsed(query: str) -> dict[str, list[str]]:
    return parse_qs(query)


class Service:
    """Answers requests, at once.

    Args:
        world: Its world.
        quirks: Its quirks. Only those of lists, jobs, metadata and DELETE are supported.
        traffic: The requests of other programs.
        seconds: The least and the most seconds that a job takes.
        failing: The share of jobs that fail.
    """

    def __init__(
        self, world: World, quirks: Quirks, traffic: Traffic, seconds: tuple[float, float], failing: float
    ) -> None:
        self.world = world
        self.quirks = quirks
        self.jobs: dict[str, Stored] = {}
        """The existing jobs, oldest first."""
        self.paid = list[Paid]()
        """Every job that the simulated client has created, including deleted ones."""
        self.deleted = list[str]()
        """Ids that were deleted by request."""
        self.calm = False
        """Whether the other programs send nothing."""
        self._traffic = traffic
        self._seconds = seconds
        self._failing = failing
        self._created_by_others = 0
        for _ in range(traffic.jobs_before):
            self._strange_create(since=-1e5)

    def answer(
        self, client: str, method: str, path: str, query: str, body: bytes | None
    ) -> tuple[int, bytes]:
        """Acts on a request; returns status and body."""
        match method, *path.strip("/").split("/"):
            case "POST", "job":
                return 200, json.dumps({"id": self._create(client, json.loads(body or b"{}"))}).encode()
            case "GET", "job":
                return 200, self._list(_parsed(query)).encode()
            case "GET", "job", job_id:
                stored = self.jobs.get(job_id)
                return (404, _MISSING) if stored is None else (200, self._text(stored, listed=False).encode())
            case "GET", "job", job_id, "status":
                stored = self.jobs.get(job_id)
                if stored is None:
                    return 404, _MISSING
                return 200, json.dumps({"id": job_id, "status": self._status(stored)}).encode()
            case "DELETE", "job", job_id:
                if self.jobs.pop(job_id, None) is None:
                    return 404, _MISSING
                self.deleted.append(job_id)
                empty = self.quirks.delete_status != 200
                return self.quirks.delete_status, b"" if empty else json.dumps({"id": job_id}).encode()
            case "GET", "application":
                return 200, json.dumps(APPLICATION).encode()
            case _:
                return 404, _MISSING

    def _create(self, client: str, asked: dict[str, Any]) -> str:
        metadata: dict[str, Any] = asked.get("metadata") or {}
        key = metadata.get(IDEMPOTENCY_KEY)
        job_id = self._add(asked, metadata, key, self.world.now)
        self.paid.append(Paid(str(key), job_id, asked["name"], client))
        if self.world.trace is not None:
            self.world.note("service", f"creates {job_id[:8]} for {key}")
        return job_id

    def _add(self, asked: dict[str, Any], metadata: dict[str, Any], key: str | None, now: float) -> str:
        draw = self.world.random
        job_id = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        started = now + draw.uniform(0, 0.5)
        ended = started + draw.uniform(*self._seconds)
        failed = self.world.chance(self._failing)
        record = JobRecord(
            seq=len(self.jobs), id=job_id, app=APPLICATION["name"], name=asked["name"], batch_name=None, metadata=metadata,
            workflow=asked["workflow"], params=asked["params"], copy_results_to={}, status="FAILED" if failed else "SUCCEEDED", result=None,
            error={"code": "BAD_INPUT", "title": "t", "message": "m"} if failed else None, created_at=now,
            started_at=None, completed_at=None,
        )  # fmt: skip
        self.jobs[job_id] = Stored(record, started, ended, key)
        return job_id

    def _list(self, query: dict[str, list[str]]) -> str:
        if not self.calm:
            self._others_act()
        page, size = int(query.get("page", ["0"])[0]), int(query.get("size", ["100"])[0])
        size = min(size, self.quirks.page_limit or LARGEST_PAGE)
        listed_by = self.world.now - self.quirks.list_lag
        found = [stored for stored in self.jobs.values() if stored.record.created_at <= listed_by]
        if wanted := query.get("status"):
            found = [stored for stored in found if self._status(stored) in wanted]
        if (wanted := query.get("workflow")) and self.quirks.workflow_filter != "ignored":
            by_name = self.quirks.workflow_filter == "name"
            found = [
                s for s in found if (s.record.workflow.title() if by_name else s.record.workflow) in wanted
            ]
        match self.quirks.list_order:
            case "newest":
                found.reverse()
            case "shuffled":
                found.sort(key=lambda stored: hashlib.sha256(stored.record.id.encode()).digest())
            case "oldest":
                pass
        items = ",".join(self._text(each, listed=True) for each in found[page * size : (page + 1) * size])
        return f'{{"jobs":[{items}]}}' if self.quirks.list_envelope == "object" else f"[{items}]"

    def _status(self, stored: Stored) -> str:
        if self.world.now < stored.started_at:
            return "QUEUED"
        return "STARTED" if self.world.now < stored.ended_at else stored.record.status

    def _text(self, stored: Stored, *, listed: bool) -> str:
        status = self._status(stored)
        if text := stored.texts.get((status, listed)):
            return text
        record = stored.record
        over = status == record.status
        if over:
            record = replace(record, completed_at=stored.ended_at)
        answer: dict[str, Any] = {
            "id": record.id,
            "app": record.app,
            "name": record.name,
            "batchName": None,
            "metadata": record.metadata,
            "workflow": record.workflow,
            "workflowParams": record.params,
            "status": status,
            "result": self._result(record.id) if status == "SUCCEEDED" else None,
            "error": record.error if status == "FAILED" else None,
            "createdAt": iso(_EPOCH + record.created_at),
            "startedAt": None if status == "QUEUED" else iso(_EPOCH + stored.started_at),
            "completedAt": iso(_EPOCH + stored.ended_at) if over else None,
        }
        text = json.dumps(odd_job(answer, record, self.quirks, listed=listed))
        stored.texts[status, listed] = text
        return text

    def _result(self, job_id: str) -> dict[str, Any]:
        """Returns the result of a job that succeeded."""
        del job_id
        return {"bpm": "64"}

    def _others_act(self) -> None:
        if self._created_by_others < self._traffic.most and self.world.chance(self._traffic.creates):
            self._created_by_others += 1
            self._strange_create(since=self.world.now)
        if self.world.chance(self._traffic.deletes):
            theirs = [job_id for job_id, stored in self.jobs.items() if stored.key is None]
            if theirs:
                del self.jobs[self.world.random.choice(theirs)]

    def _strange_create(self, since: float) -> None:
        workflow = self.world.random.choice(("acme", "other"))
        params = {"file": f"https://songs.example/theirs-{len(self.jobs)}.wav"}
        self._add({"name": "theirs", "workflow": workflow, "params": params}, {}, None, since)


_MISSING = json.dumps({"statusCode": 404, "message": "Job not found."}).encode()
_EPOCH = 1_700_000_000
