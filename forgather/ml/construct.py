"""Small functions that configs call: files written, rules like make's, tokens added, dtypes named.

What a config builds with the build graph (models, tokenizers, datasets) does not need these; they
are for configs that make files of their own, and for configs written for that style.
"""

from __future__ import annotations

import contextlib
import importlib
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from forgather.durable import replace_file
from forgather.errors import BuildError, did_you_mean

LOCK_TIMEOUT = 300.0
_UNDEFINED = object()
EXISTS = ("raise", "warn", "skip", "ok")


def build_rule(
    target: str | Path,
    recipe: Callable[[], Any] | Sequence[Callable[[], Any]],
    loader: Callable[[], Any],
    prerequisites: Sequence[str | Path] = (),
    timeout: float = LOCK_TIMEOUT,
) -> Any:
    """Like a rule of make: run ``recipe`` where ``target`` is missing or older; return ``loader()``.

    In a distributed training rank 0 builds while the others wait; otherwise a lock file beside the
    target keeps two processes apart. An exception of the recipe goes through as it is.
    """
    path = Path(target)
    for prerequisite in prerequisites:
        if not Path(prerequisite).exists():
            raise BuildError(f"{path} needs {prerequisite}, which does not exist")
    with _one_builder(path, timeout) as may_build:
        if may_build and _is_stale(path, prerequisites):
            for step in recipe if isinstance(recipe, Sequence) else [recipe]:
                step()
    return loader()


def _is_stale(target: Path, prerequisites: Sequence[str | Path]) -> bool:
    if not target.exists():
        return True
    made = target.stat().st_mtime_ns
    return any(Path(prerequisite).stat().st_mtime_ns > made for prerequisite in prerequisites)


@contextlib.contextmanager
def _one_builder(target: Path, timeout: float) -> Iterator[bool]:
    """Whether this process may build; the others come back when it is done."""
    if _is_distributed():
        from forgather.ml.distributed import get_rank, main_process_first

        with main_process_first():
            yield get_rank() == 0
        return
    with _file_lock(target.with_name(f"{target.name}.build_lock"), timeout):
        yield True


def _is_distributed() -> bool:
    torch = sys.modules.get("torch")  # a process that did not import it is in no group
    return (
        torch is not None
        and torch.distributed.is_available()
        and torch.distributed.is_initialized()
    )


@contextlib.contextmanager
def _file_lock(path: Path, timeout: float) -> Iterator[None]:
    """An advisory lock, held by the open file: it cannot outlive its process."""
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a") as file:
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise BuildError(
                        f"another process has been building for {timeout:.0f} s: {path} is locked",
                        hint="wait for it, or end it",
                    ) from error
                time.sleep(0.05)
        yield


def write_file(
    data: str,
    output_file: str | Path | None = None,
    return_value: Any = _UNDEFINED,
    exists: str = "ok",
) -> Any:
    """Write text to a file, all or nothing; returns ``return_value``, or else ``data``.

    A file that holds this text already is left alone. ``exists`` says what to do with one that holds
    something else: "ok" replaces it, "warn" replaces it with a warning, "skip" keeps it, "raise"
    refuses.
    """
    _check_exists(exists)
    result = data if return_value is _UNDEFINED else return_value
    if output_file is None:
        return result
    path = Path(output_file)
    content = data.encode("utf-8")
    if path.exists():
        if path.read_bytes() == content or exists == "skip":
            return result
        _refuse_or_warn(path, exists)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, content)
    return result


def _check_exists(exists: str) -> None:
    if exists not in EXISTS:
        raise BuildError(f"exists={exists!r} is not known", hint=did_you_mean(exists, EXISTS))


def _refuse_or_warn(path: Path, exists: str) -> None:
    if exists == "raise":
        raise BuildError(
            f"{path} exists with other content", hint='remove it, or pass exists="ok" to replace it'
        )
    if exists == "warn":
        warnings.warn(f"{path} is replaced", stacklevel=3)


def copy_package_files(dest_dir: str | Path, obj: Any, exists: str = "ok") -> Any:
    """Copy the ``*.py`` files beside the module that defines ``obj``'s class; returns ``obj``."""
    _check_exists(exists)
    owner = obj if isinstance(obj, type) else type(obj)
    source = getattr(sys.modules.get(owner.__module__), "__file__", None)
    if source is None:
        raise BuildError(
            f"{owner.__qualname__} comes from no file, so its package cannot be copied"
        )
    target = Path(dest_dir)
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(Path(source).parent.glob("*.py")):
        copy = target / file.name
        if copy.exists() and (
            exists == "skip" or copy.samefile(file) or copy.read_bytes() == file.read_bytes()
        ):
            continue
        if copy.exists():
            _refuse_or_warn(copy, exists)
        shutil.copyfile(file, copy)
    return obj


def add_special_tokens(tokenizer: Any, token_map: Mapping[str, Any]) -> Any:
    """Add ``{"pad_token": "<pad>", ...}`` to the tokenizer; returns it."""
    tokenizer.add_special_tokens(dict(token_map))
    return tokenizer


def dependency_list(*args: Any) -> Any:
    """The first argument. The others are only built before it is used."""
    return args[0]


def torch_dtype(name: str) -> Any:
    """``"bfloat16"`` or ``"torch.bfloat16"`` as the dtype."""
    torch = importlib.import_module("torch")
    found = getattr(torch, name.removeprefix("torch."), None)
    if not isinstance(found, torch.dtype):
        known = [key for key, value in vars(torch).items() if isinstance(value, torch.dtype)]
        raise BuildError(f"no such dtype: {name!r}", hint=did_you_mean(name, known))
    return found


def module_to_dtype(ctor: Callable[[], Any], dtype: Any) -> Any:
    """A module made by ``ctor``, in ``dtype`` (a dtype or its name)."""
    return ctor().to(dtype=torch_dtype(dtype) if isinstance(dtype, str) else dtype)


def register_for_auto_class(obj: Any, auto_class: str, *args: Any, **kwargs: Any) -> Any:
    """``obj.register_for_auto_class(auto_class)``, for a class or an object; returns ``obj``."""
    obj.register_for_auto_class(auto_class, *args, **kwargs)
    return obj
