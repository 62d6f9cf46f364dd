"""Prints, as JSON, the digest of every file of model code that the configs of a workspace generate.

A program for tests: ``python model_code.py FOLDER``. Nothing is built and torch is not imported.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from forgather.graph.materialize import materialize
from forgather.graph.nodes import CallableNode
from forgather.graph.walk import nodes
from forgather.meta_config import MetaConfig
from forgather.project import Project


def generated(folder: Path) -> Iterator[tuple[str, str]]:
    """Project, config and file name -> digest."""
    for place in sorted(folder.rglob("meta.yaml")):
        meta = MetaConfig(str(place.parent))
        for config, _path in meta.find_templates(meta.config_prefix):
            project = Project(config, str(place.parent))
            for _at, node in nodes(project.config):
                if isinstance(node, CallableNode) and node.constructor.endswith(
                    ":generate_model_code"
                ):
                    for name, text in materialize(node).items():
                        label = f"{place.parent.relative_to(folder)}/{config}/{name}"
                        yield label, hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    found = dict(generated(Path(sys.argv[1])))
    assert "torch" not in sys.modules
    print(json.dumps(found))
