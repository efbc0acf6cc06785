"""`tests/` mirrors `src/musicai_sdk/`: the tests of a module are found by its path.

The tests of `batch/ledger/states.py` are `batch/ledger/test_states.py` and `test_states_*.py`; those of `_core` are in `core`.
Tests of a room as a whole have the room's name. Tests of the whole product have folders of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import musicai_sdk

TESTS = Path(__file__).parents[1]
PACKAGE = Path(musicai_sdk.__file__).parent

WHOLE_PRODUCT = {
    "conformance", "contract", "ide", "official", "packaging", "performance", "platforms", "project", "security", "simulation",
    "typing",
}  # fmt: skip
NO_TESTS = {"songs", "support", "batch/data", "compat/programs"}
SUBJECTS = {
    "codegen/test_schemas.py",  # the committed schemas/
    "compat/test_programs.py",  # programs for 1.0
    "core/test_headers.py",  # parsers of response headers, which several modules have
    "storage/test_batch.py",  # batches from and to buckets
    "storage/test_batch_results.py",
    "mcp_server",  # a folder `mcp` here would hide the package of that name
    "workflows/test_results.py",  # the classes of results, through workflows and models
}
"""Files about a subject that several modules share."""


def members(room: Path) -> dict[str, Path]:
    """The modules and rooms inside a room, by their names without underscores."""
    return {
        path.stem.strip("_"): path
        for path in room.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }


def misplaced(tests: Path, room: Path) -> Iterator[str]:
    """Yields test files and folders that have no counterpart in a room."""
    found = members(room)
    beginnings = tuple(f"test_{name}_" for name in (*found, room.name.strip("_")))
    for path in tests.iterdir():
        name = path.relative_to(TESTS).as_posix()
        if name in WHOLE_PRODUCT | NO_TESTS | SUBJECTS:
            continue
        if path.match("test_*.py"):
            if not f"{path.stem}_".startswith(beginnings):
                yield name
        elif any(path.rglob("*.py")):
            counterpart = found.get(path.name)
            if counterpart is None:
                yield name
            elif counterpart.is_dir():
                yield from misplaced(path, counterpart)


def test_every_test_is_beside_its_module() -> None:
    assert sorted(misplaced(TESTS, PACKAGE)) == []


def test_every_exception_exists() -> None:
    assert {name for name in WHOLE_PRODUCT | NO_TESTS | SUBJECTS if not (TESTS / name).exists()} == set()


def test_misplaced_files_are_found() -> None:
    found = set(misplaced(TESTS / "core", PACKAGE / "_io"))
    assert {"core/test_create.py", "core/test_resume.py"} < found
