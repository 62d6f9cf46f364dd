"""Small generated models, one package for each distinct graph and config in a session."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import dynamic_module_utils

from forgather.codegen.package import generate_model_code
from forgather.ml.model_package import new_model, write_model_package
from tests.modelsrc.small_models import CONFIG, PP_PLAN, TP_PLAN, make_factory


@pytest.fixture(autouse=True)
def quiet_torch() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def parent_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="session")
def model_dir(parent_dir: Path) -> Callable[..., Path]:
    """``model_dir(factory_options, **config)`` -> package directory; equal calls share a package."""

    def build(factory: dict[str, Any] | None = None, **config: Any) -> Path:
        code = generate_model_code(
            make_factory(**(factory or {})),
            short_name="small",
            tp_plan=TP_PLAN,
            pp_plan=PP_PLAN,
            config_name="small.yaml",
        )
        return Path(write_model_package(code, {**CONFIG, **config}, None, parent_dir=parent_dir))

    return build


@pytest.fixture
def make_model(model_dir: Callable[..., Path]) -> Callable[..., Any]:
    """``make_model(factory_options, **config)`` -> a new model in evaluation mode."""

    def make(
        factory: dict[str, Any] | None = None, attn_implementation: str = "sdpa", **config: Any
    ) -> Any:
        package = model_dir(factory, **config)
        return new_model(package, attn_implementation=attn_implementation).eval()

    return make


@pytest.fixture
def modules_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The cache into which transformers copies remote code: a new one for this test alone."""
    cache = tmp_path / "modules"
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(cache))
    monkeypatch.setattr(sys, "path", list(sys.path))
    forget_remote_modules()
    yield cache
    forget_remote_modules()


def forget_remote_modules() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "transformers_modules"]:
        del sys.modules[name]
