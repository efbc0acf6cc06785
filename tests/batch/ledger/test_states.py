"""The table of states: transitions, properties, and that no other module lists states."""

from __future__ import annotations

import ast
import itertools
import re
from pathlib import Path

import pytest

import musicai_sdk
from musicai_sdk.batch.ledger import states
from musicai_sdk.batch.ledger.states import ANSWERED, FETCHABLE, JOBLESS, STATES, TABLE, State, transition

PACKAGE = Path(musicai_sdk.__file__).parent


def reachable(start: State) -> set[State]:
    found, left = set[State](), list[State]([start])
    while left:
        for state in TABLE[left.pop()].next - found:
            found.add(state)
            left.append(state)
    return found


def test_every_state_is_reachable_and_only_deleted_is_final() -> None:
    assert tuple(TABLE) == STATES
    assert reachable("seen") == set(STATES)
    assert [state for state in STATES if not TABLE[state].next] == ["deleted"]
    assert all("deleted" in reachable(state) for state in STATES if state != "deleted")


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATES, STATES)))
def test_a_forbidden_transition_names_both_states(before: State, after: State) -> None:
    if before == after or after in TABLE[before].next:
        assert transition(before, after) == after
    else:
        with pytest.raises(RuntimeError, match=f"{before!r} to {after!r}"):
            transition(before, after)


@pytest.mark.parametrize("state", STATES)
def test_the_properties_agree_with_each_other(state: State) -> None:
    info = TABLE[state]
    assert info.label
    assert info.explained
    assert not (info.safe and (info.owed or info.jobless or info.unsettled))
    assert not (info.fetchable and info.jobless)
    if info.open_post:
        # A failure never forgets a POST that may have been received.
        assert "failed" not in info.next
    if info.fetchable:
        # A known job is never replaced by a new one, unless it fails first. If it proves to be another request's, the
        # track is uncertain, and only the user can ask for a new one.
        assert info.next.isdisjoint(set(JOBLESS) - {"uncertain"})
    if info.safe:
        assert info.next <= {*FETCHABLE, "deleted"}
    if state not in ("creating", "uncertain", "uploaded"):
        assert "creating" not in info.next


def test_every_run_continues_paid_tracks() -> None:
    assert set(states.OWED) == {"creating", "uncertain", "created", "finished", "downloaded"}
    assert set(states.UNDER_WAY) == set(states.OWED) - {"uncertain"}
    assert set(states.BEST_FIRST) == set(STATES)
    assert all(after in TABLE[before].next for before, after in ANSWERED if before is not None)


def collections_of_states(tree: ast.AST) -> list[int]:
    """The lines of collections that name several states."""
    found = list[int]()
    for node in ast.walk(tree):
        names = list[ast.expr | None]()
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            names = list(node.elts)
        elif isinstance(node, ast.Dict):
            names = list(node.keys)
        if sum(isinstance(each, ast.Constant) and each.value in STATES for each in names) > 1:
            found.append(names[0].lineno if names[0] is not None else 0)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            quoted = re.findall(r"'(\w+)'", node.value)
            if any(each in STATES for each in quoted):
                found.append(node.lineno)
    return found


def test_no_other_module_lists_states() -> None:
    others = {
        path.relative_to(PACKAGE).as_posix(): lines
        for room in ("batch", "cli")
        for path in (PACKAGE / room).rglob("*.py")
        # Some outcomes of paid requests have the same names as states.
        if path.name not in ("states.py", "attempts.py")
        and (lines := collections_of_states(ast.parse(path.read_text("utf-8"))))
    }
    assert not others
