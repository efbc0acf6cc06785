"""The API keys that `musicai login` stores: one file in the user's configuration folder, with a key for each base URL.

A key is only ever returned for the base URL that it was stored for. The file must be a regular file of the user, with no
access for others; any other file is refused. Windows has no such permissions: there, the folder's access list protects
the file. Keys stay inside `Secret`, so that neither `repr` nor the local variables of a traceback show them.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from musicai_sdk._files import (
    kind,
    open_regular,
    unlink,
    user_folder,
    write_text,
)
from musicai_sdk._io.secret import Secret as Secret
from musicai_sdk._locks import close_and_unlink, take
from musicai_sdk._platform import quoted
from musicai_sdk.errors import ConfigurationError

_MOST = 1 << 20
"""The largest file to read, in bytes."""
_OTHERS = 0o077
"""The permissions of everybody but the owner."""
_PATIENCE = 10.0
"""The longest time, in seconds, to wait for another program that is changing the file."""
_PAUSE = 0.05
"""Seconds between two attempts to lock the file."""


def credentials_file() -> Path:
    """The path of the file, which need not exist.

    Raises:
        ConfigurationError: the user has no home folder.
    """
    try:
        return user_folder("config") / "credentials.json"
    except RuntimeError:
        raise ConfigurationError(
            "no home folder for a stored key: set HOME, or MUSIC_AI_API_KEY instead"
        ) from None


def source() -> str:
    """The file in words, as the origin of a key."""
    return f"the file {str(credentials_file())!r} of `musicai login`"


def stored_key(base_url: str) -> Secret | None:
    """Returns the key that was stored for a base URL, or None.

    Raises:
        ConfigurationError: the file is refused, or can't be read.
    """
    return stored_keys().get(_normal(base_url))


def stored_keys() -> dict[str, Secret]:
    """Returns all stored keys by base URL.

    Raises:
        ConfigurationError: the file is refused, or can't be read.
    """
    try:
        path = credentials_file()
    except ConfigurationError:
        return {}  # nothing can have been stored
    try:
        descriptor = _opened(path)
    except OSError as error:
        raise _refusal(path, f"can't be read: {error.strerror}") from None
    if descriptor is None:
        return {}
    try:
        if problem := _problem(descriptor, path):
            raise _refusal(path, problem)
        keys = _parsed(descriptor)
    finally:
        os.close(descriptor)
    if keys is None:
        raise _refusal(
            path,
            "isn't in the format of `musicai login`: remove it with `musicai logout --all`, and log in again",
        )
    return keys


def store(base_url: str, secret: Secret) -> Path:
    """Stores a key for a base URL, in place of an older one.

    Returns:
        The file.

    Raises:
        ConfigurationError: the existing file is refused, or the file system can't hide the file from other users.
        OSError: the file can't be written.
    """
    path = credentials_file()
    with _changing(path):
        _write(path, {**stored_keys(), _normal(base_url): secret})
        try:
            stored_keys()
        except ConfigurationError:  # the file system has no permissions
            unlink(path)
            raise
    return path


def forget(base_url: str) -> bool:
    """Removes the key of a base URL. Returns False if none was stored.

    Raises:
        ConfigurationError: the file is refused, or can't be read.
        OSError: the file can't be written.
    """
    if _normal(base_url) not in stored_keys():
        return False
    path = credentials_file()
    with _changing(path):
        keys = stored_keys()
        removed = keys.pop(_normal(base_url), None)
        if keys:
            _write(path, keys)
        else:
            unlink(path)
    return removed is not None


def forget_all() -> bool:
    """Removes the file with all keys, even one that would be refused. Returns False if there is none.

    Raises:
        OSError: the file can't be removed.
    """
    path = credentials_file()
    existed = os.path.lexists(path)
    unlink(path)
    return existed


def masked(key: str) -> str:
    """Masks a key. Shows its last four characters only if the key is long enough to stay secret without them."""
    return f"…{key[-4:]}" if len(key) >= 20 else "…"


def _normal(base_url: str) -> str:
    """Normalises a base URL, as the file contains it: scheme and host in lower case, no trailing slash."""
    parts = urlsplit(base_url.rstrip("/"))
    return parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower()).geturl()


def _opened(path: Path) -> int | None:
    """Opens the file; None if it doesn't exist. Doesn't follow a link.

    Raises:
        ConfigurationError: not a regular file.
        OSError: it can't be opened.
    """
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(mode):
        raise _refusal(path, "is a symbolic link: replace it with the file itself")
    if not stat.S_ISREG(mode):
        raise _refusal(path, f"is {kind(mode)}, not a regular file: remove it")
    return open_regular(path)


def _problem(descriptor: int, path: Path) -> str | None:
    """The reason to refuse the open file, or None."""
    user: Callable[[], int] | None = getattr(os, "geteuid", None)
    if user is None:  # Windows
        return None
    found = os.fstat(descriptor)
    if found.st_uid != user():
        return "belongs to another user: run `musicai login` as the user who runs this program"
    if found.st_nlink > 1:
        return "has a second name (a hard link), through which it could be changed: copy it and replace it"
    if found.st_mode & _OTHERS:
        return (
            f"is accessible to other users (mode {stat.S_IMODE(found.st_mode):o}): run chmod 600 {quoted(str(path))},"
            f" and replace the key if somebody else may have read it"
        )
    return None


def _refusal(path: Path, problem: str) -> ConfigurationError:
    return ConfigurationError(f"the stored API key in {str(path)!r} isn't used: the file {problem}")


def _parsed(descriptor: int) -> dict[str, Secret] | None:
    """The keys by base URL; None if the file is malformed. Raises no parser's error, which would quote the file."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        try:
            value: object = json.loads(file.read(_MOST))
        except (ValueError, RecursionError):
            return None
    keys: object = cast("dict[str, Any]", value).get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, dict):
        return None
    return {name: Secret(key) for name, key in cast("dict[str, Any]", keys).items()}


@contextmanager
def _changing(path: Path) -> Generator[None]:
    """A block that only one program runs at a time, so that no change is lost between reading and replacing the file.

    Creates the folder, accessible only to its owner.

    Raises:
        ConfigurationError: another program has held the lock for too long.
        OSError: the folder can't be written to.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    turn = path.with_suffix(".lock")
    latest = time.monotonic() + _PATIENCE
    while (file := take(turn)) is None:
        if time.monotonic() > latest:
            raise ConfigurationError(
                f"another program has been changing the stored keys for {_PATIENCE:g} s: end it, and try again. Its lock is"
                f" {str(turn)!r}"
            )
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        close_and_unlink(file, turn)


def _write(path: Path, keys: Mapping[str, Secret]) -> None:
    values = {url: secret.value for url, secret in sorted(keys.items())}
    write_text(path, json.dumps({"keys": values}, indent=2) + "\n", follow=False, private=True)
