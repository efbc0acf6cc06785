"""`python -m musicai_sdk.sandbox.engine.worker`: runs workflows for `processes`, which sends it lines of JSON.

It receives `{"slug", "params", "folder"}`, may send `{"fetch": name}` to receive `{"path"}` or `{"failure"}`, and ends a
job with `{"outputs"}`, `{"failure"}` or `{"error"}`. It exits at the end of its input.
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
    # Output of libraries must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lines = queue.SimpleQueue[str]()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    while True:
        _send(answers, _answer(json.loads(lines.get()), lines, answers))


def _read(lines: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)  # The sandbox has ended: nobody needs the result.


def _send(answers: TextIO, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def _answer(order: dict[str, Any], lines: queue.SimpleQueue[str], answers: TextIO) -> dict[str, Any]:
    def fetch(name: str) -> Path:
        _send(answers, {"fetch": name})
        reply = json.loads(lines.get())
        if "failure" in reply:
            raise WorkflowFailure(*reply["failure"])
        return Path(reply["path"])

    try:
        outputs = WORKFLOWS[order["slug"]](Task(order["params"], Path(order["folder"]), fetch))
    except WorkflowFailure as failure:
        return {"failure": [failure.code, failure.title, failure.message]}
    except Exception:  # noqa: BLE001 - any error ends the job, and goes to the log
        return {"error": traceback.format_exc()}
    files = {name: str(output) for name, output in outputs.items() if isinstance(output, Path)}
    return {"outputs": {name: files.get(name, output) for name, output in outputs.items()}, "files": [*files]}


if __name__ == "__main__":
    main()
