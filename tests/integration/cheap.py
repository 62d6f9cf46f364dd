"""A workspace whose every artifact is made in milliseconds, by python code of its own.

Five projects: a corpus of the files in ``data/``, a vocabulary made from it, a "network" (a folder of
text), a "training" of that network, and plain configs of which only text and graph are built. The
code below ``code/`` stands for a user's: what it writes depends on its arguments, on constants in it
and in what it imports, and on data files that it reports.

Long because the files of the workspace stand here as text.
"""

from __future__ import annotations

import shutil
from pathlib import Path

DOIT = """\
[tool.doit]
loader = "forgather"
backend = "forgather"
dep_file = "build/doit.sqlite"
reporter = "forgather"
par_type = "thread"

[tool.doit.plugins.loader]
forgather = "forgather.make.tasks:Loader"

[tool.doit.plugins.backend]
forgather = "forgather.make.front.memory:StateBackend"

[tool.doit.plugins.reporter]
forgather = "forgather.make.reporters:Console"

[tool.doit.plugins.command]
why = "forgather.make.front.commands:Why"
info = "forgather.make.front.commands:Info"
forget = "forgather.make.front.forget:Forget"
"""

META_DEFAULTS = """\
## The search path of every project here: its own templates, then what shadows, then the library.
-- set ns = namespace()
-- include "places.yaml"

-- include "site.yaml" ignore missing

searchdir:
    - "templates"
    -- if ns.site is defined
    - {{ ns.site | toyaml }}
    -- endif
    - {{ joinpath(ns.top, "upper") | toyaml }}
    - {{ joinpath(ns.top, "lib") | toyaml }}
system_path: {{ joinpath(ns.top, "code") | toyaml }}
-- block configs
-- endblock configs
"""

META = """\
-- extends "meta_defaults.yaml"
[configs]
# {name}
name: "{name}"
description: "project 1"
config_prefix: "configs"
default_config: "{name}.yaml"
"""

BASE = """\
## Root of the configs. Level 1.
-- set ns = namespace(level=1, hidden=4)
-- set ns.config_name = "Untitled"
-- set ns.config_description = "a config"
-- set ns.config_class = "type"
-- set ns.top = dirname(dirname(project_dir))
-- block metadata
-- endblock metadata
-- include "common/values.yaml"

-- include "common/optional.yaml" ignore missing

# level: {{ ns.level }}
-- block body
-- endblock body
-- block extra
-- endblock extra
meta: &meta !dict:@meta
    config_name: {{ ns.config_name | toyaml }}
    config_description: {{ ns.config_description | toyaml }}
    config_class: {{ ns.config_class | toyaml }}
    output_dir: {{ joinpath(project_dir, "output_models", "cheap") | toyaml }}
-- block more_meta
-- endblock more_meta
-- block main
main: *meta
-- endblock main
"""

VALUES = """\
## Values that every config has.
values: &values !dict:@values
    alpha: 1
    beta: 2
"""

WRAPPED = """\
## Between base and some configs.
-- extends 'base.yaml'
-- block metadata
    == super()
-- set ns.hidden = 8
-- endblock metadata
-- block extra
wrapped: !dict:@wrapped
    hidden: {{ ns.hidden }}
-- include 'inner.piece'

-- endblock extra
#-------------------- inner.piece --------------------
inner: !dict:@inner
    depth: 3
"""

CORPUS = """\
-- extends 'base.yaml'
[metadata]
    -- set ns.config_name = "Corpus"
    -- set ns.config_class = "type.dataset"
[body]
corpus: &corpus !call:corpus_maker:write_corpus@corpus
    build_dir: !var { name: build_dir, default: "." }
    folder: {{ joinpath(ns.top, "data") | toyaml }}
    pattern: {{ pattern | default("*.txt") | toyaml }}
    times: 2
folder: !call:passing:same [ *corpus ]
"""

VOCAB = """\
-- extends 'wrapped.yaml'
[metadata]
    == super()
    -- set ns.config_name = "Vocab"
    -- set ns.config_class = "type.tokenizer"
[body]
text: &text !call:forgather:from_project@text
    project_dir: {{ joinpath(ns.top, "projects", "corpus") | toyaml }}
    targets: "folder"
tokenizer: &tokenizer !call:vocab.maker:Vocab@tokenizer
    text: *text
    size: 20
"""

NET = """\
-- extends 'base.yaml'
[metadata]
    -- set ns.config_name = "Net"
    -- set ns.config_class = "type.model"
[body]
layers: &layers !dict:@layers
    count: 2
    width: {{ ns.hidden }}
model_package: &model_package !call:net_maker:write_net@model_package
    build_dir: !var { name: build_dir, default: "." }
    layers: *layers
    shape: !call:{{ joinpath(ns.top, "shapes", "square.py") }}:shape@shape []
    frame: !call:{{ joinpath(ns.top, "frames", "square.py") }}:frame@frame []
"""

