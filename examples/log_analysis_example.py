"""Compare the runs of a project: a table, the best run, and a plot.

python examples/log_analysis_example.py [PROJECT_DIR]
"""

from __future__ import annotations

import sys
from pathlib import Path

from forgather.ml.analysis import (
    TrainingLog,
    compute_summary_statistics,
    find_log_files,
    format_summaries,
    plot_loss_curves,
)


def main(project_dir: str = ".") -> int:
    logs = [TrainingLog.from_file(path) for path in find_log_files(project_dir)]
    if not logs:
        print(f"no training logs in {project_dir}", file=sys.stderr)
        return 1
    summaries = [compute_summary_statistics(log) for log in logs]
    print(format_summaries(summaries, "one-line"))

    evaluated = [summary for summary in summaries if "best_eval_loss" in summary]
    if evaluated:
        best = min(evaluated, key=lambda summary: summary["best_eval_loss"])
        loss, step = best["best_eval_loss"], best["best_eval_loss_step"]
        print(f"\nlowest evaluation loss: {loss:.4f} at step {step} of {best['run_name']}")

    output = Path(project_dir, "tmp", "runs.png")
    plot_loss_curves(logs, output, title="Runs")
    print(f"plot: {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
