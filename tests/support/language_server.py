"""A small client of the language server protocol: completion and hover at a position."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class LanguageServer:
    """Pyright's language server, for one folder."""

    def __init__(self, folder: Path, sources: Path) -> None:
        self._folder = folder
        self._settings = {
            "python": {
                "pythonPath": sys.executable,
                "analysis": {"extraPaths": [str(sources)], "diagnosticMode": "openFilesOnly"},
            }
        }
        self._ids = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [str(Path(sys.executable).with_name("pyright-langserver")), "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        formats = {"contentFormat": ["markdown"]}
        self.request(
            "initialize",
            processId=None,
            rootUri=self._folder.as_uri(),
            workspaceFolders=[{"uri": self._folder.as_uri(), "name": "project"}],
            capabilities={
                "workspace": {"configuration": True, "workspaceFolders": True},
                "textDocument": {
                    "hover": formats,
                    "completion": {"completionItem": {"snippetSupport": False}},
                },
            },
        )
        self._send({"method": "initialized", "params": {}})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.request("shutdown")
        self._send({"method": "exit"})
        self._process.communicate(timeout=20)

    def open(self, path: Path) -> None:
        document = {"uri": path.as_uri(), "languageId": "python", "version": 1, "text": path.read_text()}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})

    def complete(self, path: Path, line: int, column: int) -> list[str]:
        """The names that are offered at a position, counted from 0."""
        answer = self.request("textDocument/completion", **_position(path, line, column))
        return [item["label"] for item in answer["items"]]

    def hover(self, path: Path, line: int, column: int) -> str:
        """What is shown at a position, counted from 0."""
        answer = self.request("textDocument/hover", **_position(path, line, column))
        return str(answer["contents"]["value"]) if answer else ""

    def request(self, method: str, **params: Any) -> Any:
        self._ids += 1
        self._send({"id": self._ids, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == self._ids and "method" not in message:
                assert "error" not in message, message
                return message["result"]
            if "id" in message:  # the server asks something
                self._send({"id": message["id"], "result": self._answer(message)})

    def _answer(self, message: dict[str, Any]) -> Any:
        if message["method"] == "workspace/configuration":
            return [
                self._settings.get(item["section"])
                or self._settings["python"].get(item["section"].removeprefix("python."))
                for item in message["params"]["items"]
            ]
        return None

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        stream = self._process.stdout
        assert stream is not None
        length = 0
        while line := stream.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server ended"
        message: dict[str, Any] = json.loads(stream.read(length))
        return message


def _position(path: Path, line: int, column: int) -> dict[str, Any]:
    return {"textDocument": {"uri": path.as_uri()}, "position": {"line": line, "character": column}}
