"""A run from a bucket to a bucket as a program, configured by its environment; prints its progress as JSON.

Arguments: the ledger, and `{"die_at": [state, number]}` with more options.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict
from typing import Any

from musicai_sdk.batch import Batch, Event
from musicai_sdk.storage import Bucket


def main(ledger: str, options: dict[str, Any]) -> None:
    state, left = options.pop("die_at", ["", 0])

    def on_event(event: Event) -> None:
        nonlocal left
        if event.kind == "state" and event.state == state:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    out = Bucket(options.pop("out", "s3://music/out")).for_outputs({"file": ".wav"})
    defaults: dict[str, Any] = {"in_flight": 6, "poll_interval": 0.2, "grace": 1.0, "on_event": on_event}
    inputs = options.pop("inputs", "s3://music/songs/")
    report = Batch("sdk-test", inputs, out, ledger=ledger, input_name="file", **(defaults | options)).run()
    print(json.dumps(asdict(report.progress)))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
