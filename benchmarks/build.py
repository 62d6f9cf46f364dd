"""What the build costs when little or nothing is to do, beside other tools, in one run.

    python benchmarks/build.py                       # a quick look, some minutes
    python benchmarks/build.py --full --check        # the sizes that the goals speak of
    python benchmarks/build.py --only whole --configs 500 --dvc /path/to/venv/bin/dvc

one        nothing to do, one target asked for: beside ``doit --version``, stock doit, ninja, make
whole      nothing to do, everything asked for: beside stock doit, ninja, make and, with --dvc, DVC
edits      1, 10 and 100 leaf templates edited, and one template with 100 dependents
checkouts  a second checkout on another path, and a fresh clone, with the same per-user cache

A config has two tasks and four files (see synthetic.py). All runs of a scenario take turns; the least
user CPU and the least wall time of each are printed, and the goals are judged by user CPU. How often a
config was really rendered is counted in the first round, whose times do not count. All processes read
Python's bytecode from files that the first round writes, as installed packages do.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import build_peers
from measuring import Contestant, Cost, contest, measure, table
from synthetic import CONFIGS_OF_A_PROJECT, REPOSITORY, Config, leaf_text, write_workspace
from synthetic import configs as configs_of

DOIT = [sys.executable, "-m", "doit"]
BUILD = [*DOIT, "pp", "graph"]
COUNT = "FORGATHER_BENCHMARK_COUNT"  # names the file that the counter appends to

# Writes the name of every template that is rendered. Python's start imports it where it counts.
COUNTER = f"""
import importlib.abc, importlib.util, os, sys

class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != "forgather.lang.render":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module
        def exec_module(module):
            execute(module)
            render = module.Renderer._render
            def counted(self, name, *arguments, **more):
                with open(os.environ["{COUNT}"], "a") as stream:
                    stream.write(f"{{name}}\\n")
                return render(self, name, *arguments, **more)
            module.Renderer._render = counted
        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, Watch())
"""
AT_START = f"import os\nif {COUNT!r} in os.environ: import render_counter\n"


@dataclass
class Bench:
    """Scratch space, options, and the goals met or missed so far."""

    scratch: Path
    options: argparse.Namespace
    goals: list[tuple[str, bool]] = field(default_factory=list)
    peers: dict[int, dict[str, tuple[list[str], Path]]] = field(default_factory=dict)

    @property
    def rounds(self) -> int:
        return self.options.rounds

    @property
    def renders_file(self) -> Path:
        return self.scratch / "renders"

    def goal(self, text: str, is_met: bool) -> None:
        self.goals.append((text, is_met))

    def built(self, count: int) -> tuple[Path, list[Config]]:
        """A workspace of ``count`` configs, built; the first to ask for a size waits for it."""
        root = self.scratch / f"workspace{count}"
        configs = write_workspace(root, count) if not root.exists() else configs_of(count)
        if not (root / "build").exists():
            first, renders = self.counted(BUILD, root)
            again = measure(BUILD, root, {})  # what was written a moment ago is looked at once more
            print(
                f"\n{count} configs, {2 * count:,} tasks, {files_of(root):,} files: first build "
                f"{first.user:.1f} s user, {first.wall:.1f} s wall, {renders} renders; "
                f"the run after it {again.user:.2f} s user"
            )
        return root, configs

    def counted(self, command: list[str], folder: Path) -> tuple[Cost, Renders]:
        """Run a command, and count what it renders."""
        self.renders_file.write_text("")
        cost = measure(command, folder, {COUNT: str(self.renders_file)})
        return cost, Renders.of(self.renders_file)


@dataclass(frozen=True)
class Renders:
    configs: int
    metas: int

    @classmethod
    def of(cls, path: Path) -> Renders:
        names = path.read_text().split("\n")[:-1]
        metas = sum(os.path.basename(name) == "meta.yaml" for name in names)
        return cls(len(names) - metas, metas)

    def __str__(self) -> str:
        return f"{self.configs} config + {self.metas} meta.yaml"


def files_of(root: Path) -> int:
    """Files of the workspace and what is published from them; not the store's own."""
    skipped = {root / "build" / name for name in ("store", "locks", "log")}
    count = 0
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if Path(folder, name) not in skipped]
        count += len(files)
    return count


# nothing to do


