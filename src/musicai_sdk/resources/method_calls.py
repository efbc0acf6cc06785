"""Wrong calls of the client's methods: the errors show the right call, and name the successors of former names."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from musicai_sdk import _core
from musicai_sdk._core.arguments import AddJobOptions
from musicai_sdk._core.options import RequestOptions

FORMER_NAMES = {
    **dict.fromkeys(("create_job", "add_job", "add", "submit"), "create"),
    **dict.fromkeys(("get_job", "job_info"), "get"),
    **dict.fromkeys(("get_job_status", "get_status"), "status"),
    **dict.fromkeys(("list_jobs", "get_jobs", "list_workflows"), "list"),
    "delete_job": "delete",
    **dict.fromkeys(("wait_for_job_completion", "wait_for_completion"), "wait"),
    **dict.fromkeys(("download_job_results", "download_results", "download_file"), "download"),
    "upload_file": "upload",
    "process_file": "run",
    **dict.fromkeys(("get_application_info", "info"), "get"),
}
"""The methods of resources by the names that their actions have in 1.0, 0.x and the official tools."""

FORMER_ARGUMENTS: dict[str, str | tuple[str, ...]] = {
    **dict.fromkeys(("id", "job_id", "job_id_or_job_data"), "job"),
    **dict.fromkeys(("job_name",), "name"),
    **dict.fromkeys(("workflow_slug", "workflow_id", "slug"), "workflow"),
    **dict.fromkeys(("size", "per_page"), "page_size"),
    **dict.fromkeys(("interval", "job_monitor_interval"), "poll_interval"),
    **dict.fromkeys(("output_dir", "output_folder", "file_destination", "path"), ("folder", "destination")),
    **dict.fromkeys(("file_path", "file"), "source"),
    "filters": ("status", "workflow", "batch_name"),
    "timeout": "request_timeout",
}
"""The arguments of methods by their names in 1.0, 0.x and on the wire."""

_OPTIONS = {"Unpack[RequestOptions]": RequestOptions, "Unpack[AddJobOptions]": AddJobOptions}


class ShownCalls:
    """The base of classes whose methods are called as `place.method`.

    A call with missing, misplaced or unknown arguments raises a `TypeError` that shows the right call.
    """

    _place: ClassVar[str]

    @override
    def __init_subclass__(cls, *, place: str | None = None) -> None:
        """Wraps the public methods; type checkers and `inspect` see the unchanged signatures."""
        super().__init_subclass__()
        if place is None:
            return
        cls._place = place
        for name, method in list(vars(cls).items()):
            if inspect.isfunction(method) and not name.startswith("_"):
                setattr(cls, name, _explaining(method, place))


class Resource(ShownCalls):
    """The base of `client.jobs` and its like, whose missing attributes name the method that replaces a former one."""

    if not TYPE_CHECKING:  # otherwise type checkers would accept every misspelt name

        def __getattr__(self, name: str) -> Any:
            """Names the method that replaces a former one."""
            text = f"{type(self).__name__!r} object has no attribute {name!r}"
            if (found := successor(type(self), name)) is not None:
                text += f": use {self._place}.{found}"
            raise AttributeError(text, name=name, obj=self)


def successor(kind: type, name: str) -> str | None:
    """The method of a class that replaces a name of 1.0, 0.x or the official JavaScript client; None if there is none."""
    plain = _snake(name)
    return next((each for each in (plain, FORMER_NAMES.get(plain, "")) if hasattr(kind, each)), None)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _explaining(method: Callable[..., Any], place: str) -> Callable[..., Any]:
    """The method with an explanation of wrong calls."""
    code = method.__code__
    options = _OPTIONS.get(method.__annotations__.get("options", ""))
    known = {
        *code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount],
        *(options.__annotations__ if options is not None else ()),
    }

    most = code.co_argcount

    def explain(error: TypeError, given: tuple[object, ...], named: Mapping[str, object]) -> None:
        if error.__traceback__ is not None and error.__traceback__.tb_next is None:
            # The method hasn't begun: an argument is missing.
            raise _wrong_call(method, place, known, given[1:], named) from None

    @wraps(method)
    async def asynchronous(*given: Any, **named: Any) -> Any:
        if len(given) > most or not named.keys() <= known:  # `**options` accepts any name
            raise _wrong_call(method, place, known, given[1:], named)
        try:
            return await method(*given, **named)
        except TypeError as error:
            explain(error, given, named)
            raise

    @wraps(method)
    def synchronous(*given: Any, **named: Any) -> Any:
        if len(given) > most or not named.keys() <= known:  # `**options` accepts any name
            raise _wrong_call(method, place, known, given[1:], named)
        try:
            return method(*given, **named)
        except TypeError as error:
            explain(error, given, named)
            raise

    return asynchronous if inspect.iscoroutinefunction(method) else synchronous


def _wrong_call(
    method: Callable[..., Any],
    place: str,
    known: set[str],
    given: tuple[object, ...],
    named: Mapping[str, object],
) -> Exception:
    """The error of a call that doesn't fit the signature of a method, with the right call in its text."""
    code, call = method.__code__, f"{place}.{method.__name__}"
    most = code.co_argcount - 1
    names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    if names[:1] == ("workflow",) and "workflow" not in named:
        former = [named[each] for each in ("job_name", "workflow_slug", "workflow_id") if each in named]
        only_slug = len(given) == 1 and isinstance(given[0], str)
        params = named.get("params", {name: named[name] for name in named if name not in known})
        if len(given) > most or former or only_slug:
            return _core.create.wrong_workflow(
                method.__name__, *given, *former, *([params] if former or only_slug else [])
            )
    unknown = [name for name in named if name not in known]
    if unknown:
        likely = FORMER_ARGUMENTS.get(unknown[0], _snake(unknown[0]))
        wanted = [each for each in ((likely,) if isinstance(likely, str) else likely) if each in known]
        if not wanted:
            from difflib import get_close_matches  # here: only a wrong call needs it

            wanted = get_close_matches(unknown[0], known, 1)
        problem = f"has no option {unknown[0]!r}" + (f" (see {', '.join(wanted)})" if wanted else "")
    elif len(given) > most:
        count = (
            ("no positional arguments", "one positional argument")[most]
            if most < 2
            else f"{most} positional arguments"
        )
        problem = f"takes {count}"
    else:
        needed = names[: most - len(method.__defaults__ or ())]
        missing = [name for name in needed[len(given) :] if name not in named]
        problem = f"needs {' and '.join(map(repr, missing))}" if missing else "has an argument twice"
    optional = names[most - len(method.__defaults__ or ()) :]
    texts = [f"{name}=…" if name in optional else name for name in names]
    if code.co_kwonlyargcount:
        texts.insert(most, "*")
    others = (
        f", and the options {', '.join(sorted(known - {*names}))}" if unknown and known - {*names} else ""
    )
    return TypeError(f"{call} {problem}: {call}({', '.join(texts)}){others}")
