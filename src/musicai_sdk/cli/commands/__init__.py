"""The commands of `musicai`, one module per command or group of commands. Only `musicai_sdk.cli.app` imports them.

To add a command: write a function with the decorators `@click.command(cls=Command)` (or `@group.command()`) on the
outside and `@command` innermost, in a module here, and add it to `_COMMANDS` in `app.py`. Its first parameter is the
`CommandContext`, whose `client()` connects and whose `show` and `show_all` write results for people and as JSON. Import
the client and everything else that takes time inside the function: `musicai --help` must stay fast. Errors of the package
need no handling; `cli/errors.py` maps them to exit codes. The test goes into `tests/cli`.
"""
