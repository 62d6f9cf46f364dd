"""``report``: one page about a training: summary, loss plot, sample texts, where it came from."""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from typing import Any

from forgather.make.build import Build
from forgather.make.rules.plot import title
from forgather.make.target import Made, Rule, Target
from forgather.runs.layout import SAMPLES_FILE

STYLE = """
body { font: 16px/1.55 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: #1c2024; background: #fff; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.2rem; border-bottom: 1px solid #d9dde1; }
p.sub { color: #5b6570; margin-top: .3rem; }
table { border-collapse: collapse; } td, th { padding: .25rem 1rem .25rem 0; text-align: left;
       vertical-align: top; }
td.value { font-variant-numeric: tabular-nums; }
blockquote { margin: .8rem 0; padding: .6rem 1rem; background: #f5f6f7;
       border-left: 3px solid #8a94a0; white-space: pre-wrap; }
blockquote b { font-weight: 600; } code { font-size: .85em; overflow-wrap: anywhere; }
img { max-width: 100%; }
"""

SUMMARY_ROWS = (
    ("total_steps", "Steps", "{:,}"),
    ("final_loss", "Final training loss", "{:.4f}"),
    ("first_eval_loss", "First held-out loss", "{:.4f}"),
    ("final_eval_loss", "Final held-out loss", "{:.4f}"),
    ("best_eval_loss", "Best held-out loss", "{:.4f}"),
    ("train_runtime", "Runtime since the last resume (s)", "{:,.1f}"),
    ("tokens_per_second", "Tokens per second", "{:,.0f}"),
    ("train_samples_per_second", "Samples per second", "{:,.2f}"),
)


def _tasks(target: Target) -> list[str]:
    return [name for name in target.deps if not name.startswith("report")]


def inputs(build: Build, target: Target) -> dict[str, Any]:
    return {
        "inputs": {task: build.output_digest(task) for task in _tasks(target)},
        "code": build.digests(__file__),
    }


def make(build: Build, target: Target, out: Path) -> Made:
    train = build.record(f"train:{target.id}")
    run = build.root / train.place / train.values["run"]
    plot = build.output_path(f"plot:{target.id}")
    summary = json.loads((plot / "summary.json").read_text())
    page = Page(
        title=title(target),
        description=str(target.compiled.meta.get("config_description") or ""),
        rows=[(label, form.format(summary[k])) for k, label, form in SUMMARY_ROWS if k in summary],
        samples=read_samples(run / SAMPLES_FILE),
        provenance=provenance(build, target),
    )
    image = (plot / "loss.png").read_bytes()
    (out / "loss.png").write_bytes(image)
    (out / "report.md").write_text(page.markdown())
    (out / "report.html").write_text(page.html(image))
    return Made()


def read_samples(path: Path) -> list[dict[str, Any]]:
    """Texts generated at the last step that generated any."""
    if not path.exists():
        return []
    samples = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    last = max((sample["step"] for sample in samples), default=0)
    return [sample for sample in samples if sample["step"] == last]


def provenance(build: Build, target: Target) -> list[tuple[str, str]]:
    """What this training was made from, by digest."""
    train = build.record(f"train:{target.id}")
    rows = [("train", train.key)]
    for name in _tasks(target):
        if not name.startswith("train:"):
            rows.append((name, build.output_digest(name)))
    for source, digest in train.inputs["training"]["artifacts"].items():
        rows.append((source.partition("(")[2].rstrip(")"), digest))
    rows += sorted(train.inputs["toolchain"].items())
    rows.append(("forgather", train.inputs["forgather"]))
    return list(dict(rows).items())


class Page:
    """The content of a report, as Markdown and as one self-contained HTML file."""

    def __init__(
        self,
        *,
        title: str,
        description: str,
        rows: list[tuple[str, str]],
        samples: list[dict[str, Any]],
        provenance: list[tuple[str, str]],
    ) -> None:
        self.title, self.description, self.rows = title, description, rows
        self.samples, self.provenance = samples, provenance

    def markdown(self) -> str:
        lines = [f"# {self.title}", "", self.description, "", "## Summary", ""]
        lines += ["| | |", "|---|---|"]
        lines += [f"| {label} | {value} |" for label, value in self.rows]
        lines += ["", "## Loss", "", "![loss curves](loss.png)", "", "## Samples", ""]
        for sample in self.samples:
            text = sample["text"].replace("\n", "\n> ")
            lines += [f"> **{sample['prompt']}**{text}", ""]
        lines += ["## Provenance", "", "| | |", "|---|---|"]
        lines += [f"| {name} | `{value}` |" for name, value in self.provenance]
        return "\n".join(lines) + "\n"

    def html(self, image: bytes) -> str:
        quote = html.escape
        picture = base64.b64encode(image).decode()
        rows = "".join(
            f"<tr><th>{quote(label)}</th><td class=value>{quote(value)}</td></tr>"
            for label, value in self.rows
        )
        samples = "".join(
            f"<blockquote><b>{quote(s['prompt'])}</b>{quote(s['text'])}</blockquote>"
            for s in self.samples
        )
        origin = "".join(
            f"<tr><th>{quote(name)}</th><td><code>{quote(value)}</code></td></tr>"
            for name, value in self.provenance
        )
        return (
            "<!doctype html><html lang=en><meta charset=utf-8>"
            f"<title>{quote(self.title)}</title><style>{STYLE}</style>"
            f"<h1>{quote(self.title)}</h1><p class=sub>{quote(self.description)}</p>"
            f"<h2>Summary</h2><table>{rows}</table>"
            f'<h2>Loss</h2><img alt="loss curves" src="data:image/png;base64,{picture}">'
            f"<h2>Samples</h2>{samples or '<p>No texts were generated.</p>'}"
            f"<h2>Provenance</h2><table>{origin}</table></html>\n"
        )


RULE = Rule("report", "a page about the training", inputs, make, folder="report")
