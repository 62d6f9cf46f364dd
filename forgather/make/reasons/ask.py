"""The answer to "why": what ``doit why`` and ``forgather why`` print."""

from __future__ import annotations

import json

from forgather.make.catalog import Catalog
from forgather.make.reasons.explain import explain, explain_last
from forgather.make.reasons.reason import as_json, lines
from forgather.make.sweeps import variants

FORMATS = ("text", "json")


def why(catalog: Catalog, name: str, *, last: bool = False, form: str = "text") -> str:
    """Why the next build would run the task ``name``; with ``last``, why it ran when it ran last.

    A kind or a pattern means every task that fits; in JSON, that is a list.
    """
    name = variants.respell(name)
    is_one = ":" in name and "*" not in name
    # The last run of a task is known even where its config is broken by now, or gone.
    tasks = [name] if is_one else [target.name for target in catalog.expand(name)]
    reasons = [(explain_last if last else explain)(catalog, task) for task in tasks]
    root = catalog.build.root
    if form == "json":
        data = [as_json(reason, root) for reason in reasons]
        return json.dumps(data[0] if is_one else data, indent=2, ensure_ascii=False)
    return "\n".join(line for reason in reasons for line in lines(reason, root))
