"""A trained model as a directory to deploy: weights, config, code, tokenizer; no training state.

Written aside first and moved file by file, the weights last, so that an interrupted export never
leaves new weights beside an old config.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from torch import nn

from forgather.durable import fsync_path
from forgather.errors import RunError
from forgather.ml.checkpoint import save_model_weights
from forgather.ml.checkpoint.store import remove_tree

_WEIGHTS = (".safetensors", ".bin", ".index.json")


def save_model(model: nn.Module, processing_class: Any, output_dir: str | Path) -> Path:
    target = Path(output_dir)
    aside = target / f".tmp-model-{os.getpid()}"
    try:
        target.mkdir(parents=True, exist_ok=True)
        remove_tree(aside)
        aside.mkdir()
        if hasattr(model, "save_pretrained"):
            model.save_pretrained(aside)
        else:
            save_model_weights(aside, model)
        if hasattr(processing_class, "save_pretrained"):
            processing_class.save_pretrained(aside)
        _move_files(aside, target)
    except OSError as error:
        raise RunError(f"could not save the model to {target}: {error}") from error
    finally:
        remove_tree(aside)
    return target


def _move_files(aside: Path, target: Path) -> None:
    files = [path for path in aside.rglob("*") if path.is_file()]
    for path in sorted(files, key=lambda item: (item.name.endswith(_WEIGHTS), item.name)):
        final = target / path.relative_to(aside)
        final.parent.mkdir(parents=True, exist_ok=True)
        fsync_path(path)
        os.replace(path, final)
    fsync_path(target)
