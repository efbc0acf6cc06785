"""The `musicai` group as click sees it: an option of its own in the wrong place is told where it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from musicai_sdk._platform import escape_unencodable

F = TypeVar("F", bound=Callable[..., Any])

if TYPE_CHECKING:
    from typing_extensions import override
else:

    def override(method: F) -> F:
        """Loading the real one takes as long as a third of click, and only checkers read it."""
        return method


class Root(click.Group):
    """The group, which says where its own options go."""

    @override
    def main(self, *args: Any, **extra: Any) -> Any:
        """Runs the program."""
        escape_unencodable()
        return super().main(*args, **extra)

    @override
    def invoke(self, ctx: click.Context) -> object:
        """Runs the command that is named."""
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            own = {option for parameter in self.params for option in parameter.opts}
            if error.option_name not in own:
                raise
            raise click.UsageError(
                f"{error.option_name} goes before the command, right after `musicai`", error.ctx
            ) from None
