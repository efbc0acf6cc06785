"""A service under test, the sandbox or the real one, over plain HTTP."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import httpx

_PATIENCE = 15 * 60


@dataclass(frozen=True)
class Service:
    """A running service."""

    name: str
    api: httpx.Client
    plain: httpx.Client
    """A client without a key, for signed URLs."""

    def upload(self, data: bytes) -> str:
        urls = self.api.get("/upload").raise_for_status().json()
        self.plain.put(urls["uploadUrl"], content=data).raise_for_status()
        url: str = urls["downloadUrl"]
        return url

    def create(self, workflow: str, params: dict[str, Any], **fields: Any) -> str:
        body = {"name": "conformance", "workflow": workflow, "params": params, **fields}
        job_id: str = self.api.post("/job", json=body).raise_for_status().json()["id"]
        return job_id

    def finished(self, job_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE
        while self.api.get(f"/job/{job_id}/status").json()["status"] not in ("SUCCEEDED", "FAILED"):
            assert time.monotonic() < deadline
            time.sleep(0.05 if self.name == "sandbox" else 2)
        job: dict[str, Any] = self.api.get(f"/job/{job_id}").json()
        return job
