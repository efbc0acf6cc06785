"""Each request is paid once, despite lost answers, repeats, kills, restarts and several concurrent servers."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from typing import Any

from support.agents import Agent, Studio, agent, echo

TOGETHER = 8
REQUESTS = 100


def keys_of(studio: Studio) -> list[Any]:
    """The keys of the sandbox's jobs."""
    return [job["metadata"]["musicai_sdk.idempotency_key"] for job in studio.sandbox.jobs]  # type: ignore[call-overload,index]


def test_200_calls_with_lost_answers_repeats_and_a_kill(studio: Studio) -> None:
    """100 requests, each made twice. Every second POST loses its answer, and the server is killed once."""
    before = len(studio.sandbox.jobs)
    losing = studio.sandbox.faults.add("POST /job", reset="after", probability=1 / 2, seed=7)
    requests = [echo(studio.file(f"{number}.wav")) for number in range(REQUESTS)]
    calls = requests * 2
    random.Random(5).shuffle(calls)
    jobs, repeated = dict[str, str](), 0

    def work(ask: Agent, several: list[dict[str, Any]]) -> None:
        nonlocal repeated
        for each, answer in zip(several, ask.together(*(("process", each) for each in several)), strict=True):
            if answer.get("error", {}).get("retryable"):
                # Eight creations at once can change the list faster than one of them can read it. The answer says what
                # to do: nothing was sent, so repeat the call.
                (answer,) = ask.together(("process", each))
            assert "error" not in answer, answer
            assert jobs.setdefault(each["input"], answer["job_id"]) == answer["job_id"]
            repeated += answer["repeated"]

    with agent(studio) as ask:
        for start in range(0, 96, TOGETHER):
            work(ask, calls[start : start + TOGETHER])
        # The next POST arrives and is never answered; the server is killed while it waits.
        assert losing.hits > 10
        studio.sandbox.faults.clear()
        studio.sandbox.faults.add("POST /job", hang="after", nth=1)
        assert any(each["input"] not in jobs for each in calls[96:104])
        under_way = ask.start(*(("process", each) for each in calls[96:104]))
        while len(studio.sandbox.jobs) - before <= len(jobs):
            time.sleep(0.01)
        os.kill(int(studio.pid_file.read_text()), signal.SIGKILL)
        assert under_way.exception(60) is not None
    studio.sandbox.faults.clear()
    losing = studio.sandbox.faults.add("POST /job", reset="after", probability=1 / 2, seed=8)
    with agent(studio) as ask:
        for start in range(96, len(calls), TOGETHER):
            work(ask, calls[start : start + TOGETHER])
        limits = ask("get_limits")
    keys = keys_of(studio)
    assert losing.hits > 3
    assert len(calls) == 200
    assert len(jobs) == len(set(jobs.values())) == REQUESTS
    assert len(keys) - before == len(set(keys)) - before == REQUESTS
    assert limits["jobs_created"] == REQUESTS
    assert repeated > REQUESTS / 2  # the others joined the first call


def test_without_its_state_a_server_finds_the_jobs_in_the_list(studio: Studio) -> None:
    before = len(studio.sandbox.jobs)
    name = studio.file("forgotten.wav")
    with agent(studio) as ask:
        first = ask.echo(name)
    shutil.rmtree(studio.state)
    studio.max_jobs = 0
    with agent(studio) as ask:
        second = ask.echo(name)
        assert (second["job_id"], second["repeated"]) == (first["job_id"], True)
        assert ask("get_limits")["jobs_created"] == 0
    assert len(studio.sandbox.jobs) == before + 1


def test_two_servers_with_one_state(studio: Studio) -> None:
    before = len(studio.sandbox.jobs)
    studio.max_jobs = 5
    studio.sandbox.faults.add("POST /job", delay=0.3, times=3)
    calls = [("process", echo(studio.file(f"both {number}.wav"))) for number in range(8)]
    with agent(studio) as one, agent(studio) as other:
        pending = one.start(*calls), other.start(*calls)
        answers = [one.contents(each.result(100)) for each in pending]
        for first, second in zip(*answers, strict=True):
            if "error" not in first and "error" not in second:
                assert first["job_id"] == second["job_id"]
        assert other("get_limits")["jobs_created"] == 5
    studio.sandbox.faults.clear()
    keys = keys_of(studio)
    assert len(keys) == len(set(keys)) == before + 5
    assert {each["error"]["code"] for answer in answers for each in answer if "error" in each} == {
        "budget_used"
    }


def test_a_lost_request_that_never_arrived_is_sent_again_when_that_is_certain(studio: Studio) -> None:
    """The answer says that nothing was sent again. A repeat searches for the job once more, and then sends it."""
    before, name = len(studio.sandbox.jobs), studio.file("lost.wav")
    studio.sandbox.faults.add("POST /job", reset="before", nth=1)
    with agent(studio) as ask:
        error = ask.refused("process", **echo(name))
        assert (error["code"], error["retryable"]) == ("uncertain", True)
        assert len(studio.sandbox.jobs) == before
        assert ask("get_limits")["jobs_created"] == 1
        assert not ask.echo(name)["repeated"]
        assert ask("get_limits")["jobs_created"] == 1
    assert len(studio.sandbox.jobs) == before + 1
