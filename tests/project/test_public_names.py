"""The public names: documented, loaded when they are first used, and the same to type checkers as at run time."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import musicai_sdk
import musicai_sdk.batch
import musicai_sdk.codegen
import musicai_sdk.compat
import musicai_sdk.errors
import musicai_sdk.mcp
import musicai_sdk.models
import musicai_sdk.music
import musicai_sdk.storage
import musicai_sdk.workflows

PACKAGE = Path(musicai_sdk.__file__).parent
MODULES: list[ModuleType] = [
    *(musicai_sdk, musicai_sdk.batch, musicai_sdk.codegen, musicai_sdk.models, musicai_sdk.music),
    *(musicai_sdk.storage, musicai_sdk.workflows, musicai_sdk.compat, musicai_sdk.mcp),
]
UNKNOWN = "MusicAIClient"
PREAMBLE = "import json, sys; sys.path.insert(0, sys.argv[1])"
HEAVY = {"httpx", "pydantic", "pydantic_core", "tenacity", "numpy", "starlette", "anyio", "asyncio"}


def error_classes() -> list[type[Exception]]:
    members: list[object] = list(vars(musicai_sdk.errors).values())
    return [
        member
        for member in members
        if isinstance(member, type)
        and issubclass(member, Exception)
        and member.__module__ == musicai_sdk.errors.__name__
    ]


def public() -> dict[str, object]:
    """Every public name with its value."""
    names = dict[str, object]()
    for module in MODULES:
        for name in module.__all__:
            value = getattr(module, name)
            # `compat` has a client of the same name.
            names[name if names.get(name, value) is value else f"{module.__name__}.{name}"] = value
    return names | {kind.__name__: kind for kind in error_classes()}


NAMES = public()
CLASSES = {name: value for name, value in NAMES.items() if inspect.isclass(value)}
FUNCTIONS = {name: value for name, value in NAMES.items() if inspect.isfunction(value)}
ALIASES = sorted(NAMES.keys() - CLASSES.keys() - FUNCTIONS.keys() - {"R", "R_co"})
"""Types and constants that are values, with their documentation below them. Type variables have none."""


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def documented_assignments(body: list[ast.stmt]) -> Iterator[tuple[str, bool]]:
    """Each name that is assigned or annotated, and whether a docstring follows."""
    for index, statement in enumerate(body):
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        following = body[index + 1] if index + 1 < len(body) else None
        match following:
            case ast.Expr(value=ast.Constant(value=str())):
                documented = True
            case _:
                documented = False
        for target in targets:
            if isinstance(target, ast.Name):
                yield target.id, documented


def type_checking_imports() -> dict[str, str]:
    """What `musicai_sdk/__init__.py` imports for type checkers: the module of each name."""
    tree = parsed(PACKAGE / "__init__.py")
    (block,) = [
        node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    assert not block.orelse
    found: dict[str, str] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        assert node.module is not None
        for name in node.names:
            assert name.asname is None
            found[name.name] = node.module
    return found


def in_a_fresh_interpreter(code: str) -> Any:
    """The JSON output of the code in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{PREAMBLE}\n{code}", str(PACKAGE.parent)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_there_are_names_of_every_kind() -> None:
    assert {"MusicAiClient", "Job", "GenerateChords", "MusicAiError", "WaitTimeoutError"} <= CLASSES.keys()
    assert {"output", "param", "discover", "write_report"} <= FUNCTIONS.keys()
    assert {"CUSTOM_STORAGE", "FileInput", "JobStatus"} <= set(ALIASES)


@pytest.mark.parametrize("name", [*CLASSES, *FUNCTIONS])
def test_every_class_and_function_has_a_docstring(name: str) -> None:
    doc = vars(NAMES[name]).get("__doc__") if name in CLASSES else NAMES[name].__doc__
    assert doc
    assert doc.strip()[0].isupper() or doc.startswith(("`", "4", "5"))
    # What `dataclass` writes when there is none.
    assert not doc.startswith(f"{name}(")


