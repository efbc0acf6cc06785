"""The run that is killed and restarted. All its log records, of any level, are kept and searched for secrets."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from musicai_sdk import AsyncMusicAiClient
from musicai_sdk.batch import Batch, Event

TIMEOUT = 3.0
"""The timeout of an exchange in seconds; the default is meant for real networks."""


def main(source: str, out: str, log: str, in_flight: int, max_jobs: int | None) -> None:
    # The root logger, so that httpx, httpcore, asyncio and the package log everything.
    logging.basicConfig(
        filename=log, level=logging.NOTSET, format="%(asctime)s %(name)s %(levelname)s %(message)s"
    )
    with Path(log).with_suffix(".events").open("w", encoding="utf-8") as events:

        def on_event(event: Event) -> None:
            events.write(f"{json.dumps(event.to_dict())}\n")
            events.flush()

        Batch(
            "sdk-test",
            source,
            out,
            input_name="file",
            progress=False,
            in_flight=in_flight,
            uploads=12,
            downloads=12,
            grace=2.0,
            poll_interval=1.0,
            retry_failed=True,
            retry_uncertain=True,
            max_jobs=max_jobs,
            connect=lambda: AsyncMusicAiClient(timeout=TIMEOUT),
            on_event=on_event,
        ).run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]) or None)
