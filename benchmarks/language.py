"""The language tools against bare Jinja and PyYAML, in one run.

1. ``forgather pp`` and ``forgather ls`` in tiny_llama: wall time of the whole process, beside an
   interpreter that only imports jinja2 and yaml. Runs of all commands take turns.
2. ``forgather ls -r`` over a generated workspace of N configs of 12 templates each, beside the same
   number of bare Jinja renders (templates compiled once) in one process.

All processes read Python's bytecode from files that the first round writes, as installed packages do.

    python benchmarks/language.py [--configs 100 1000 10000] [--rounds 7]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
TINY_LLAMA = REPOSITORY / "examples" / "tutorials" / "tiny_llama"
CLI = "from forgather.cli.main import main; import sys; sys.exit(main())"
LEVELS = 10  # templates between the base and a config

BARE = """
import sys, jinja2
environment = jinja2.Environment(loader=jinja2.FileSystemLoader(sys.argv[1:-1]), trim_blocks=True)
for number in range(int(sys.argv[-1])):
    environment.get_template(f"c{number}.jinja").render()
"""


def measure(command: list[str], folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def start_up(rounds: int) -> None:
    commands = {
        "python -c 'import jinja2, yaml'": [sys.executable, "-c", "import jinja2, yaml"],
        "forgather pp": [sys.executable, "-c", CLI, "pp"],
        "forgather ls": [sys.executable, "-c", CLI, "ls"],
        "forgather targets": [sys.executable, "-c", CLI, "targets"],
    }
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            result = measure(command, TINY_LLAMA)
            if turn:  # the first round warms caches
                seen[name].append(result)
    print(f"one process in tiny_llama, median of {rounds}")
    base = next(iter(seen.values()))
    for name, results in seen.items():
        wall = statistics.median(result[0] for result in results)
        ratio = statistics.median(a[0] / b[0] for a, b in zip(results, base, strict=True))
        cpu = statistics.median(a[1] / b[1] for a, b in zip(results, base, strict=True))
        print(f"  {name:<34} {wall * 1e3:7.0f} ms   wall x {ratio:4.2f}   cpu x {cpu:4.2f}")


def workspace(folder: Path, configs: int) -> Path:
    """A workspace with one project of ``configs`` configs, each extending 11 templates."""
    space = folder / "forgather_workspace"
    space.mkdir()
    (space / "base_directories.yaml").write_text(
        f'-- set ns.forgather_dir = "{REPOSITORY.as_posix()}"\n'
    )
    (space / "meta_defaults.yaml").write_text(
        "-- set ns = namespace()\n-- include 'base_directories.yaml'\n"
        "searchdir:\n    - \"{{ joinpath(project_dir, 'templates') }}\"\n[configs]\n"
    )
    project = folder / "project"
    templates = project / "templates"
    (templates / "configs").mkdir(parents=True)
    (project / "meta.yaml").write_text(
        '-- extends "meta_defaults.yaml"\n[configs]\nname: bench\ndescription: bench\n'
        'default_config: "c0.yaml"\n'
    )
    (templates / "base.yaml").write_text(
        "-- set ns = namespace()\n"
        + "".join(f"[b{level}]\nv{level}: 0\n\n" for level in range(LEVELS))
        + "[meta_output]\nmeta: {config_name: bench, config_description: bench}\n\n"
    )
    parent = "base.yaml"
    for level in range(LEVELS):
        name = f"level{level}.yaml"
        (templates / name).write_text(
            f"-- extends '{parent}'\n[b{level}]\n    == super()\nw{level}: {level}\n"
        )
        parent = name
    for number in range(configs):
        (templates / "configs" / f"c{number}.yaml").write_text(
            f"-- extends '{parent}'\n[b0]\n    == super()\nnumber: {number}\n"
        )
    return project


def bare_templates(folder: Path, configs: int) -> list[Path]:
    """The same templates in plain Jinja syntax."""
    common, leaves = folder / "bare", folder / "leaves"
    common.mkdir()
    leaves.mkdir()
    blocks = "".join(
        f"{{% block b{level} %}}\nv{level}: 0\n\n{{% endblock %}}\n" for level in range(LEVELS)
    )
    meta = "meta: {config_name: bench, config_description: bench}\n"
    (common / "base.jinja").write_text(blocks + meta)
    parent = "base.jinja"
    for level in range(LEVELS):
        (common / f"level{level}.jinja").write_text(
            f"{{% extends '{parent}' %}}{{% block b{level} %}}{{{{ super() }}}}\n"
            f"w{level}: {level}\n{{% endblock %}}\n"
        )
        parent = f"level{level}.jinja"
    for number in range(configs):
        (leaves / f"c{number}.jinja").write_text(
            f"{{% extends '{parent}' %}}{{% block b0 %}}{{{{ super() }}}}\n"
            f"number: {number}\n{{% endblock %}}\n"
        )
    return [leaves, common]


def listing(sizes: list[int], rounds: int) -> None:
    print(f"\nls -r over configs of {LEVELS + 2} templates each, beside bare Jinja renders")
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            workspace(folder, size)
            search = [str(path) for path in bare_templates(folder, size)]
            ours, bare = [], []
            for turn in range(rounds + 1):
                result = measure([sys.executable, "-c", CLI, "ls", "-r"], folder)
                peer = measure([sys.executable, "-c", BARE, *search, str(size)], folder)
                if turn:
                    ours.append(result)
                    bare.append(peer)
            wall = statistics.median(result[0] for result in ours)
            ratio = statistics.median(a[0] / b[0] for a, b in zip(ours, bare, strict=True))
            cpu = statistics.median(a[1] / b[1] for a, b in zip(ours, bare, strict=True))
            print(
                f"  {size:>6} configs: {wall:6.2f} s, {wall / size * 1e3:5.2f} ms each"
                f"   wall x {ratio:4.2f}   cpu x {cpu:4.2f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configs", type=int, nargs="*", default=[100, 1000])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["PYTHONPYCACHEPREFIX"] = f"{scratch}/python"
        os.environ["XDG_CACHE_HOME"] = f"{scratch}/cache"
        start_up(options.rounds)
        if options.configs:
            listing(options.configs, max(1, options.rounds // 2))


if __name__ == "__main__":
    main()