def peers(bench: Bench, root: Path, configs: list[Config]) -> dict[str, tuple[list[str], Path]]:
    """Commands of the tools that are installed, and the copy each of them works on."""
    if len(configs) in bench.peers:
        return bench.peers[len(configs)]
    found = bench.peers[len(configs)] = {}
    copy = build_peers.copy_built(root, bench.scratch / f"peers{len(configs)}", configs)
    found["stock doit"] = build_peers.prepare_stock_doit(copy, configs), copy
    subprocess.run(found["stock doit"][0], cwd=copy, check=True, stdout=subprocess.DEVNULL)
    for name, prepare in (("ninja", build_peers.prepare_ninja), ("make", build_peers.prepare_make)):
        path = getattr(bench.options, name) or shutil.which(name)
        if path is None:
            print(f"  ({name} is not installed and left out)")
        else:
            found[name] = prepare(copy, configs, path), copy
    return found


def one_target(bench: Bench) -> None:
    root, configs = bench.built(bench.options.configs)
    config = configs[len(configs) // 2 + 7]
    task = f"pp:{config.id}"
    others = peers(bench, root, configs)
    wanted = {"stock doit": task, "ninja": f"pp-{config.id}", "make": f"pp-{config.id}"}
    empty = bench.scratch / "empty"
    empty.mkdir()
    contestants = [
        Contestant("doit --version, in an empty folder", [*DOIT, "--version"], empty),
        Contestant(f"forgather: doit {task}", [*DOIT, task], root),
        *(
            Contestant(f"{name} {wanted[name]}", [*command, wanted[name]], folder)
            for name, (command, folder) in others.items()
        ),
    ]
    costs = contest(contestants, bench.rounds)
    base, ours = (one.name for one in contestants[:2])
    table(f"nothing to do, one target asked of {2 * len(configs):,} tasks", costs, base)
    ratio = costs[ours].user / costs[base].user
    bench.goal(f"one target: {ratio:.2f} x `doit --version` (goal at most 1.3)", ratio <= 1.3)


def whole(bench: Bench) -> None:
    root, configs = bench.built(bench.options.configs)
    ours = "forgather: doit pp graph"
    others = {
        name: Contestant(name, command, folder)
        for name, (command, folder) in peers(bench, root, configs).items()
    }
    costs = contest([Contestant(ours, BUILD, root), *others.values()], bench.rounds)
    files = sum(len(step.outputs) for step in build_peers.steps(configs)) + len(configs)
    title = f"nothing to do, all {2 * len(configs):,} tasks, {files:,} files of theirs"
    table(title, costs, ours)
    ratio = costs["stock doit"].user / costs[ours].user
    bench.goal(f"whole workspace: stock doit takes {ratio:.1f} x (goal at least 4)", ratio >= 4)
    if bench.options.dvc:
        beside_dvc(bench)


def beside_dvc(bench: Bench) -> None:
    root, configs = bench.built(min(500, bench.options.configs))
    copy = build_peers.copy_built(root, bench.scratch / "dvc", configs)
    command = build_peers.prepare_dvc(copy, configs, bench.options.dvc)
    ours = "forgather: doit pp graph"
    contestants = [
        Contestant(ours, BUILD, root),
        Contestant("dvc repro", command, copy, rounds=1),
        Contestant("dvc status", [command[0], "status", "--quiet"], copy, rounds=1),
    ]
    costs = contest(contestants, bench.rounds)
    table(f"nothing to do, all {2 * len(configs):,} stages, beside DVC", costs, ours)


# little to do


def edits(bench: Bench) -> None:
    root, configs = bench.built(bench.options.edited)
    null = "nothing edited"
    contestants = [Contestant(null, BUILD, root)]
    lines: dict[str, tuple[int, Renders]] = {}

    def edited(name: str, dependents: int, edit: Callable[[int], None]) -> None:
        edit(-1)
        _cost, renders = bench.counted(BUILD, root)
        measure(BUILD, root, {})
        lines[name] = dependents, renders
        contestants.append(Contestant(name, BUILD, root, edit))

    for count in (1, 10, 100):
        if count <= len(configs):
            some = configs[:: len(configs) // count][:count]
            name = f"{count} {'leaf' if count == 1 else 'leaves'} edited"
            edited(name, count, lambda turn, some=some: edit_leaves(root, some, turn))
    family = root / configs[0].project / "templates" / "family.yaml"
    dependents = min(CONFIGS_OF_A_PROJECT, len(configs))
    edited(f"a template of {dependents} edited", dependents, lambda turn: edit_family(family, turn))

    costs = contest(contestants, bench.rounds)
    table(f"edits among {len(configs):,} configs, then doit pp graph", costs, null)
    for name, (dependents, renders) in lines.items():
        more = (costs[name].user - costs[null].user) / dependents * 1e3
        print(f"  {name}: {renders} rendered; {more:.1f} ms user over nothing for each dependent")
        text = f"{name}: {renders.configs} configs rendered (goal {dependents})"
        bench.goal(text, renders.configs == dependents)


def edit_leaves(root: Path, configs: list[Config], turn: int) -> None:
    for config in configs:
        text = leaf_text(config, warmup=1000 * len(configs) + turn)
        (root / config.leaf).write_text(text)


def edit_family(path: Path, turn: int) -> None:
    text = path.read_text().split("    # turn")[0].rstrip("\n")
    path.write_text(f"{text}\n    # turn {turn}\n    decay_steps: {turn}\n")


def checkouts(bench: Bench) -> None:
    root, configs = bench.built(bench.options.edited)
    for command in (["init", "-q"], ["add", "."], [*NAMED, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    makers = {"second checkout": copy_checkout, "fresh clone": clone}
    contestants = []
    for name, make in makers.items():
        folder = bench.scratch / name.replace(" ", "-")
        make(root, folder / "counted")
        _cost, renders = bench.counted(BUILD, folder / "counted")
        same = outputs_digest(folder / "counted", configs) == outputs_digest(root, configs)
        bench.goal(f"{name}: {renders} rendered (goal 0 configs)", renders.configs == 0)
        bench.goal(f"{name}: outputs have the same bytes", same)

        # The others stay: ext4 takes a millisecond for each new file while it remembers removed ones.
        def before(turn: int, make=make, folder=folder) -> None:
            make(root, folder / str(turn))

        def place(turn: int, folder=folder) -> Path:
            return folder / str(turn)

        contestants.append(Contestant(name, BUILD, place, before))
    null = "nothing to do"
    costs = contest([Contestant(null, BUILD, root), *contestants], bench.rounds)
    table(f"{len(configs):,} configs from the per-user cache", costs, null)
    for name in makers:
        for_1000 = costs[name].user / len(configs) * 1000
        text = f"{name}: {for_1000:.2f} s user for 1,000 configs (goal at most 0.5)"
        bench.goal(text, for_1000 <= 0.5)


NAMED = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]


def copy_checkout(root: Path, folder: Path) -> None:
    shutil.copytree(root, folder, ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))


def clone(root: Path, folder: Path) -> None:
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", root, folder], check=True)


def outputs_digest(root: Path, configs: list[Config]) -> str:
    digest = hashlib.sha256()
    for config in configs:
        for name in config.outputs:
            digest.update((root / name).read_bytes() + b"\0")
    return digest.hexdigest()


SCENARIOS = {"one": one_target, "whole": whole, "edits": edits, "checkouts": checkouts}


def header(options: argparse.Namespace) -> Iterator[str]:
    import doit

    yield f"Python {sys.version.split()[0]}, doit {doit.__version__}"
    for name in ("ninja", "make", "dvc"):
        if path := getattr(options, name) or (name != "dvc" and shutil.which(name)):
            output = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
            yield f"{name} {output.stdout.splitlines()[0].replace('GNU Make ', '')}"
    yield f"{options.rounds} rounds, least of each; load {os.getloadavg()[0]:.1f}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=list(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument("--configs", type=int, default=300, help="for one and whole")
    parser.add_argument("--edited", type=int, default=200, help="configs for edits and checkouts")
    parser.add_argument("--full", action="store_true", help="5,000 configs, and 1,000 for the rest")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ninja", help="the program, where it is not on the path")
    parser.add_argument("--make", help="the program, where it is not on the path")
    parser.add_argument("--dvc", help="the program, of an environment of its own")
    parser.add_argument("--check", action="store_true", help="exit 1 where a goal is missed")
    options = parser.parse_args(arguments)
    if options.full:
        options.configs, options.edited = 5000, 1000
    print(", ".join(header(options)))
    with tempfile.TemporaryDirectory() as scratch:
        set_environment(Path(scratch))
        bench = Bench(Path(scratch), options)
        for name in options.only:
            SCENARIOS[name](bench)
    print()
    for text, is_met in bench.goals:
        print(f"{'met   ' if is_met else 'MISSED'}  {text}")
    return 1 if options.check and not all(is_met for _text, is_met in bench.goals) else 0


def set_environment(scratch: Path) -> None:
    """Caches of our own, and the counter where Python looks for it."""
    for name in [name for name in os.environ if name.startswith(("FORGATHER_", "PYTHON"))]:
        del os.environ[name]
    (scratch / "counter").mkdir()
    (scratch / "counter" / "sitecustomize.py").write_text(AT_START)
    (scratch / "counter" / "render_counter.py").write_text(COUNTER)
    os.environ |= {
        "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{scratch / 'counter'}",
        "PYTHONPYCACHEPREFIX": str(scratch / "python"),
        "FORGATHER_CACHE_DIR": str(scratch / "cache"),
        "XDG_CACHE_HOME": str(scratch / "user-cache"),
        "OMP_NUM_THREADS": "1",
    }


if __name__ == "__main__":
    sys.exit(main())
