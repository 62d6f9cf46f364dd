"""Where the shared caches are and how they may be used.

From the environment (``FORGATHER_CACHE_*``) and, for ``url`` and ``mode`` alone, from
``[tool.forgather.cache]`` in the build root's ``pyproject.toml``; the environment wins. Secrets come
from the environment or a key file only. A token is sent to a server that the environment names, not
to one that a checked-out file does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from forgather.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from forgather.make.cache.outbox import Outbox
    from forgather.make.cache.remote import Remote
    from forgather.make.cache.signing import Signer

PREFIX = "FORGATHER_CACHE_"
NAMES = ("DIR", "URL", "TOKEN", "MODE", "KEY_FILE", "PATIENCE")
MODES = ("read-only", "read-write")
OFF = "off"
PYPROJECT = "pyproject.toml"
PATIENCE = 1.0  # seconds
SHORTEST_KEY = 16  # bytes
PLAIN_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9a-fA-F:.]+")


@dataclass(frozen=True)
class CacheSettings:
    """directory: the per-user cache, None where it is off. url: the remote, None where there is none.

    source: where the url was found, for messages. token, key: secrets.
    """

    directory: Path | None
    url: str | None = None
    source: str = ""
    token: str | None = field(default=None, repr=False)
    mode: str = MODES[0]
    key: bytes | None = field(default=None, repr=False)
    patience: float = PATIENCE

    @classmethod
    def load(
        cls, environ: Mapping[str, str] = os.environ, root: Path | None = None
    ) -> CacheSettings:
        """Read the settings. Raises UsageError (FG620, FG621) for values that make no sense."""
        values = _from_environment(environ)
        table = _from_pyproject(root / PYPROJECT) if root is not None else {}
        url, source = values.get("URL"), f"{PREFIX}URL"
        if url is None and "url" in table:
            url, source = table["url"], PYPROJECT
        url = None if url == OFF else url
        mode, mode_source = values.get("MODE"), f"{PREFIX}MODE"
        if mode is None:
            mode, mode_source = table.get("mode", MODES[0]), f"mode in {PYPROJECT}"
        if mode not in MODES:
            raise _wrong(mode_source, mode, did_you_mean(mode, MODES))
        token = _token(values.get("TOKEN"))
        return cls(
            directory=_directory(values.get("DIR")),
            url=None if url is None else _url(url, source),
            source=source if url is not None else "",
            token=token,
            mode=mode,
            key=_key(values.get("KEY_FILE")),
            patience=_patience(values.get("PATIENCE")),
        )

    @property
    def credentials(self) -> str:
        """What is sent to the remote, in words."""
        if self.token is None:
            return "none"
        if self.source == PYPROJECT:
            return f"none: {PREFIX}TOKEN is sent only to a server that {PREFIX}URL names"
        return "user and password" if ":" in self.token else "a bearer token"

    @property
    def writes(self) -> bool:
        """Whether artifacts made here are to be uploaded."""
        return self.url is not None and self.mode == "read-write"

    def remote(
        self,
        *,
        patience: float | None = None,
        rate: float | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> Remote | None:
        """The remote cache; ``patience`` and ``rate`` in place of those of a build."""
        if self.url is None:
            return None
        from forgather.make.cache.patience import MINIMUM_RATE
        from forgather.make.cache.remote import Remote, to_stderr

        return Remote(
            self.url,
            token=self.token if self.source != PYPROJECT else None,
            writable=self.writes,
            patience=self.patience if patience is None else patience,
            rate=MINIMUM_RATE if rate is None else rate,
            warn=warn or to_stderr,
        )

    def signer(self, *, warn: Callable[[str], None] | None = None) -> Signer | None:
        if self.key is None:
            return None
        from forgather.make.cache.remote import to_stderr
        from forgather.make.cache.signing import Signer

        return Signer(self.key, warn=warn or to_stderr)

    def outbox(self, root: Path) -> Outbox | None:
        """Notes of what builds of ``root`` made and is still to be uploaded; None where nothing is.

        Each remote has its own: a checkout may be used with several.
        """
        if self.url is None or not self.writes:
            return None
        from forgather.make.cache.outbox import Outbox, folder_name

        return Outbox(store_folder(root) / "outbox" / folder_name(self.url))


def store_folder(root: Path) -> Path:
    """The checkout's own store, where uploads are taken from."""
    return root / "build" / "store"


