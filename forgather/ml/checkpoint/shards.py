"""Model weights as files: safetensors (or torch's own format), sharded above 5 GB.

One file is ``model.safetensors``; more are ``model-00001-of-0000N.safetensors`` with Hugging
Face's index. ``pytorch_model.bin`` and its shards are written where safetensors are not wanted and
always read. Aliases of tied weights (``param_sharing``) are in the checkpoint's manifest and in the index,
not in the safetensors metadata: that library writes two or more entries in random order, and the
same weights should be the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor, nn

from forgather.errors import CheckpointError
from forgather.ml.checkpoint.manifest import read_manifest
from forgather.ml.checkpoint.state import load_state, save_state
from forgather.ml.checkpoint.tying import untied

MAX_SHARD_BYTES = 5_000_000_000
_FORMATS = (
    ("model.safetensors", "model.safetensors.index.json"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json"),
)


def save_model_weights(
    directory: str | Path,
    module: nn.Module,
    *,
    use_safetensors: bool = True,
    max_shard_bytes: int = MAX_SHARD_BYTES,
) -> list[str]:
    """Write the weights of ``module``; the names of the files written, index last."""
    directory = Path(directory)
    state, aliases = untied(module)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    shards = _split(state, max_shard_bytes)
    single, index_name = _FORMATS[0 if use_safetensors else 1]
    stem, _, extension = single.rpartition(".")
    if len(shards) == 1:
        names = [single]
    else:
        names = [
            f"{stem}-{number:05d}-of-{len(shards):05d}.{extension}"
            for number in range(1, len(shards) + 1)
        ]
    for name, shard in zip(names, shards, strict=True):
        _write_shard(directory / name, shard)
    if len(shards) == 1:
        return names
    index = {
        "metadata": {"total_size": sum(map(_size, state.values())), "param_sharing": aliases},
        "weight_map": {
            key: name for name, shard in zip(names, shards, strict=True) for key in shard
        },
    }
    (directory / index_name).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    return [*names, index_name]


def load_model_weights(directory: str | Path, module: nn.Module) -> None:
    """Fill ``module`` from ``directory``; every weight must be there, and of the right shape.

    In place: what is tied stays tied, and an optimizer made before keeps its parameters. A module
    that ties other weights than the saved one did gets the right values under every name.
    """
    directory = Path(directory)
    files = weight_files(directory)
    if not files:
        raise CheckpointError(
            f"no model weights in {directory}",
            hint="a checkpoint holds model.safetensors, or shards with an index; they are required",
        )
    wanted = dict(module.state_dict())
    loaded: dict[str, Tensor] = {}
    for path in files:
        loaded.update(_read_shard(path))
    aliases = {**_saved_aliases(directory), **untied(module)[1]}
    for alias, source in aliases.items():
        if alias not in loaded and source in loaded:
            loaded[alias] = loaded[source]
        elif source not in loaded and alias in loaded:
            loaded[source] = loaded[alias]
    _check_fit(directory, wanted, loaded)
    module.load_state_dict(loaded)


def weight_files(directory: str | Path) -> list[Path]:
    """The files that hold weights in ``directory`` (index left out); empty where there are none."""
    directory = Path(directory)
    for single, index_name in _FORMATS:
        if (directory / index_name).is_file():
            return [directory / name for name in _index_files(directory / index_name)]
        if (directory / single).is_file():
            return [directory / single]
    return []


def _index_files(path: Path) -> list[str]:
    try:
        names = sorted(set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{path} is damaged: {error!r}") from error
    if any(Path(name).name != name for name in names):
        raise CheckpointError(f"{path} names a file outside its directory")
    return names


def _split(state: Mapping[str, Tensor], limit: int) -> list[dict[str, Tensor]]:
    shards: list[dict[str, Tensor]] = [{}]
    filled = 0
    for name, tensor in state.items():
        size = _size(tensor)
        if shards[-1] and filled + size > limit:
            shards.append({})
            filled = 0
        shards[-1][name] = tensor
        filled += size
    return shards


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _saved_aliases(directory: Path) -> dict[str, str]:
    """Of a sharded model from its index, else from the checkpoint's manifest."""
    for _, index_name in _FORMATS:
        if (directory / index_name).is_file():
            index = json.loads((directory / index_name).read_text(encoding="utf-8"))
            return index.get("metadata", {}).get("param_sharing", {})
    manifest = read_manifest(directory) or {"components": {}}
    model = manifest["components"].get("model", {})
    return (model.get("metadata") or {}).get("param_sharing", {})


def _write_shard(path: Path, shard: dict[str, Tensor]) -> None:
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(shard, path, metadata={"format": "pt"})
    else:
        save_state(path, shard, path.name)


def _read_shard(path: Path) -> dict[str, Tensor]:
    if path.suffix != ".safetensors":
        return load_state(path)
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged or unreadable: {error}") from error


def _check_fit(directory: Path, wanted: Mapping[str, Tensor], loaded: Mapping[str, Tensor]) -> None:
    if missing := sorted(set(wanted) - set(loaded)):
        raise CheckpointError(f"weights missing in {directory}: {_some(missing)}")
    if extra := sorted(set(loaded) - set(wanted)):
        raise CheckpointError(f"{directory} holds weights this model lacks: {_some(extra)}")
    for name, tensor in wanted.items():
        if tensor.shape != loaded[name].shape:
            raise CheckpointError(
                f"{name} in {directory} has shape {tuple(loaded[name].shape)}; "
                f"this model's has {tuple(tensor.shape)}",
                hint="the model config was changed since this checkpoint was written",
            )


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
