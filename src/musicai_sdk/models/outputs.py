"""The values in a job's result: file URLs, the custom-storage sentinel and plain JSON."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Generic, TypeAlias, cast, get_args, overload
from urllib.parse import unquote, urlsplit

from pydantic import Field, GetCoreSchemaHandler, JsonValue
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeVar, override

from musicai_sdk._text import without_query

T_co = TypeVar("T_co", default=Any, covariant=True)

URL_SCHEMES = ("https://", "http://")
_FILE_URL = r"^\s*(?i:https?)://"
"""The start of a file output. The service sends only https; a sandbox without TLS sends http."""


def is_file_url(text: str) -> bool:
    """Whether an output is a file: it starts with `https://` or `http://`, in any letter case."""
    return text.lstrip()[:8].lower().startswith(URL_SCHEMES)


def file_name_in(url: str) -> PurePosixPath:
    """The path in a URL, decoded: its `name` and `suffix` are those of the file. Empty if the URL is malformed."""
    try:
        return PurePosixPath(unquote(urlsplit(url).path))
    except ValueError:
        return PurePosixPath()


def _url_schema() -> CoreSchema:
    return core_schema.str_schema(pattern=_FILE_URL, strip_whitespace=True)


class FileUrl(str):
    """The URL of an output file, as a subclass of `str`.

    The URL alone gives access to the file while the signature in its query is valid. So `repr` hides the query;
    `str(url)` returns the whole URL.
    """

    __slots__ = ()

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({without_query(self)!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accepts strings that start with `https://` or `http://`, in any letter case, and strips white space."""
        return core_schema.no_info_after_validator_function(cls, _url_schema())


class JsonFile(FileUrl, Generic[T_co]):
    """The URL of a JSON output file, with the type of its content: `client.files.read(url)` returns a `T_co`.

    `JsonFile[list[Chord]](url)` and `JsonFile(url, list[Chord])` are the same.
    """

    _content_type: Any

    @overload
    def __new__(cls, url: str, content_type: type[T_co]) -> JsonFile[T_co]: ...
    @overload
    def __new__(cls, url: str) -> JsonFile[T_co]: ...
    def __new__(cls, url: str, content_type: Any = None) -> JsonFile[Any]:
        """Builds the URL from its text and the type of the file's content."""
        self = super().__new__(cls, url)
        self._content_type = content_type
        return self

    @property
    def content_type(self) -> Any:
        """The type of the content, against which `client.files.read` validates; `Any` if none was given."""
        if self._content_type is not None:
            return self._content_type
        # `typing` sets this attribute when a class is called with a parameter.
        return next(iter(get_args(getattr(self, "__orig_class__", None))), Any)

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.content_type)

    @classmethod
    @override
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accepts the same strings as `FileUrl`, and keeps the annotation's parameter as `content_type`."""
        content_type = cast("Any", next(iter(get_args(source)), Any))
        return core_schema.no_info_after_validator_function(
            lambda url: cls(url, content_type),
            _url_schema(),
        )


class CustomStorage(StrEnum):
    """The type of `CUSTOM_STORAGE`, its only member."""

    CUSTOM_STORAGE = "[custom storage]"


CUSTOM_STORAGE: Final = CustomStorage.CUSTOM_STORAGE
"""Replaces the URL of an output that `copy_results_to` sent to your own storage.

Equal to the string `"[custom storage]"` that the service sends (source: the official integration tests). mypy and
pyright narrow types with `output is CUSTOM_STORAGE`.
"""

FileOutput: TypeAlias = FileUrl | CustomStorage
"""A file output: its URL, or `CUSTOM_STORAGE` if it is in your own storage."""

JsonOutput: TypeAlias = JsonFile[T_co] | CustomStorage
"""The URL of a JSON file that contains a `T_co`, or `CUSTOM_STORAGE` if it is in your own storage."""

OutputValue: TypeAlias = Annotated[FileUrl | CustomStorage | JsonValue, Field(union_mode="left_to_right")]
"""Any output: a file, a file in your own storage, or a plain JSON value."""