@pytest.mark.parametrize("name", ALIASES)
def test_every_alias_has_a_docstring_under_it(name: str) -> None:
    found = {
        assigned: documented
        for room in ("batch", "compat", "models", "workflows")
        for path in PACKAGE.glob(f"{room}/**/*.py")
        for assigned, documented in documented_assignments(parsed(path).body)
    }
    assert found[name], f"{name} has no docstring under it"


@pytest.mark.parametrize("name", CLASSES)
def test_every_public_field_has_a_docstring_under_it(name: str) -> None:
    (tree,) = ast.parse(inspect.getsource(CLASSES[name])).body
    assert isinstance(tree, ast.ClassDef)
    fields = dict(documented_assignments(tree.body))
    missing = [
        field
        for field, documented in fields.items()
        if not documented and not field.startswith("_") and field not in {"model_config", "CUSTOM_STORAGE"}
    ]
    assert missing == []


def test_every_error_is_in_the_overview() -> None:
    overview = musicai_sdk.errors.__doc__ or ""
    assert [kind.__name__ for kind in error_classes() if kind.__name__ not in overview] == []
    assert all(issubclass(kind, musicai_sdk.MusicAiError) for kind in error_classes())
    assert len(error_classes()) > 15


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_all_lists_every_public_name(module: ModuleType) -> None:
    names: list[str] = module.__all__
    assert len(names) == len(set(names))
    assert set(names) <= set(dir(module))
    assert all(hasattr(module, name) for name in names)


def test_type_checkers_see_the_same_names() -> None:
    imports = type_checking_imports()
    assert sorted(imports) == sorted(musicai_sdk.__all__)
    for name, module in imports.items():
        assert getattr(musicai_sdk, name) is getattr(import_module(module), name), name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=f"module 'musicai_sdk' has no attribute '{UNKNOWN}'"):
        _ = getattr(musicai_sdk, UNKNOWN)
    assert UNKNOWN not in dir(musicai_sdk)


def test_importing_the_package_loads_nothing() -> None:
    loaded = in_a_fresh_interpreter("""
import musicai_sdk
dir(musicai_sdk)
print(json.dumps(sorted(sys.modules)))
""")
    assert "musicai_sdk" in loaded
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()
    assert [name for name in loaded if name.startswith("musicai_sdk.")] == []


def test_errors_load_without_their_models() -> None:
    loaded = in_a_fresh_interpreter("import musicai_sdk.errors\nprint(json.dumps(sorted(sys.modules)))")
    assert {"httpx", "pydantic"} & set(loaded) == set()


def test_names_are_listed_before_they_are_loaded_and_loaded_when_used() -> None:
    listed, before, kinds, kept = in_a_fresh_interpreter("""
import musicai_sdk
listed = dir(musicai_sdk)
before = [name for name in musicai_sdk.__all__ if name in vars(musicai_sdk)]
kinds = {name: type(getattr(musicai_sdk, name)).__name__ for name in musicai_sdk.__all__}
kept = [name for name in musicai_sdk.__all__ if name in vars(musicai_sdk)]
print(json.dumps([listed, before, kinds, kept]))
""")
    assert set(musicai_sdk.__all__) <= set(listed)
    assert before == []
    assert kinds["MusicAiClient"] == "type"
    assert kept == musicai_sdk.__all__


def test_all_names_can_be_imported_with_a_star() -> None:
    names = in_a_fresh_interpreter("""
space = {}
exec("from musicai_sdk import *", space)
print(json.dumps(sorted(space)))
""")
    assert set(names) - {"__builtins__"} == set(musicai_sdk.__all__)


@pytest.mark.parametrize("extra", ["numpy", "starlette", "uvicorn", "soundfile", "trustme", "click", "rich"])
def test_the_client_needs_no_extra(extra: str) -> None:
    made = in_a_fresh_interpreter(f"""
sys.modules[{extra!r}] = None
from musicai_sdk import *
from musicai_sdk.workflows import GenerateChords
with MusicAiClient("key") as client:
    print(json.dumps(repr(client)))
""")
    assert made == "MusicAiClient(base_url='https://api.music.ai/v1')"
