"""Artifacts on disk: how each kind is saved below a folder, and how it is loaded again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from forgather.errors import BuildError

DIRECTORY_TARGETS = frozenset({"corpus", "model_package"})
TOKEN_TARGETS = frozenset({"train_dataset", "eval_dataset"})


def save_artifact(name: str, value: Any, out: Path) -> None:
    """Write the object that target ``name`` gave into ``out``."""
    if name in DIRECTORY_TARGETS:
        _check(name, isinstance(value, str | os.PathLike) and Path(value).is_dir(), "a directory")
        shutil.copytree(value, out, dirs_exist_ok=True)
    elif name in TOKEN_TARGETS:
        from forgather.ml.datasets.token_store import write_token_dataset

        write_token_dataset(value, out / name)
    else:
        _check(name, hasattr(value, "save_pretrained"), "a tokenizer with save_pretrained()")
        value.save_pretrained(out)


def load_artifact(name: str, path: str) -> Any:
    """What stands in for target ``name``: a tokenizer, a dataset, or a directory's path."""
    if name in DIRECTORY_TARGETS:
        return path
    if name in TOKEN_TARGETS:
        from forgather.ml.datasets.token_store import TokenDataset

        return TokenDataset(path)
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(path, local_files_only=True)


def _check(name: str, is_right: bool, expected: str) -> None:
    if not is_right:
        raise BuildError(
            f"the target {name!r} did not give {expected}",
            hint="see 'Model targets' and 'Dataset targets' in docs/build.md",
            code="FG609",
        )
