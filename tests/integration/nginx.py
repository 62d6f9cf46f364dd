"""A real nginx, with the configuration that docs/cache.md shows, on a free port of this machine."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.integration.debian import Unavailable, cache_folder, unpack

PAGE = Path(__file__).parents[2] / "docs" / "cache.md"
SBIN = "usr/sbin/nginx"
UP_SECONDS = 20

AROUND = """\
daemon off;
{user}
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
{server}
}}
"""


def program() -> str:
    """Raises Unavailable where there is none and its package cannot be had."""
    installed = shutil.which("nginx")
    return installed or str(unpack(["nginx"], cache_folder("nginx"), SBIN) / SBIN)


class Nginx:
    """Serves ``folder / "cache"`` at ``url``; users and passwords as in its two files."""

    def __init__(self, folder: Path, readers: dict[str, str], writers: dict[str, str]) -> None:
        self.folder = folder
        self.root = folder / "cache"
        (self.root / "tmp").mkdir(parents=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        write_users(folder / "readers", readers | writers)
        write_users(folder / "writers", writers)
        user = "user root;" if os.geteuid() == 0 else ""
        text = AROUND.format(folder=folder, user=user, server=self._server())
        (folder / "nginx.conf").write_text(text)
        self._process = subprocess.Popen(
            [program(), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"],
            stderr=open(folder / "stderr", "wb"),  # noqa: SIM115 - it is the process's
        )
        self._wait()

    def _server(self) -> str:
        """The block of the page, with the port and the places of this test."""
        (block,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(), re.S)
        for old, new in {
            "listen 8095;": f"listen 127.0.0.1:{self.port};",
            "/srv/forgather-cache": str(self.root),
            "/etc/nginx/forgather-": f"{self.folder}/",
        }.items():
            assert old in block, f"{PAGE.name} has changed: {old}"
            block = block.replace(old, new)
        return block

    def _wait(self) -> None:
        deadline = time.monotonic() + UP_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise Unavailable(f"nginx does not start: {(self.folder / 'stderr').read_text()[-300:]}")

    def requests(self) -> list[str]:
        """``METHOD /path`` of each answered 2xx, in order."""
        text = (self.folder / "access.log").read_text()
        return re.findall(r'"(\w+ \S+) HTTP/1.1" 2\d\d ', text)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


def write_users(path: Path, users: dict[str, str]) -> None:
    lines = []
    for name, password in users.items():
        digest = base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()
        lines.append(f"{name}:{{SHA}}{digest}\n")
    path.write_text("".join(lines))
