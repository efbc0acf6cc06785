"""What stands on the command line for inputs, and for where results go."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from musicai_sdk.batch import Inputs

_BUCKETS = ("s3://", "gs://", "az://")


def inputs_at(text: str, *, glob: str | None, recursive: bool, watch: bool, settle: float) -> Inputs:
    """What IN stands for: a folder, a manifest, a file, a URL; in a bucket a prefix, or an object by its extension.

    Raises:
        UsageError: it and the options don't fit together.
    """
    from musicai_sdk.batch import Folder, Watch

    if watch:
        if not Path(text).is_dir():
            raise click.UsageError(f"--watch needs a folder on this machine, and {text!r} is none")
        return Watch(text, glob, recursive, settle)
    if Path(text).is_dir() or (_in_bucket(text) and not _is_file(text)):
        return Folder(text, glob, recursive)
    if glob is not None:
        raise click.UsageError(f"--glob needs a folder, and {text!r} is none")
    return text


def places_of(out: str, ledger: str | None) -> tuple[str, Path]:
    """Where results go, and where the ledger is.

    Raises:
        UsageError: a bucket needs a ledger elsewhere.
    """
    from musicai_sdk.batch import ledger_of

    if ledger is not None:
        return out, Path(ledger)
    if _in_bucket(out):
        raise click.UsageError(
            f"results in {out!r} need --ledger FILE: a file on this machine, by which later runs know what is paid"
            " for and done"
        )
    return out, ledger_of(out)


def _in_bucket(text: str) -> bool:
    return text.startswith(_BUCKETS)


def _is_file(text: str) -> bool:
    return not text.endswith("/") and bool(PurePosixPath(text.partition("://")[2]).suffix)