RUN = """\
-- extends 'base.yaml'
[metadata]
    -- set ns.config_name = "Run"
    -- set ns.config_class = "type.training_script.causal_lm"
[body]
.define: &net
    project_dir: {{ joinpath(ns.top, "projects", "net") | toyaml }}
model_package: &model_package !call:forgather:from_project@model_package
    <<: *net
    targets: "model_package"
trainer_args: &trainer_args !dict:@trainer_args
    logging_dir: {{ joinpath(project_dir, "output_models", "cheap", "runs", "log") | toyaml }}
    output_dir: {{ joinpath(project_dir, "output_models", "cheap") | toyaml }}
    seed: 42
    max_steps: 5
    per_device_train_batch_size: 8
    logging_steps: 1
    save_total_limit: 2
    dataloader_num_workers: 1
optimizer: &optimizer !partial:cheap_trainer:Descent@optimizer
    lr: 1.0e-3
schedule: &schedule !partial:cheap_trainer:Warmup@schedule
    steps: 3
trainer: &trainer !singleton:cheap_trainer:Trainer@trainer
    args: *trainer_args
    package: *model_package
    optimizer: *optimizer
    schedule: *schedule
    callbacks: !list:@callbacks
        - !singleton:cheap_trainer:Freeze
            after: 3
[main]
main: !singleton:cheap_trainer:Script@main [ *trainer ]
"""

PLAIN = """\
-- extends '{base}.yaml'
[metadata]
    -- set ns.config_name = "{name}"
    -- set ns.config_class = "type.plain"
[body]
{name}: !dict:@{name}
    size: {{{{ size | default(3) }}}}
    user: {{{{ getenv("CHEAP_USER", "nobody") | toyaml }}}}
    one: 1
    two: 2
"""

SOURCES = {
    "corpus_maker.py": '''\
"""Writes a corpus: every text so many times."""

from pathlib import Path

from forgather.ml.datasets.inputs import record_input, record_listing

from casing import change
from counting import moment, note

ROUND = 1


def write_corpus(build_dir, folder, pattern, times):
    note("corpus")
    names = sorted(path.name for path in Path(folder).glob(pattern))
    record_listing(folder, pattern, names)
    out = Path(build_dir) / "corpus"
    out.mkdir()
    for name in names:
        record_input(Path(folder) / name)
        text = change((Path(folder) / name).read_text())
        (out / name).write_text(f"{ROUND}\\n{text * times}")
    (out / "index").write_text("\\n".join(names))
    moment("corpus was read")
    return out
''',
    "counting.py": '''\
"""Counts actions, for tests."""

import os


def note(what):
    """One line each, in a file outside of the build; then whatever a test wants to happen."""
    if log := os.environ.get("CHEAP_LOG"):
        with open(log, "a") as stream:
            stream.write(f"{what}\\n")
    moment(what)


def moment(what):
    if hook := os.environ.get("CHEAP_HOOK"):
        with open(hook) as stream:
            exec(stream.read(), {"what": what})
''',
    "passing.py": '''\
"""Passes a folder on."""


def same(folder):
    return folder
''',
    "casing.py": '''\
"""What the corpus does with a text."""

MARK = 1


def change(text):
    return f"{text.upper()}{MARK}\\n"
''',
    "vocab/__init__.py": '''\
"""A package: importing it runs this file too."""

import os

os.environ["VOCAB_STYLE"] = "style 1"
''',
    "vocab/maker.py": '''\
"""Counts letters."""

import json
import os
from collections import Counter
from pathlib import Path

from counting import note

STEP = 1


class Vocab:
    def __init__(self, text, size):
        note("tokenizer")
        counts = Counter()
        for path in sorted(Path(text).rglob("*")):
            counts.update(path.read_text() if path.is_file() else "")
        self.table = sorted(counts.items())[:size]

    def save_pretrained(self, out):
        data = {"style": os.environ["VOCAB_STYLE"], "step": STEP, "table": self.table}
        (Path(out) / "vocab.json").write_text(json.dumps(data))
''',
    "net_maker.py": '''\
"""Writes a "network"."""

import json
from pathlib import Path

from counting import note

WEIGHT = 1


def write_net(build_dir, layers, shape, frame):
    note("model")
    out = Path(build_dir) / "net"
    out.mkdir()
    config = {"layers": layers, "shape": shape, "frame": frame}
    (out / "config.json").write_text(json.dumps(config, sort_keys=True))
    (out / "weight.txt").write_text(str(WEIGHT))
    return out
''',
    "cheap_trainer.py": '''\
"""A training that takes no time: its weights are its arguments."""

import json
from pathlib import Path
from types import SimpleNamespace

from counting import note

MOMENTUM = 1


class Freeze:
    def __init__(self, after):
        self.after = after


class JsonLogger(Freeze):
    """Called like one of forgather's observers, but it is no such thing."""


class Descent:
    def __init__(self, lr):
        self.state = [type(self).__name__, lr]


class Ascent(Descent):
    pass


class Warmup:
    def __init__(self, steps):
        self.state = [type(self).__name__, steps]


class Trainer:
    def __init__(self, args, package, optimizer, schedule, callbacks):
        self.args = SimpleNamespace(**args)
        self.package, self.callbacks = package, callbacks
        self.optimizer, self.schedule = optimizer(), schedule()

    def weights(self):
        args, net = self.args, Path(self.package)
        numbers = [args.seed, args.max_steps, args.per_device_train_batch_size, MOMENTUM]
        own = [one.after for one in self.callbacks if isinstance(one, Freeze)]
        parts = {path.name: path.read_text() for path in sorted(net.iterdir())}
        return json.dumps([numbers, self.optimizer.state, self.schedule.state, own, parts])


class Script:
    def __init__(self, trainer):
        self.trainer = trainer

    def run(self):
        note("train")
        args = self.trainer.args
        folder = Path(args.output_dir) / "checkpoint-5"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.safetensors").write_text(self.trainer.weights())
        run = Path(args.logging_dir)
        run.mkdir(parents=True, exist_ok=True)
        (run / "trainer_logs.json").write_text('{"global_step": 5, "loss": 1.0}\\n')
''',
    "sizes.py": '"""Imported by a file that is named by its path."""\n\nSIDE = 4\n',
    "idle.py": '"""Nobody imports this."""\n\nIDLE = 1\n',
}

