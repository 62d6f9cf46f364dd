"""Real builds with a remote cache: ``forgather cache serve`` and nginx, with credentials, and broken ones."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from forgather.make.digest import canonical_json
from tests.integration import forked
from tests.integration.cheap import KINDS, copy_sources, make_workspace, outputs
from tests.integration.debian import Unavailable
from tests.integration.kills import REPOSITORY
from tests.integration.nginx import Nginx
from tests.make.faulty_server import always, answer, cut_off, serving, silent, trickling
from tests.make.serving import sha256

READER, WRITER = "reader:one", "writer:two"
KEY = "0123456789abcdef" * 2
UPLOAD_SECONDS = 60
SOME = ("pp", "graph", "dataset:corpus")  # fifteen tasks, one of which takes a process
FORGATHER = ("-c", "import sys; from forgather.cli.main import main; sys.exit(main())")


class Served:
    """``forgather cache serve`` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "cache"
        command = ["--directory", str(self.root), "--port", "0"]
        command += ["--read-token", READER, "--write-token", WRITER]
        self.process = subprocess.Popen(
            [sys.executable, *FORGATHER, "cache", "serve", *command],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
        assert self.process.stdout is not None
        self.url = re.search(r" at (http://\S+) ", self.process.stdout.readline())[1]

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate()


def start_nginx(folder: Path) -> Nginx:
    try:
        users = [dict([token.split(":")]) for token in (READER, WRITER)]
        return Nginx(folder, *users)
    except Unavailable as reason:
        pytest.skip(f"no nginx here: {reason}")


@pytest.fixture(params=["forgather", "nginx"])
def server(request, tmp_path):
    (tmp_path / "server").mkdir()
    server = (Served if request.param == "forgather" else start_nginx)(tmp_path / "server")
    yield server
    server.stop()


@pytest.fixture
def served(tmp_path):
    (tmp_path / "server").mkdir()
    server = Served(tmp_path / "server")
    yield server
    server.stop()


@pytest.fixture
def nginx(tmp_path):
    (tmp_path / "server").mkdir()
    server = start_nginx(tmp_path / "server")
    yield server
    server.stop()


class Machine:
    """A checkout with the user's cache on a machine of its own. It is patient, unless a test is about
    that: here server and builds have to share a few cores.
    """

    def __init__(self, root: Path, **settings: str) -> None:
        self.root = root
        self.environment = {
            f"FORGATHER_CACHE_{name}": value
            for name, value in {"DIR": f"{root}-cache", "PATIENCE": "30", **settings}.items()
        }

    def build(self, *names: str, **variables: str) -> forked.Outcome:
        environment = {**self.environment, **variables}
        done = forked.doit(self.root, *(names or SOME), environment=environment)
        assert "Traceback" not in done.output, done.output
        return done

    def waiting(self) -> list[str]:
        """The notes of what is still to be uploaded."""
        notes = (self.root / "build/store/outbox").rglob("*")
        return [path.name for path in notes if len(path.name) >= 64]

    def wait_for_uploads(self) -> None:
        deadline = time.monotonic() + UPLOAD_SECONDS
        while self.waiting() or "uploaded" not in self.log():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def log(self) -> str:
        return "".join(p.read_text() for p in (self.root / "build/store/outbox").rglob("push.log"))


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What a build without any cache gives."""
    forked.warm()
    alone = Machine(make_workspace(tmp_path_factory.mktemp("alone") / "ws"), DIR="off")
    assert alone.build(*KINDS).code == 0
    return outputs(alone.root)


@pytest.fixture
def machine(tmp_path, expected):
    """Makes machines with the same sources, at different places."""
    count = iter(range(9))

    def make(**settings) -> Machine:
        return Machine(make_workspace(tmp_path / f"machine{next(count)}" / "ws"), **settings)

    return make


def is_right(one: Machine, expected: dict[str, bytes]) -> bool:
    now = outputs(one.root)
    return len(now) > len(SOME) and now.items() <= expected.items()


def restored(done: forked.Outcome) -> int:
    return len(re.findall(r"^\.  \S+  \(restored", done.output, re.M))


def writer_at(url: str) -> dict[str, str]:
    return {"URL": url, "TOKEN": WRITER, "MODE": "read-write"}


def test_what_one_machine_built_no_other_builds(server, machine, expected):
    first = machine(**writer_at(server.url))
    assert len(first.build(*KINDS).built) == 18
    first.wait_for_uploads()
    assert "uploaded" in first.log() and "kept" not in first.log()
    second = machine(URL=server.url, TOKEN=READER)
    done = second.build(*KINDS)
    assert done.code == 0 and not done.built and restored(done) == 18
    assert "remote cache" not in done.output, "there is nothing to complain about"
    assert outputs(second.root) == expected
    assert second.waiting() == []


def test_who_may_only_read_uploads_nothing_and_is_told(server, machine, expected):
    one = machine(URL=server.url, TOKEN=READER, MODE="read-write")
    done = one.build()
    assert done.code == 0 and is_right(one, expected)
    wait_until(lambda: "kept" in one.log())
    assert "credentials do not allow it" in one.log()
    assert not any(path.is_file() for path in server.root.rglob("*"))
    waiting = one.waiting()
    assert waiting
    push = forgather(one, "cache", "push")
    assert push.returncode == 1 and "kept" in push.stdout, push.stdout + push.stderr
    one.environment["FORGATHER_CACHE_TOKEN"] = WRITER
    push = forgather(one, "cache", "push")
    assert push.returncode == 0, push.stdout + push.stderr
    assert f"{len(waiting)} uploaded" in push.stdout and one.waiting() == []
    assert not machine(URL=server.url, TOKEN=READER).build().built


def wait_until(condition) -> None:
    deadline = time.monotonic() + UPLOAD_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def forgather(one: Machine, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *FORGATHER, *arguments],
        cwd=one.root,
        env={**os.environ, **one.environment, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("token", ["reader:wrong", ""])
def test_who_may_not_read_builds_and_is_told_once(server, machine, expected, token):
    one = machine(URL=server.url, TOKEN=token)
    done = one.build()
    assert done.code == 0 and is_right(one, expected)
    (line,) = [line for line in done.output.splitlines() if "remote cache" in line]
    assert "FORGATHER_CACHE_TOKEN" in line
    assert "wrong" not in done.output.replace("wrong/", "")


def test_only_what_is_missing_crosses_the_network(nginx, machine, tmp_path):
    first = machine(**writer_at(nginx.url))
    first.build()
    first.wait_for_uploads()
    sent = [request for request in nginx.requests() if request.startswith("PUT")]
    assert max(Counter(sent).values()) == 1
    second = machine(URL=nginx.url, TOKEN=READER)
    second.build()
    got = [request for request in nginx.requests() if request.startswith("GET /cas/")]
    assert got and max(Counter(got).values()) == 1, "no blob comes twice"
    count = len(nginx.requests())
    third = Machine(copy_sources(second.root, tmp_path / "third"), URL=nginx.url, TOKEN=READER)
    third.environment["FORGATHER_CACHE_DIR"] = second.environment["FORGATHER_CACHE_DIR"]
    assert not third.build().built
    assert second.build().made == {}
    assert len(nginx.requests()) == count, "what the user has is not asked for"


def test_with_a_key_what_was_altered_on_the_server_is_built_here(
    nginx, machine, expected, tmp_path
):
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    key = {"KEY_FILE": str(tmp_path / "key")}
    first = machine(**writer_at(nginx.url), **key)
    first.build()
    first.wait_for_uploads()
    assert not machine(URL=nginx.url, TOKEN=READER, **key).build().built
    for path in (nginx.root / "ac").iterdir():
        path.write_text(path.read_text().replace('"mode":420', '"mode":493'))
    one = machine(URL=nginx.url, TOKEN=READER, **key)
    done = one.build()
    assert done.code == 0 and is_right(one, expected)
    assert done.output.count("are rejected") == 1 and "altered" in done.output
    assert len(done.built) == 15
    assert (
        machine(URL=nginx.url, TOKEN=READER).build().built == set()
    ), "without a key: nothing checked"


def test_wrong_bytes_on_the_server_are_named_and_built_here(nginx, machine, expected):
    first = machine(**writer_at(nginx.url))
    first.build()
    first.wait_for_uploads()
    for path in (nginx.root / "cas").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    one = machine(URL=nginx.url, TOKEN=READER)
    done = one.build()
    assert done.code == 0 and is_right(one, expected)
    assert "cas/" in done.output and "is left alone" in done.output


# servers that do not keep up


def slow_to_take(connection, head):
    """Answers at once that it has nothing, and never that it has taken something."""
    if head.startswith(b"PUT"):
        time.sleep(600)
    connection.sendall(answer(404))


BROKEN = {
    "silent": silent,
    "trickling": trickling(answer(200, b"{" * 1000)),
    "failing": always(answer(500)),
    "full": lambda connection, head: (
        cut_off(answer(507)) if head.startswith(b"PUT") else always(answer(404))
    )(connection, head),
    "slow to take": slow_to_take,
}


@pytest.mark.parametrize("behaviour", BROKEN.values(), ids=BROKEN)
def test_a_broken_server_costs_a_warning(machine, expected, behaviour):
    with serving(behaviour) as server:
        one = machine(**writer_at(server.url), PATIENCE="0.25")
        done = one.build()
        assert done.code == 0 and is_right(one, expected)
        assert len(done.built) == 15
        assert len([line for line in done.output.splitlines() if "switched off" in line]) <= 1
        assert one.waiting(), "nothing was lost by not being uploaded"


def test_a_server_that_goes_away_in_the_middle_of_a_build(served, machine, tmp_path, expected):
    first = machine(**writer_at(served.url))
    first.build("pp", "graph")
    first.wait_for_uploads()
    (tmp_path / "hook.py").write_text(
        f"import os, contextlib\nwith contextlib.suppress(OSError):\n    os.kill({served.process.pid}, 9)\n"
    )
    one = machine(**writer_at(served.url))
    done = one.build(*KINDS, CHEAP_HOOK=str(tmp_path / "hook.py"))
    assert served.process.wait() == -9
    assert done.code == 0 and is_right(one, expected)
    assert restored(done) == 14 and len(done.built) == 4
    (line,) = [line for line in done.output.splitlines() if "remote cache" in line]
    assert "switched off" in line and served.url in line


# nothing that comes from there is unpickled


class Planted:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def offer(nginx: Nginx, name: str, content: bytes) -> None:
    """Add a file to every model that is offered; nobody signs here."""
    (nginx.root / "cas" / sha256(content)).write_bytes(content)
    for path in (nginx.root / "ac").iterdir():
        fields = json.loads(path.read_text())
        if "weight.txt" in fields["outputs"]:
            output = {"digest": sha256(content), "size": len(content), "mode": 0o644}
            fields["outputs"][name] = output
            path.write_text(canonical_json(fields))


@pytest.mark.parametrize(
    ("name", "is_taken"),
    [
        # torch reads it with weights_only=True: see test_state_files_are_not_unpickled
        ("weights.pt", True),
        ("data.json", True),  # nobody unpickles what is called so
        ("table.pkl", False),
        ("code.pyc", False),
        (f"__pycache__/code.{sys.implementation.cache_tag}.pyc", False),
    ],
)
def test_a_pickle_from_a_server_is_never_read_as_one(nginx, machine, tmp_path, name, is_taken):
    first = machine(**writer_at(nginx.url))
    first.build("model:net")
    first.wait_for_uploads()
    offer(nginx, name, pickle.dumps(Planted(tmp_path / "ran")))
    one = machine(URL=nginx.url, TOKEN=READER)
    done = one.build("model:net")
    assert done.code == 0
    assert not (tmp_path / "ran").exists()
    assert ("model:net" in done.built) != is_taken
    assert (name in done.output) != is_taken, "what is refused is named"
    assert (one.root / "build/net/model" / name).exists() == is_taken
