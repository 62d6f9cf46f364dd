"""How each kind of artifact is made: one file a kind, gathered here in the order of building."""

from __future__ import annotations

from forgather.make.rules import (
    checkpoint,
    dataset,
    graph,
    model,
    plot,
    render,
    report,
    tokenizer,
    train,
)
from forgather.make.target import Rule

RULES: dict[str, Rule] = {
    rule.kind: rule
    for rule in (
        render.RULE,
        graph.RULE,
        tokenizer.RULE,
        dataset.RULE,
        model.RULE,
        train.RULE,
        checkpoint.RULE,
        plot.RULE,
        report.RULE,
    )
}