SHAPE = '''\
"""A file that is named by its path."""

from sizes import SIDE


def shape():
    return [SIDE, SIDE]
'''

FRAME = '''\
"""Another file of that name."""

WIDTH = 6


def frame():
    return WIDTH
'''

PROJECTS = {"corpus": CORPUS, "vocab": VOCAB, "net": NET, "run": RUN}
PLAIN_CONFIGS = {"plain": "wrapped", "second": "base", "third": "wrapped"}
KINDS = ("pp", "graph", "tokenizer", "dataset", "model", "train")


def make_workspace(root: Path) -> Path:
    """Write the workspace into ``root``, a folder that must not exist."""
    files = {
        "pyproject.toml": DOIT,
        "dodo.py": '"""No tasks but those of the configs."""\n',
        "forgather_workspace/meta_defaults.yaml": META_DEFAULTS,
        "forgather_workspace/places.yaml": "-- set ns.top = workspace_root\n",
        "lib/base.yaml": BASE,
        "lib/wrapped.yaml": WRAPPED,
        "lib/common/values.yaml": VALUES,
        "upper/README": "Templates here go before those of lib.\n",
        "shapes/square.py": SHAPE,
        "frames/square.py": FRAME,
        "data/one.txt": "once upon a time\n",
        "data/two.txt": "there was a fox\n",
        "data/README": "not matched by the pattern\n",
        **{f"code/{name}": text for name, text in SOURCES.items()},
        "projects/plain/meta.yaml": META.format(name="plain"),
    }
    for name, text in PROJECTS.items():
        files[f"projects/{name}/meta.yaml"] = META.format(name=name)
        files[f"projects/{name}/templates/configs/{name}.yaml"] = text
    for name, base in PLAIN_CONFIGS.items():
        path = f"projects/plain/templates/configs/{name}.yaml"
        files[path] = PLAIN.format(name=name, base=base)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


BUILT = {"build", "output_models", "__pycache__"}


def copy_sources(root: Path, target: Path) -> Path:
    """A second checkout: everything but what was built."""
    shutil.copytree(root, target, ignore=shutil.ignore_patterns(*BUILT), symlinks=True)
    return target


def outputs(root: Path) -> dict[str, bytes]:
    """Every published file, by path: text, graphs, artifacts and final weights."""
    found = {}
    build = root / "build"
    for path in build.rglob("*") if build.is_dir() else ():
        name = path.relative_to(root).as_posix()
        if path.is_file() and name.split("/")[1] not in OURS and not name.startswith("build/doit."):
            found[name] = path.read_bytes()
    for path in (root / "projects").glob("*/output_models/*/checkpoint-*/*"):
        if path.is_file():
            found[path.relative_to(root).as_posix()] = path.read_bytes()
    return {name: data for name, data in found.items() if "state-" not in name}


OURS = {"store", "state", "locks", "log", "cache"}  # of the build itself, below build/
