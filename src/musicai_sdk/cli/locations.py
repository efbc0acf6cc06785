"""IN, OUT and the ledger of `process folder`, checked before any request."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast

import click

from musicai_sdk.cli.arguments import check_media, check_writable, existing, in_bucket, is_remote, is_web

if TYPE_CHECKING:
    from musicai_sdk.batch import Inputs

_CLAIM = ".musicai-file.lock"
"""The file in OUT that a command locks while it works. A killed command leaves it, and the next one removes it."""
_LISTED = 6
"""File names in a message."""


def parse_inputs(
    text: str, *, glob: str | None, recursive: bool, watch: bool, settle: float, force: bool = False
) -> Inputs:
    """The meaning of IN: a folder, a manifest, a file or a URL; in a bucket an object if it has an extension.

    Args:
        text: IN.
        glob: The pattern of file names in a folder.
        recursive: Whether to include subfolders.
        watch: Whether to wait for new files.
        settle: Seconds after which an unchanged file counts as complete.
        force: Whether to accept a single file without the extension of audio or video.

    Raises:
        UsageError: it doesn't exist, or an option doesn't fit it.
    """
    from musicai_sdk.batch import Folder, Watch

    bucket = in_bucket(text)
    if is_remote(text) and not bucket and not is_web(text):
        raise click.UsageError(
            f"can't read {text!r}: inputs are on this machine, or at https://, s3://, gs://, az://"
        )
    if watch:
        if not text or not Path(text).is_dir():
            raise click.UsageError(f"--watch needs a folder on this machine; {text!r} is not one")
        return Watch(text, glob, recursive, settle)
    if not is_remote(text) and not (text and Path(text).exists()):
        raise click.UsageError(f"there is no {text!r}: pass an existing file or folder, or a URL")
    if (not bucket and Path(text).is_dir()) or (bucket and not _has_extension(text)):
        return Folder(text, glob, recursive)
    if glob is not None:
        raise click.UsageError(f"--glob needs a folder; {text!r} is not one")
    if not force and not is_web(text):
        check_media(text, manifests=True)
    return text


def output_and_ledger(out: str, ledger: str | None) -> tuple[str, Path]:
    """OUT and the path of the ledger.

    Raises:
        UsageError: OUT is neither a folder nor in a bucket, or a bucket without a ledger on this machine.
    """
    from musicai_sdk.batch import ledger_of

    if not out or (is_remote(out) and not in_bucket(out)):
        raise click.UsageError(f"can't write to {out!r}: pass a folder, or an s3://, gs:// or az:// URL")
    if ledger is not None:
        if is_remote(ledger):
            raise click.UsageError(f"the ledger must be a file on this machine, not {ledger!r}")
        return out, Path(ledger)
    if in_bucket(out):
        raise click.UsageError(
            f"results in {out!r} need --ledger FILE, a file on this machine: it records which jobs are paid"
            " for and done"
        )
    return out, ledger_of(out)


def check_output(out: str) -> None:
    """Checks that a local OUT is writable, before anything is paid for.

    Raises:
        OSError: it is not.
    """
    if not in_bucket(out):
        check_writable(Path(out))


@contextmanager
def claimed(folder: Path) -> Generator[None]:
    """Claims an output folder, which it creates if needed, for one command.

    Raises:
        UsageError: another command has claimed it.
        OSError: it can't be created or written.
    """
    from musicai_sdk._locks import close_and_unlink, take

    path = folder / _CLAIM
    with existing(folder):
        file = take(path)
        if file is None:
            raise click.UsageError(
                f"another `musicai process file` is writing to {str(folder)!r}: pass another folder. Nothing was sent"
            )
        try:
            yield
        finally:
            close_and_unlink(file, path)


def check_no_results(folder: Path) -> None:
    """Checks that a folder holds no results of another job: their job may be deleted, and no other copy exist.

    Raises:
        UsageError: it does; the text names them.
    """
    from musicai_sdk.models.files import RESULT_MANIFEST

    manifest = folder / RESULT_MANIFEST
    if manifest.exists() or manifest.is_symlink():
        names = ", ".join(sorted({manifest.name, *_files_of(manifest)})[:_LISTED])
        raise click.UsageError(
            f"{str(folder)!r} already holds results ({names}): pass another folder, or --overwrite to replace them."
            " Nothing was sent"
        )


def _files_of(manifest: Path) -> list[str]:
    """The files that a manifest names; none if it is unreadable."""
    try:
        content: object = json.loads(manifest.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    values = cast("dict[str, object]", content).values() if isinstance(content, dict) else ()
    return [each[2:] for each in values if isinstance(each, str) and each.startswith("./")]


def _has_extension(text: str) -> bool:
    return not text.endswith("/") and bool(PurePosixPath(text.partition("://")[2]).suffix)
