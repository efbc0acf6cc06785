"""Threads for transfers: they are reused, and an idle one keeps nothing of its last work."""

from __future__ import annotations

import threading
import time
import weakref
from functools import partial

import pytest

from musicai_sdk._io import threads


class Transfer:
    """Stands for the data of a transfer."""

    def __init__(self) -> None:
        self.done = threading.Event()


def finish(transfer: Transfer) -> None:
    transfer.done.set()


def test_an_idle_thread_keeps_no_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_IDLE", 60.0)
    for _ in range(2):  # by a new thread, and by an idle one
        transfer = Transfer()
        kept = weakref.ref(transfer)
        threads.run(partial(finish, transfer))
        assert transfer.done.wait(10)
        del transfer
        until = time.monotonic() + 10
        while kept() is not None and time.monotonic() < until:
            time.sleep(0.01)
        assert kept() is None
    monkeypatch.undo()
    threads.run(lambda: None)  # so that the thread ends as usual
