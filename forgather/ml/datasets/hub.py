"""Datasets of the Hugging Face hub, loaded by the ``datasets`` library.

A thin wrapper: what it adds is one clear error for each way that loading fails (the library is not
installed, the hub cannot be reached, the name does not exist), in place of a page of traceback.
"""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from forgather.errors import DataError

OFFLINE_CHOICES = (
    "two datasets need no network: examples/datasets/stories (told by a grammar) and "
    "examples/datasets/local_text (text on this machine)"
)


def load_dataset(
    path: str,
    name: str | None = None,
    *,
    split: str | None = None,
    data_files: str | list[str] | Mapping[str, Any] | None = None,
    revision: str | None = None,
    streaming: bool = False,
    **arguments: Any,
) -> Any:
    """``datasets.load_dataset`` with the same arguments; any failure is a :class:`DataError`."""
    library = _library()
    try:
        with _without_retries(library):
            return library.load_dataset(
                path,
                name,
                split=split,
                data_files=data_files,
                revision=revision,
                streaming=streaming,
                **arguments,
            )
    except (library.exceptions.DatasetsError, OSError, ValueError, RuntimeError) as error:
        raise _explained(path, name, split, error) from error


def _library() -> Any:
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            "the datasets library is not installed, and this dataset comes from the Hugging Face hub",
            hint="pip install 'forgather[datasets]'; or without it: " + OFFLINE_CHOICES,
        ) from error
    return datasets


@contextmanager
def _without_retries(library: Any) -> Iterator[None]:
    """Where the hub's name does not resolve, tell the library so.

    It would try for half a minute, with a page of warnings, before it looks into its cache. Behind a
    proxy names need not resolve, so nothing is assumed there.
    """
    from huggingface_hub import constants

    if urllib.request.getproxies() or _resolves(urlsplit(constants.ENDPOINT).hostname):
        yield
        return
    before = constants.HF_HUB_OFFLINE, library.config.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = library.config.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE, library.config.HF_HUB_OFFLINE = before


def _resolves(host: str | None) -> bool:
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        return False
    return True


def _explained(path: str, name: str | None, split: str | None, error: Exception) -> DataError:
    what = f"{path}" + (f" ({name})" if name else "")
    cause = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if _is_unreachable(error):
        return DataError(
            f"cannot load the dataset {what}: the Hugging Face hub cannot be reached, "
            "and the dataset is not in the local cache",
            hint=f"connect and try again. Without a connection, {OFFLINE_CHOICES}",
        )
    return DataError(
        f"cannot load the dataset {what}" + (f", split {split!r}" if split else "") + f": {cause}",
        hint=f"check its name, configuration and split. If you are offline, {OFFLINE_CHOICES}",
    )


def _is_unreachable(error: BaseException | None) -> bool:
    """Whether the connection is behind ``error``: by the kind of it, or of what caused it."""
    kinds = {"OfflineModeIsEnabled", "LocalEntryNotFoundError", "ConnectError", "ConnectTimeout"}
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, ConnectionError | TimeoutError) or type(error).__name__ in kinds:
            return True
        error = error.__cause__ or error.__context__
    return False
