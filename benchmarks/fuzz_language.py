"""Fuzz the language: no text may crash it, hang it, or get an error without a code.

A text is rendered as a template, parsed as YAML, and what comes of it goes through everything that shows
a graph: code, YAML, dump, JSON, digest. Inputs grow from the golden cases in ``tests/cases`` with
coverage as the guide.

    pip install atheris
    python benchmarks/fuzz_language.py [--seconds 120] [--corpus DIRECTORY] [--input FILE ...]

New inputs are kept in the corpus directory (default: a temporary one). A crash stops the run, and
atheris leaves the input in the current directory as ``crash-*`` or ``timeout-*``; ``--input`` runs such
a file again, without atheris.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
CASES = REPOSITORY / "tests" / "cases"
BASE = "-- set ns = namespace(x=1)\n[a]\na: &a !call:dict@a {x: 1}\n[b]\nb: *a\n"
VARIABLES: dict[str, Any] = {"x": [1, 2], "y": {"z": 1}}
TIMEOUT = 20  # seconds for one input


def exercise(folder: Path, text: str) -> None:
    """Everything that looks at a config, on this text; any exception but a coded error is a bug."""
    from forgather.config import ConfigEnvironment
    from forgather.errors import ForgatherError

    (folder / "main.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    (folder / "base.yaml").write_text(BASE)
    environment = ConfigEnvironment(folder)
    loads = (
        lambda: environment.load("main.yaml", **VARIABLES),
        lambda: environment.load_from_ppstring(text),
    )
    for load in loads:
        try:
            config = load()
        except ForgatherError as error:
            assert error.code and error.render()
        else:
            _look_at(config)


def _look_at(config: Any) -> None:
    assert len(config.source_map) == config.pp_config.count("\n") + 1
    assert isinstance(config.spans, dict)
    for warning in config.warnings:
        assert warning.code and warning.render()
    _show(config.config)


def _show(root: Any) -> None:
    from forgather.codegen.python import generate_code
    from forgather.codegen.yaml import to_yaml
    from forgather.config import ConfigEnvironment
    from forgather.errors import ForgatherError
    from forgather.graph.canonical import digest
    from forgather.graph.serial import dumps, loads
    from forgather.graph.show import fconfig

    same = digest(root)
    assert digest(loads(dumps(root))) == same, "the JSON form is another graph"
    fconfig(root)
    for policy in ("required", "named", "all"):
        try:
            code = generate_code(root, name_policy=policy)
        except ForgatherError as error:
            assert error.code and error.render()
        else:
            compile(code, "<generated>", "exec")
    try:
        text = to_yaml(root)
    except ForgatherError as error:
        assert error.code and error.render()
    else:
        again = ConfigEnvironment([]).load_from_ppstring(text).config
        assert digest(again) == same, "the YAML form is another graph"


def seeds() -> Iterator[str]:
    """The templates of the golden cases."""
    for path in sorted(CASES.rglob("*.txt")):
        parts = re.split(r"(?m)^(?:===|>>>) .*\n", path.read_text(encoding="utf-8"))
        yield from (part for part in parts[1:] if part.strip())


def fuzz(folder: Path, corpus: Path, seconds: int) -> None:
    try:
        import atheris
    except ImportError:
        raise SystemExit("this needs atheris: pip install atheris") from None

    for number, text in enumerate(seeds()):
        (corpus / f"case-{number}").write_text(text, encoding="utf-8")
    with atheris.instrument_imports(include=["forgather", "jinja2"]):
        import forgather.codegen.python
        import forgather.codegen.yaml
        import forgather.config
        import forgather.lang.diagnose
        import forgather.lang.syntax_errors  # noqa: F401

    def one(data: bytes) -> None:
        exercise(folder, data.decode("utf-8", "replace"))

    limits = [f"-max_total_time={seconds}", f"-timeout={TIMEOUT}", "-max_len=2000"]
    atheris.Setup([sys.argv[0], str(corpus), *limits], one)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--input", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder, corpus = Path(scratch, "templates"), options.corpus or Path(scratch, "corpus")
        for directory in (folder, corpus):
            directory.mkdir(parents=True, exist_ok=True)
        os.environ["XDG_CACHE_HOME"] = str(Path(scratch, "cache"))
        for path in options.input:
            exercise(folder, path.read_bytes().decode("utf-8", "replace"))
        if not options.input:
            fuzz(folder, corpus, options.seconds)


if __name__ == "__main__":
    main()