def _wrong(name: str, value: object, hint: str) -> UsageError:
    return UsageError(f"{name} is {value!r}, which makes no sense", hint=hint, code="FG620")


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that are set, without their prefix; an empty one is not set."""
    values = {name[len(PREFIX) :]: text for name, text in environ.items() if _is_ours(name)}
    for name in values:
        if name not in NAMES:
            hint = did_you_mean(PREFIX + name, [PREFIX + known for known in NAMES])
            raise UsageError(f"there is no setting {PREFIX}{name}", hint=hint, code="FG620")
    return {name: text.strip() for name, text in values.items() if text.strip()}


def _is_ours(name: str) -> bool:
    return name.startswith(PREFIX)


def _from_pyproject(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", code="FG620") from error
    if "forgather" not in text:  # spares the parser
        return {}
    import tomllib

    try:
        tables: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}", code="FG620") from error
    for name in ("tool", "forgather", "cache"):
        tables = tables.get(name, {}) if isinstance(tables, dict) else {}
    place = f"[tool.forgather.cache] in {path}"
    if not isinstance(tables, dict):
        raise UsageError(f"{place} is not a table", code="FG620")
    for name, value in tables.items():
        if name not in ("url", "mode"):
            hint = "secrets are set in the environment only: " + ", ".join(
                PREFIX + known for known in NAMES
            )
            raise UsageError(f"{place} has no setting {name!r}", hint=hint, code="FG620")
        if not isinstance(value, str):
            raise _wrong(f"{name!r} of {place}", value, "it must be a string")
    return tables


def _directory(text: str | None) -> Path | None:
    if text == OFF:
        return None
    if text is None:
        import platformdirs

        return Path(platformdirs.user_cache_dir("forgather")) / "build"
    path = Path(os.path.abspath(os.path.expanduser(text)))
    if path.exists() and not path.is_dir():
        raise _wrong(f"{PREFIX}DIR", text, f"name a directory, or {OFF!r} for none")
    return path


def _url(text: str, source: str) -> str:
    example = "write it like https://cache.example.org/forgather"
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise _wrong(source, text, f"{error}; {example}") from error
    if parts.username is not None or parts.password is not None:
        shown = f"{parts.scheme}://...@{host}"
        raise _wrong(source, shown, f"credentials go into {PREFIX}TOKEN, as user:password")
    if parts.scheme not in ("http", "https") or not host or not PLAIN_HOST.fullmatch(host):
        raise _wrong(source, text, example)
    if parts.query or parts.fragment or not re.fullmatch(r"[!-~]*", text):
        raise _wrong(source, text, f"it may have a path, and nothing after it; {example}")
    return text.rstrip("/")


def _token(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"[ -~]+", text):
        raise UsageError(
            f"{PREFIX}TOKEN has characters that cannot be sent",
            hint="it is user:password, or a bearer token, on one line of printable ASCII",
            code="FG620",
        )
    return text


def _patience(text: str | None) -> float:
    if text is None:
        return PATIENCE
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 86400:
        raise _wrong(f"{PREFIX}PATIENCE", text, "it is a number of seconds, more than 0")
    return seconds


def _key(name: str | None) -> bytes | None:
    """The key in a file that only its owner, and perhaps a group, can read."""
    if name is None:
        return None
    path = Path(os.path.expanduser(name))
    try:
        with open(path, "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            data = stream.read(1 << 16).strip()
    except OSError as error:
        message = f"the key file {path} cannot be read: {error.strerror}"
        raise UsageError(message, hint=f"{PREFIX}KEY_FILE names it", code="FG621") from error
    if mode & 0o007:
        raise UsageError(
            f"the key file {path} can be used by every user of this machine",
            hint=f"chmod 600 {path}; and make a new key if others had access",
            code="FG621",
        )
    if len(data) < SHORTEST_KEY:
        raise UsageError(
            f"the key in {path} has {len(data)} bytes; it must have {SHORTEST_KEY} or more",
            hint=f"openssl rand -hex 32 > {path}",
            code="FG621",
        )
    return data
