"""An agent: the official MCP client, speaking to `musicai mcp` over its standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import CallToolResult, TextContent, Tool

from musicai_sdk.sandbox import Sandbox

COMMAND = ("-W", "error", "-m", "musicai_sdk.cli", "mcp")


@dataclass
class Studio:
    """The settings of a server."""

    sandbox: Sandbox
    root: Path
    state: Path
    max_jobs: int = 1000
    options: tuple[str, ...] = ()
    key_file: Path | None = None
    """The file with the key, if it isn't in an environment variable."""

    @property
    def arguments(self) -> list[str]:
        own = ["--root", str(self.root), "--state", str(self.state), "--max-jobs", str(self.max_jobs)]
        return [*COMMAND, *own, *self.options]

    @property
    def environment(self) -> dict[str, str]:
        key = (
            {"MUSIC_AI_API_KEY": self.sandbox.api_key}
            if self.key_file is None
            else {"MUSIC_AI_API_KEY_FILE": str(self.key_file)}
        )
        return {**os.environ, "MUSIC_AI_BASE_URL": self.sandbox.base_url, **key}

    @property
    def pid_file(self) -> Path:
        """The file with the process id of the latest server."""
        return self.root.parent / "pid"

    def file(self, name: str, content: str | None = None) -> str:
        """A file for `sdk-test`, which returns its input."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"RIFF\0\0\0\0WAVE" + (name if content is None else content).encode() * 10)
        return name

    def posts(self) -> int:
        """The number of requests to create a job."""
        return sum(each.method == "POST" and each.path == "/v1/job" for each in self.sandbox.requests)


class Agent:
    """The client, in its own thread. It checks everything that it receives for secrets."""

    def __init__(self, client: Client, studio: Studio, loop: asyncio.AbstractEventLoop) -> None:
        self.client = client
        self.studio = studio
        self._loop = loop
        self._validators: dict[str, Any] = {
            each.name: Draft202012Validator(each.output_schema or {}) for each in self.tools()
        }

    def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Calls a tool. The client validates the result against the tool's schema."""
        (content,) = self.together((tool, arguments))
        assert "error" not in content, content
        return content

    def refused(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The error of a call that must fail."""
        (content,) = self.together((tool, arguments))
        assert set(content) == {"error"}
        error: dict[str, Any] = content["error"]
        assert set(error) == {"code", "message", "what_to_do", "retryable"}
        assert error["message"]
        assert error["what_to_do"]
        return error

    def echo(self, name: str, **params: Any) -> dict[str, Any]:
        """Runs `sdk-test` on a file."""
        return self("process", **echo(name, **params))

    def together(self, *calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """The results of several concurrent calls, including errors."""
        contents = self.contents(self.start(*calls).result(100))
        for (tool, _), content in zip(calls, contents, strict=True):
            if tool in self._validators:  # errors too, as strict clients do
                self._validators[tool].validate(content)
        return contents

    def start(self, *calls: tuple[str, dict[str, Any]]) -> Future[list[CallToolResult]]:
        """Starts several concurrent calls."""

        async def all_of_them() -> list[CallToolResult]:
            return await asyncio.gather(*(self.client.call_tool(*each) for each in calls))

        return asyncio.run_coroutine_threadsafe(all_of_them(), self._loop)

    def contents(self, results: Iterable[CallToolResult]) -> list[dict[str, Any]]:
        """The structured contents."""
        return [self._content(each) for each in results]

    def tools(self) -> list[Tool]:
        """The server's tools."""
        return asyncio.run_coroutine_threadsafe(self.client.list_tools(), self._loop).result(100).tools

    def _content(self, result: CallToolResult) -> dict[str, Any]:
        (text,) = result.content
        assert isinstance(text, TextContent)
        assert json.loads(text.text) == result.structured_content
        for secret in (self.studio.sandbox.api_key, "Signature=", "Expires="):
            assert secret not in text.text
        content: dict[str, Any] = result.structured_content
        assert result.is_error == ("error" in content)
        return content


def echo(name: str, **params: Any) -> dict[str, Any]:
    """The arguments of `process` for `sdk-test`."""
    return {"workflow": "sdk-test", "input": name, "input_name": "file", "params": params}


@contextmanager
def agent(studio: Studio) -> Generator[Agent]:
    """An agent with a server of its own."""
    ready = Future[tuple[Client, asyncio.AbstractEventLoop, asyncio.Event]]()

    async def live() -> None:
        shell = ["-c", 'echo $$ >"$0"; exec "$@"', str(studio.pid_file), sys.executable, *studio.arguments]
        parameters = StdioServerParameters(
            command="/bin/sh", args=shell, env=studio.environment, cwd=studio.root
        )
        over = asyncio.Event()
        async with Client(stdio_client(parameters)) as client:
            ready.set_result((client, asyncio.get_running_loop(), over))
            await over.wait()

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=run)
    thread.start()
    client, loop, over = ready.result(60)
    try:
        yield Agent(client, studio, loop)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
