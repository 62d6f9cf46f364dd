"""Tied weights: names of a module that are one and the same tensor.

They are saved once, under one name, and the others are noted as its aliases.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping

from torch import Tensor, nn


def sharing_groups(state: Mapping[str, Tensor]) -> list[list[str]]:
    """Groups (two names or more) of equal memory, in the order of ``state``."""
    groups: dict[tuple, list[str]] = {}
    for name, tensor in state.items():
        if tensor.numel() == 0 or tensor.device.type == "meta":
            continue
        key = (tensor.device, tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype)
        groups.setdefault(key, []).append(name)
    return [names for names in groups.values() if len(names) > 1]


def untied(module: nn.Module) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The module's state with each tensor once, and alias -> kept name for the others.

    Which name of a group is kept: the one that Hugging Face does not derive from another
    (``_tied_weights_keys``), and otherwise the first.
    """
    state = dict(module.state_dict())
    derived = _derived_names(module)
    aliases: dict[str, str] = {}
    for names in sharing_groups(state):
        kept = next((name for name in names if not _matches(name, derived)), names[0])
        for name in names:
            if name != kept:
                aliases[name] = kept
                del state[name]
    return state, aliases


def retie_parameters(module: nn.Module, aliases: Mapping[str, str]) -> None:
    """Make each alias the same parameter as its source again (after ``to_empty``, for example)."""
    for alias, source in aliases.items():
        target = module.get_parameter(source)
        owner_path, _, attribute = alias.rpartition(".")
        owner = module.get_submodule(owner_path)
        if getattr(owner, attribute) is not target:
            setattr(owner, attribute, target)


def _derived_names(module: nn.Module) -> list[str]:
    """``_tied_weights_keys``: a list of names, or a dict of derived name -> source."""
    return list(getattr(module, "_tied_weights_keys", None) or ())


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(
        name == pattern or re.fullmatch(pattern, name) or fnmatch.fnmatchcase(name, pattern)
        for pattern in patterns
    )
