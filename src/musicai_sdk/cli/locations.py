"""What stands on the command line of `process folder` for inputs, and for where results go."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast

import click

from musicai_sdk.cli.arguments import check_media, check_writable, is_remote

if TYPE_CHECKING:
    from musicai_sdk.batch import Inputs

_BUCKETS = ("s3://", "gs://", "az://")
_WEB = ("https://", "http://")
_SHOWN = 6
"""Files that a message names."""


def inputs_at(
    text: str, *, glob: str | None, recursive: bool, watch: bool, settle: float, force: bool = False
) -> Inputs:
    """What IN stands for: a folder, a manifest, a file, a URL; in a bucket a prefix, or an object by its extension.

    Args:
        text: IN.
        glob: Which files of a folder.
        recursive: Whether the folders in it count too.
        watch: Whether to wait for files that come.
        settle: Seconds after which an unchanged file is complete.
        force: Whether a single file that is no audio or video by its name is taken.

    Raises:
        UsageError: there is no such thing, or it and the options don't fit together.
    """
    from musicai_sdk.batch import Folder, Watch

    bucket = text.startswith(_BUCKETS)
    if is_remote(text) and not bucket and not text.startswith(_WEB):
        raise click.UsageError(
            f"can't read {text!r}: inputs are on this machine, or at https://, s3://, gs://, az://"
        )
    if watch:
        if not text or not Path(text).is_dir():
            raise click.UsageError(f"--watch needs a folder on this machine, and {text!r} is none")
        return Watch(text, glob, recursive, settle)
    if not is_remote(text) and not (text and Path(text).exists()):
        raise click.UsageError(f"there is no {text!r}")
    if (not bucket and Path(text).is_dir()) or (bucket and not _is_file(text)):
        return Folder(text, glob, recursive)
    if glob is not None:
        raise click.UsageError(f"--glob needs a folder, and {text!r} is none")
    if not force and not text.startswith(_WEB):
        check_media(text, manifests=True)
    return text


def places_of(out: str, ledger: str | None) -> tuple[str, Path]:
    """Where results go, and where the ledger is.

    Raises:
        UsageError: a bucket needs a ledger elsewhere, or it is no place to write to.
    """
    from musicai_sdk.batch import ledger_of

    if not out or (is_remote(out) and not out.startswith(_BUCKETS)):
        raise click.UsageError(f"can't write to {out!r}: give a folder, or a place at s3://, gs:// or az://")
    if ledger is not None:
        if is_remote(ledger):
            raise click.UsageError(f"the ledger is a file on this machine, and {ledger!r} isn't")
        return out, Path(ledger)
    if out.startswith(_BUCKETS):
        raise click.UsageError(
            f"results in {out!r} need --ledger FILE: a file on this machine, by which later runs know what is paid"
            " for and done"
        )
    return out, ledger_of(out)


def check_out(out: str) -> None:
    """Sees to it that a folder for results can be written to, before anything is paid for.

    Raises:
        OSError: it can't.
    """
    if not out.startswith(_BUCKETS):
        check_writable(Path(out))


def check_free(folder: Path) -> None:
    """Checks that no results are in a folder: the job that gave them is gone, and nothing else has them.

    Raises:
        UsageError: there are; the text names them.
    """
    from musicai_sdk.models.files import RESULT_MANIFEST

    manifest = folder / RESULT_MANIFEST
    if manifest.exists() or manifest.is_symlink():
        names = ", ".join(sorted({manifest.name, *_listed(manifest)})[:_SHOWN])
        raise click.UsageError(
            f"results are in {str(folder)!r} already ({names}): give another folder, or --overwrite to replace them."
            " Nothing was sent"
        )


def _listed(manifest: Path) -> list[str]:
    """The files that a manifest names, as far as it can be read."""
    try:
        content: object = json.loads(manifest.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    values = cast("dict[str, object]", content).values() if isinstance(content, dict) else ()
    return [each[2:] for each in values if isinstance(each, str) and each.startswith("./")]


def _is_file(text: str) -> bool:
    return not text.endswith("/") and bool(PurePosixPath(text.partition("://")[2]).suffix)
