"""The fields of a class that have a docstring."""

from __future__ import annotations

import ast
import inspect


def documented_fields(kind: type) -> set[str]:
    """The names of a class's fields that are followed by a docstring."""
    (tree,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(tree, ast.ClassDef)
    return {
        statement.target.id
        for statement, following in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and isinstance(following, ast.Expr)
    }
