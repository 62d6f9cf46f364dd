"""Several builds of the same thing at the same moment: each step is to be made by one of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.integration import forked
from tests.integration.cheap import KINDS, copy_sources, make_workspace, outputs

ACTIONS = ("corpus", "tokenizer", "model", "train")  # what the workspace's own code counts


def race(scratch: Path, *, builds: int, checkouts: int) -> list[str]:
    """Start builds together in so many checkouts that share a cache; what was not as it must be."""
    scratch.mkdir()
    first = make_workspace(scratch / "checkout-0")
    roots = [first]
    roots += [copy_sources(first, scratch / f"checkout-{n}") for n in range(1, checkouts)]
    counted = scratch / "counted"
    environment = {"FORGATHER_CACHE_DIR": str(scratch / "cache"), "CHEAP_LOG": str(counted)}
    children = []
    for number in range(builds):
        folder = scratch / f"notes-{number}"
        folder.mkdir()
        root = roots[number % checkouts]
        child = forked.start(root, *KINDS, environment=environment, scratch=folder)
        children.append((child, folder))
    done = [forked.wait(*pair) for pair in children]
    problems = [f"a build failed:\n{each.output}" for each in done if each.code != 0]
    ran = Counter(counted.read_text().split()) if counted.exists() else Counter()
    problems += [f"{name} ran {ran[name]} times" for name in ACTIONS if ran[name] != 1]
    built = Counter(task for each in done for task in each.built)
    problems += [f"{task} was built {count} times" for task, count in built.items() if count > 1]
    results = [outputs(root) for root in roots]
    problems += ["the checkouts differ"] * any(each != results[0] for each in results)
    return problems
