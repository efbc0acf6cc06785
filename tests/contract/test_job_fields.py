"""Every place that writes a whole job has the same fields as the model, see `musicai_sdk.models`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from musicai_sdk.compat.answers import JobDict
from musicai_sdk.models import Job
from musicai_sdk.models._wire import wire_fields
from musicai_sdk.sandbox import Quirks, Sandbox
from simulation.service import Service, Traffic
from simulation.world import World

OPENAPI = Path(__file__).parents[2] / "schemas" / "openapi.yaml"


def described() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(OPENAPI.read_bytes())["components"]
    return found


def sent_by_sandbox() -> dict[str, Any]:
    with Sandbox() as sandbox, httpx.Client(headers={"Authorization": sandbox.api_key}) as api:
        body: dict[str, Any] = {"name": "n", "workflow": "sdk-test", "params": {}}
        job_id = api.post(f"{sandbox.base_url}/job", json=body).json()["id"]
        return dict[str, Any](api.get(f"{sandbox.base_url}/job/{job_id}").json())


def sent_by_simulation() -> dict[str, Any]:
    service = Service(World(0), Quirks(), Traffic(), (1.0, 1.0), 0.0)
    body = json.dumps({"name": "n", "workflow": "sdk-test", "params": {}}).encode()
    _, created = service.answer("test", "POST", "/job", "", body)
    _, job = service.answer("test", "GET", f"/job/{json.loads(created)['id']}", "", None)
    return dict[str, Any](json.loads(job))


PLACES: dict[str, Callable[[], dict[str, Any]]] = {
    "schemas/openapi.yaml, the schema Job": lambda: described()["schemas"]["Job"]["properties"],
    "sandbox/api/routes.py, job_answer": sent_by_sandbox,
    "compat/answers.py, JobDict": lambda: dict(JobDict.__annotations__),
    "tests/simulation/service.py, Service": sent_by_simulation,
}


@pytest.mark.parametrize("place", PLACES)
def test_every_place_knows_every_field(place: str) -> None:
    model, there = set(wire_fields(Job)), set(PLACES[place]())
    assert model - there == set(), f"add these fields to {place}"
    assert there - model == set(), f"{place} has fields that the model of a job lacks"
