"""The action ``verify``: load a model directory as a user would and compare it with a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forgather.errors import CheckpointError


def verify_model(action: dict[str, Any]) -> dict[str, Any]:
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    directory = action["directory"]
    # The code in this directory was generated a moment ago; it is not a stranger's.
    settings = {"trust_remote_code": True, "local_files_only": True}
    AutoTokenizer.from_pretrained(directory, **settings)
    model = AutoModelForCausalLM.from_pretrained(directory, **settings).eval()
    loaded = model.state_dict()
    for shard in sorted(Path(directory).glob("*.safetensors")):
        for name, tensor in load_file(shard).items():
            if name not in loaded or not torch.equal(loaded[name], tensor):
                raise CheckpointError(
                    f"the weights {name!r} of {shard.name} are not those of the loaded model",
                    hint="the model code and the checkpoint do not belong together",
                    code="FG703",
                )
    with torch.no_grad():
        logits = model(input_ids=torch.zeros((1, 4), dtype=torch.long)).logits
    if not torch.isfinite(logits).all():
        raise CheckpointError(
            "the loaded model gives logits that are not finite",
            hint="the training diverged: look at its loss plot",
            code="FG704",
        )
    return {"values": {"parameters": sum(p.numel() for p in model.parameters())}}
