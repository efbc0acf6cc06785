"""A run as a program: its arguments as JSON on the command line, its progress as JSON at the end.

`die_at: [state, number]` kills it with SIGKILL when that many tracks have reached that state.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from musicai_sdk.batch import Batch, Event, dask_executor


def main(arguments: dict[str, Any]) -> None:
    state, left = arguments.pop("die_at", ["", 0])
    workers = arguments.pop("dask", 0)

    def on_event(event: Event) -> None:
        nonlocal left
        if event.kind == "state" and event.state == state:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        if event.kind == "draining":
            print("draining", flush=True)

    options: dict[str, Any] = {"in_flight": 12, "poll_interval": 0.2, "grace": 1.0, "on_event": on_event}
    with ExitStack() as stack:
        if workers:
            executor, shards = stack.enter_context(dask_executor(workers=workers))
            options |= {"executor": executor, "shards": shards}
        workflow = arguments.pop("workflow", "sdk-test")
        report = Batch(workflow, arguments.pop("inputs"), arguments.pop("out"), **(options | arguments)).run()
    print(json.dumps(asdict(report.progress)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
