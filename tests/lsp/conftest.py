"""A workspace with one project, and a client that speaks to a server in a process of its own."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from forgather.lsp.outline import Outline
from forgather.lsp.projects import Projects

PATIENCE = 60  # seconds for an answer of a loaded machine

FILES = {
    "forgather_workspace/README.md": "",
    "library/base.yaml": """\
## What every config has.
## Two blocks.
-- set ns = namespace()
-- set ns.trainer = 'trainer.yaml'
[optimizer]
optimizer: &optimizer !partial:collections:OrderedDict@optimizer
    lr: 1.0e-3

[trainer]
-- include ns.trainer

[extras]
extra: &extra 1
""",
    "library/trainer.yaml": """\
[trainer_args]
trainer: !call:collections:Counter { a: 1 }
""",
    "one/meta.yaml": """\
name: "One"
searchdir: [ "templates", "../library" ]
default_config: "plain.yaml"
""",
    "one/templates/project.yaml": """\
-- extends 'base.yaml'
[optimizer]
    == super()
    momentum: 0.9

[trainer]
    -- include 'project.part'

#---- project.part ----
## An inline template.
-- extends 'trainer.yaml'
[trainer_args]
    == super()
opt: *optimizer
""",
    "one/templates/configs/plain.yaml": """\
-- extends 'project.yaml'
[optimizer]
    == super()
    decay: 0.1

main: !call:dict { opt: *optimizer, path: !call:os.path:join [ a, b ] }
""",
}


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def space(tmp_path: Path) -> Path:
    root = (tmp_path / "space").resolve()
    for name, text in FILES.items():
        write(root, name, text)
    return root


@pytest.fixture
def projects(space: Path) -> Projects:
    return Projects([str(space)])


def outline_of(path: Path) -> Outline:
    return Outline(path.read_text(encoding="utf-8"))


def find(path: Path, needle: str, offset: int = 0) -> tuple[int, int]:
    """0-based line and column of the first place of a piece of text."""
    before, found, _ = path.read_text(encoding="utf-8").partition(needle)
    assert found, f"{needle!r} is not in {path}"
    start = before.rfind("\n") + 1
    return before.count("\n"), len(before) - start + offset


class Client:
    """JSON-RPC over the pipes of ``forgather lsp``."""

    def __init__(self, cwd: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "forgather.cli", "lsp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        )
        self.received: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.pending: list[dict[str, Any]] = []
        self.number = 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while header := stream.readline():
            length = 0
            while header.strip():
                name, _, value = header.decode().partition(":")
                length = int(value) if name.lower() == "content-length" else length
                header = stream.readline()
            self.received.put(json.loads(stream.read(length)))
        self.received.put(None)

    def send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self.process.stdin.flush()

    def wait(self, wanted) -> dict[str, Any]:
        """The first message that ``wanted`` accepts; others are kept for later."""
        for index, message in enumerate(self.pending):
            if wanted(message):
                return self.pending.pop(index)
        while True:
            message = self.received.get(timeout=PATIENCE)
            assert message is not None, "the server ended"
            if wanted(message):
                return message
            self.pending.append(message)

    def request(self, method: str, params: Any = None) -> Any:
        self.number += 1
        number = self.number
        self.send({"id": number, "method": method, "params": params})
        answer = self.wait(lambda message: message.get("id") == number and "method" not in message)
        assert "error" not in answer, answer
        return answer["result"]

    def notify(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def start(self, root: Path) -> dict[str, Any]:
        folder = {"uri": root.as_uri(), "name": root.name}
        result = self.request(
            "initialize", {"processId": None, "capabilities": {}, "workspaceFolders": [folder]}
        )
        self.notify("initialized", {})
        return result

    def open(self, path: Path) -> None:
        item = {
            "uri": path.as_uri(),
            "languageId": "forgather",
            "version": 1,
            "text": path.read_text(encoding="utf-8"),
        }
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, path: Path, text: str) -> None:
        document = {"uri": path.as_uri(), "version": 2}
        changes = {"textDocument": document, "contentChanges": [{"text": text}]}
        self.notify("textDocument/didChange", changes)

    def save(self, path: Path) -> None:
        self.notify("textDocument/didSave", {"textDocument": {"uri": path.as_uri()}})

    def diagnostics(self, path: Path) -> list[dict[str, Any]]:
        """The next that are published for a file."""
        message = self.wait(
            lambda m: m.get("method") == "textDocument/publishDiagnostics"
            and m["params"]["uri"] == path.as_uri()
        )
        return message["params"]["diagnostics"]

    def at(self, method: str, path: Path, place: tuple[int, int], **more: Any) -> Any:
        position = {"line": place[0], "character": place[1]}
        params = {"textDocument": {"uri": path.as_uri()}, "position": position, **more}
        return self.request(f"textDocument/{method}", params)

    def stop(self) -> tuple[int, str]:
        """(exit code, what the server said on stderr)."""
        self.request("shutdown")
        self.notify("exit", None)
        code = self.process.wait(PATIENCE)
        assert self.process.stderr is not None
        return code, self.process.stderr.read().decode()

    def close(self) -> None:
        """End the server, whatever state it is in, and its pipes after it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()


@pytest.fixture
def client(space: Path):
    client = Client(space)
    yield client
    client.close()
