"""Print ``model:ID`` for every config of this repository whose model package needs no model hub.

CI builds these: ``doit -n 2 $(python -m tests.house.offline_models)``. Left out are configs of which some
part, such as the tokenizer, is downloaded by name.
"""

from __future__ import annotations

import sys
from pathlib import Path

from forgather.make.catalog import Catalog
from forgather.make.target import Target

HUB = ("from_pretrained", "load_dataset")  # what constructors that download are called


def main() -> int:
    catalog = Catalog(Path.cwd())
    for target in catalog.expand("model"):
        if not any(map(downloads, catalog.closure([target.name]).values())):
            print(target.name)
    return 1 if catalog.broken else 0


def downloads(target: Target) -> bool:
    """Whether making one of the artifacts of this target's config asks the hub."""
    compiled = target.compiled
    described = [compiled.target(name) for name in ("tokenizer", "corpus", "model_package")]
    calls = [spec for one in described if one is not None for spec, _search in one["calls"]]
    return any(spec.endswith(HUB) for spec in calls)


if __name__ == "__main__":
    sys.exit(main())
