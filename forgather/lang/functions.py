"""What templates may call: time, paths, environment variables, raise and assert.

Whatever makes a render depend on something besides its templates and arguments is written to the
trace. In a frozen environment the functions whose answer differs from minute to minute or host to host
give tokens (``${isotime}``) in place of real values, so that no key made from the text holds a time.
Nothing here reads a file.
"""

from __future__ import annotations

import os
import os.path
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NoReturn

from jinja2 import Undefined

from forgather.errors import TemplateError
from forgather.lang import codes
from forgather.lang.limits import Limits
from forgather.lang.trace import Trace

FILE_TIME = "%Y-%m-%dT%H-%M-%S"


class RaisedError(TemplateError, ValueError):
    """A template called ``raise(message)``."""

    default_code = codes.RAISED


class AssertError(TemplateError, AssertionError):
    """The condition of a template's ``assert(condition, message)`` is false."""

    default_code = codes.ASSERTION


class Functions:
    """The functions of one render: its clock stands still, so that all its times agree."""

    def __init__(self, trace: Trace, *, frozen: bool = False) -> None:
        self._trace = trace
        self._frozen = frozen
        self._now = datetime.now(UTC)

    def table(self) -> dict[str, Callable[..., Any]]:
        """Name in templates -> function."""
        public = [name for name in dir(self) if not name.startswith("_") and name != "table"]
        # A trailing underscore avoids Python's own word.
        return {name.removesuffix("_"): getattr(self, name) for name in public}

    def _volatile(self, name: str, value: str) -> str:
        self._trace.volatile(name)
        return f"${{{name}}}" if self._frozen else value

    # -- time

    def isotime(self) -> str:
        return self._volatile("isotime", self._local().isoformat(timespec="seconds"))

    def utcisotime(self) -> str:
        return self._volatile("utcisotime", self._now.isoformat(timespec="seconds"))

    def filetime(self) -> str:
        return self._volatile("filetime", self._local().strftime(FILE_TIME))

    def utcfiletime(self) -> str:
        return self._volatile("utcfiletime", self._now.strftime(FILE_TIME))

    def now(self) -> datetime:
        """Local time, without zone."""
        self._trace.volatile("now")
        return self._local()

    def utcnow(self) -> datetime:
        """Aware, so that its timestamp() is right everywhere."""
        self._trace.volatile("utcnow")
        return self._now

    def _local(self) -> datetime:
        return self._now.astimezone().replace(tzinfo=None)

    # -- paths

    def joinpath(self, *parts: str) -> str:
        return os.path.join(*_defined(parts))

    def normpath(self, *parts: str) -> str:
        return os.path.normpath(os.path.join(*_defined(parts)))

    def abspath(self, path: str) -> str:
        _defined((path,))
        if not os.path.isabs(path):
            return os.path.normpath(os.path.join(self.getcwd(), path))
        return os.path.normpath(path)

    def relpath(self, path: str, start: str = ".") -> str:
        _defined((path, start))
        return os.path.relpath(self.abspath(path), self.abspath(start))

    def dirname(self, path: str) -> str:
        return os.path.dirname(*_defined((path,)))

    def basename(self, path: str) -> str:
        return os.path.basename(*_defined((path,)))

    def splitext(self, path: str) -> tuple[str, str]:
        return os.path.splitext(*_defined((path,)))

    def modname_from_path(self, path: str) -> str:
        """The file's name without directory and extension."""
        return os.path.splitext(os.path.basename(*_defined((path,))))[0]

    def getcwd(self) -> str:
        return self._volatile("cwd", os.getcwd())

    def user_home_dir(self) -> str:
        self._trace.env("HOME", os.environ.get("HOME"))
        return os.path.expanduser("~")

    def forgather_config_dir(self) -> str:
        return self._platform_dir("user_config_dir", "forgather")

    def user_data_dir(self, *args: Any, **kwargs: Any) -> str:
        return self._platform_dir("user_data_dir", *args, **kwargs)

    def user_cache_dir(self, *args: Any, **kwargs: Any) -> str:
        return self._platform_dir("user_cache_dir", *args, **kwargs)

    def user_config_dir(self, *args: Any, **kwargs: Any) -> str:
        return self._platform_dir("user_config_dir", *args, **kwargs)

    def site_data_dir(self, *args: Any, **kwargs: Any) -> str:
        return self._platform_dir("site_data_dir", *args, **kwargs)

    def site_config_dir(self, *args: Any, **kwargs: Any) -> str:
        return self._platform_dir("site_config_dir", *args, **kwargs)

    def _platform_dir(self, kind: str, *args: Any, **kwargs: Any) -> str:
        import platformdirs  # few templates ask

        # Its answers depend on these alone; ensure_exists would write to disk.
        for name in ("HOME", *(name for name in sorted(os.environ) if name.startswith("XDG_"))):
            self._trace.env(name, os.environ.get(name))
        return getattr(platformdirs, kind)(*_defined(args), **{**kwargs, "ensure_exists": False})

    # -- the rest

    def getenv(self, name: str, default: Any = None) -> Any:
        value = os.environ.get(name)
        self._trace.env(name, value)
        return default if value is None else value

    def raise_(self, message: Any = "raise() was called") -> NoReturn:
        raise RaisedError(str(message))

    def assert_(self, condition: Any, message: Any = "the assertion is false") -> str:
        if not condition:
            raise AssertError(str(message))
        return ""

    def repr(self, value: Any) -> str:
        Limits().spend_value(value)
        return repr(value)


def _defined(values: tuple[Any, ...]) -> tuple[Any, ...]:
    for value in values:
        if isinstance(value, Undefined):
            str(value)  # raises: the undefined variable is the mistake
    return values
