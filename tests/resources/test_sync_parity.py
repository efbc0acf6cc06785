"""Both colours have the same names. `scripts/generate --check` covers everything else."""

from __future__ import annotations

import inspect

import pytest

from musicai_sdk import AsyncMusicAiClient, MusicAiClient
from musicai_sdk.resources import (
    Applications,
    AsyncApplications,
    AsyncFiles,
    AsyncJobList,
    AsyncJobs,
    AsyncWorkflows,
    Files,
    JobList,
    Jobs,
    Workflows,
)

SPECIAL = {"__aenter__": "__enter__", "__aexit__": "__exit__", "__aiter__": "__iter__"}
"""The special methods that have another name in the synchronous colour."""
PAIRS: list[tuple[type, type]] = [
    (MusicAiClient, AsyncMusicAiClient),
    (Jobs, AsyncJobs),
    (Files, AsyncFiles),
    (Workflows, AsyncWorkflows),
    (Applications, AsyncApplications),
    (JobList, AsyncJobList),
]


def members(cls: type) -> set[str]:
    """The names of the public members and of the special methods above."""
    names = {SPECIAL.get(name, name) for base in cls.__mro__ if base is not object for name in vars(base)}
    return {name for name in names if name in SPECIAL.values() or not name.startswith("_")}


@pytest.mark.parametrize(("sync", "asynchronous"), PAIRS, ids=lambda cls: cls.__name__)
def test_both_colours_have_the_same_names(sync: type, asynchronous: type) -> None:
    assert members(sync) == members(asynchronous)


@pytest.mark.parametrize("sync", [sync for sync, _ in PAIRS], ids=lambda cls: cls.__name__)
def test_no_synchronous_method_returns_an_awaitable(sync: type) -> None:
    for name in members(sync):
        member = inspect.getattr_static(sync, name)
        assert not inspect.iscoroutinefunction(member), name
        assert "await" not in (member.__doc__ or ""), name
        assert "Async" not in (member.__doc__ or ""), name


def test_every_resource_is_compared() -> None:
    client: dict[str, object] = vars(MusicAiClient("key"))
    resources = {type(member) for member in client.values() if hasattr(member, "_session")}
    assert resources == {Jobs, Files, Workflows, Applications}
    assert resources < {sync for sync, _ in PAIRS}
