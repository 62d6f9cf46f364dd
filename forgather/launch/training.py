"""The action ``train``: materialize ``main`` of a compiled training config and run it."""

from __future__ import annotations

import os
from typing import Any

from forgather.launch.artifacts import load_artifact
from forgather.launch.compiled import CompiledConfig, Session
from forgather.runs.snapshot import write_snapshot


def train(action: dict[str, Any]) -> dict[str, Any]:
    session = Session(action["edges"], action["values"], load_artifact)
    config = CompiledConfig(action["config"], session)
    script = config.materialize("main")
    arguments = script.trainer.args
    if action["resume"]:
        arguments.resume_from_checkpoint = True
    script.trainer.resume_command = action["resume_command"]
    if int(os.environ.get("RANK", "0")) == 0:
        write_snapshot(arguments.logging_dir, config.text)
    script.run()
    return {"values": {"run": str(arguments.logging_dir)}}
