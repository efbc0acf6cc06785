"""The folders that the server may read and write, and the resolution of an agent's paths in them."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path, PurePath

from musicai_sdk._files import create, kind
from musicai_sdk._names import safe_name
from musicai_sdk.batch.inputs.folder import MEDIA
from musicai_sdk.errors import InputError
from musicai_sdk.mcp.errors import ToolError

_CHUNK = 1 << 20
_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Roots:
    """The allowed folders. Resolves `..` and symbolic links before it checks a path.

    Args:
        folders: The folders. Relative paths are relative to the first one.
        private: The server's own folder, which no agent may read or write, even inside an allowed one.

    Raises:
        InputError: `folders` is empty, or one of them doesn't exist.
    """

    def __init__(self, folders: Sequence[str | os.PathLike[str]], private: Path) -> None:
        self.folders: tuple[Path, ...] = tuple(
            dict.fromkeys(Path(os.path.realpath(folder)) for folder in folders)
        )
        self._private = Path(os.path.realpath(private))
        if not self.folders:
            raise InputError("no root: name at least one folder that the server may read and write")
        for folder in self.folders:
            if not folder.is_dir():
                raise InputError(f"the root {str(folder)!r} isn't a folder")

    def resolve(self, text: str) -> tuple[Path, PurePath]:
        """Returns the root that contains a path, and the relative path from that root, without links and `..`.

        Raises:
            ToolError: the path leads outside all roots.
        """
        try:
            real = Path(os.path.realpath(self.folders[0] / text))
        except (OSError, ValueError):
            raise ToolError("bad_input", f"{text!r:.200} isn't a path", "Correct the path.") from None
        root = next((folder for folder in self.folders if real.is_relative_to(folder)), None)
        if root is None or real.is_relative_to(self._private):
            raise ToolError(
                "outside_root",
                f"{text!r:.200} is outside the folders that this server may use",
                f"Use a path in {self._listed()}, or ask the user to allow another folder with --root.",
            )
        return root, real.relative_to(root)

    def source(self, text: str) -> tuple[Path, PurePath]:
        """Resolves the path of an input, like `resolve`. Its name must be that of an audio or video file."""
        root, relative = self.resolve(text)
        if relative.suffix.lower() not in MEDIA:
            raise ToolError(
                "not_media",
                f"{relative.name!r} isn't an audio or video file by its name: a job for it would fail, and still cost money",
                f"Pass a file whose name ends in one of {' '.join(sorted(MEDIA))}.",
            )
        return root, relative

    def folder_for(self, text: str | None, name: str) -> Path:
        """Creates a folder with this name in a folder of the agent's choice, or checks an existing one.

        The returned folder contains no links.

        Raises:
            ToolError: the folder would be outside all roots, a file has its name, or it contains a link or a special
                file.
        """
        root, relative = self.resolve(os.path.join(text or ".", safe_name(name)))  # noqa: PTH118 - text may be absolute
        folder = root / relative
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise ToolError(
                "bad_input", f"{str(folder)!r} is a file, not a folder", "Choose another folder."
            ) from None
        self.resolve(str(folder))
        for parent, folders, files in os.walk(folder):
            for each in (*folders, *files):
                if not stat.S_ISREG(mode := (Path(parent) / each).lstat().st_mode) and not stat.S_ISDIR(mode):
                    raise ToolError(
                        "outside_root",
                        f"{each!r} in {str(folder)!r} is a link or a special file: nothing is written there",
                        "Choose another folder.",
                    )
        return folder

    def _listed(self) -> str:
        return ", ".join(map(repr, map(str, self.folders)))


def copy_beneath(root: Path, relative: PurePath, copy: Path) -> str:
    """Copies a regular file below a folder to a new file, and returns its SHA-256. Blocks.

    So the uploaded bytes are the hashed bytes, even if another program changes the file meanwhile.

    Raises:
        ToolError: the source isn't a regular file, is empty, or can't be read.
        OSError: the copy can't be written.
    """
    try:
        source = _open_beneath(root, relative)
    except FileNotFoundError:
        raise ToolError("no_such_file", f"there is no file {str(relative)!r}", "Check the path.") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ToolError(
                "outside_root", f"{str(relative)!r} was replaced by a link", "Ask the user about it."
            ) from None
        raise ToolError(
            "bad_input", f"{str(relative)!r} can't be read: {error.strerror}", "Check the path."
        ) from None
    hasher = hashlib.sha256()
    with os.fdopen(source, "rb") as file, os.fdopen(create(copy), "wb") as target:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
            target.write(chunk)
    return hasher.hexdigest()


def _open_beneath(root: Path, relative: PurePath) -> int:
    """Opens a file below a folder. Follows no links, because another program may have created one since the check."""
    descriptor = _opened(root, relative)
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_size:
        return descriptor
    os.close(descriptor)
    what = "an empty file" if stat.S_ISREG(found.st_mode) else kind(found.st_mode)
    raise ToolError("bad_input", f"{str(relative)!r} is {what}", "Pass an audio or video file.")


def _opened(root: Path, relative: PurePath) -> int:
    if sys.platform != "win32" and os.open in os.supports_dir_fd:
        here = os.open(root, _READ | os.O_DIRECTORY)
        try:
            for part in relative.parts[:-1]:
                below = os.open(part, _READ | os.O_DIRECTORY | _NO_LINK, dir_fd=here)
                os.close(here)
                here = below
            return os.open(relative.name or ".", _READ | _NO_LINK, dir_fd=here)
        finally:
            os.close(here)
    return os.open(root / relative, _READ)
