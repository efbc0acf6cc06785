"""An agent: the official MCP client, speaking to `musicai mcp` over its standard input and output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import CallToolResult, TextContent

from musicai_sdk.sandbox import Sandbox

COMMAND = ("-W", "error", "-m", "musicai_sdk.cli", "mcp")


@dataclass
class Studio:
    """What a server is started with."""

    sandbox: Sandbox
    root: Path
    state: Path
    max_jobs: int = 1000
    options: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        own = ["--root", str(self.root), "--state", str(self.state), "--max-jobs", str(self.max_jobs)]
        return [*COMMAND, *own, *self.options]

    @property
    def environment(self) -> dict[str, str]:
        variables = {"MUSIC_AI_API_KEY": self.sandbox.api_key, "MUSIC_AI_BASE_URL": self.sandbox.base_url}
        return {**os.environ, **variables}

    def file(self, name: str, content: str | None = None) -> str:
        """A file for `sdk-test`, which gives back what it gets."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"RIFF\0\0\0\0WAVE" + (name if content is None else content).encode() * 10)
        return name

    def posts(self) -> int:
        """How often a job was asked for."""
        return sum(each.method == "POST" and each.path == "/v1/job" for each in self.sandbox.requests)


@dataclass
class Agent:
    """The client, which looks for secrets in everything that it gets."""

    client: Client
    studio: Studio

    async def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool gives; the client holds it against the tool's schema."""
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.structured_content
        return self._content(result)

    async def refused(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The error of a call that must fail."""
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error, result.structured_content
        error: dict[str, Any] = self._content(result)["error"]
        assert set(error) == {"code", "message", "what_to_do", "retryable"}
        assert error["message"]
        assert error["what_to_do"]
        return error

    async def echo(self, name: str) -> dict[str, Any]:
        """Has a file given back."""
        return await self("process", workflow="sdk-test", input=name, input_name="file")

    def _content(self, result: CallToolResult) -> dict[str, Any]:
        (text,) = result.content
        assert isinstance(text, TextContent)
        assert json.loads(text.text) == result.structured_content
        for secret in (self.studio.sandbox.api_key, "Signature=", "Expires="):
            assert secret not in text.text
        content: dict[str, Any] = result.structured_content
        return content


@asynccontextmanager
async def agent(studio: Studio) -> AsyncGenerator[Agent]:
    """An agent with a server of its own."""
    parameters = StdioServerParameters(
        command=sys.executable, args=studio.arguments, env=studio.environment, cwd=studio.root
    )
    async with Client(stdio_client(parameters)) as client:
        yield Agent(client, studio)
