"""`python -m musicai_sdk.sandbox.engine.worker`: runs workflows for `processes`, a line of JSON at a time.

It gets `{"slug", "params", "folder"}`, may ask `{"fetch": name}` and gets `{"path"}` or `{"failure"}`, and ends a job
with `{"outputs"}`, `{"failure"}` or `{"error"}`. It ends itself when its input does.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicai_sdk.sandbox.engine.task import Task, WorkflowFailure
from musicai_sdk.sandbox.engine.workflows import WORKFLOWS

if TYPE_CHECKING:
    from typing import TextIO


def main() -> None:
    """Serves until the input ends."""
    # What a library prints must not get in between.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lines = queue.SimpleQueue[str]()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    while True:
        _say(answers, _answer(json.loads(lines.get()), lines, answers))


def _read(lines: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)  # Whoever asked is gone, and so is the need for whatever is being computed.


def _say(answers: TextIO, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def _answer(order: dict[str, Any], lines: queue.SimpleQueue[str], answers: TextIO) -> dict[str, Any]:
    def fetch(name: str) -> Path:
        _say(answers, {"fetch": name})
        reply = json.loads(lines.get())
        if "failure" in reply:
            raise WorkflowFailure(*reply["failure"])
        return Path(reply["path"])

    try:
        outputs = WORKFLOWS[order["slug"]](Task(order["params"], Path(order["folder"]), fetch))
    except WorkflowFailure as failure:
        return {"failure": [failure.code, failure.title, failure.message]}
    except Exception:  # noqa: BLE001 - whatever it is, the job ends and the log tells
        return {"error": traceback.format_exc()}
    files = {name: str(output) for name, output in outputs.items() if isinstance(output, Path)}
    return {"outputs": {name: files.get(name, output) for name, output in outputs.items()}, "files": [*files]}


if __name__ == "__main__":
    main()
