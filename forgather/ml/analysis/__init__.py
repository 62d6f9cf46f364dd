"""Reading, summarizing, comparing and plotting training logs.

Works on the log of a training that lives, ended or was killed. Imports no torch; matplotlib is
imported when something is plotted, so a summary costs milliseconds.
"""

from __future__ import annotations

from forgather.ml.analysis.comparison import compare_runs, format_rows, sort_rows
from forgather.ml.analysis.find import find_log_files
from forgather.ml.analysis.formats import FORMATS, format_summaries, format_summary
from forgather.ml.analysis.log import X_AXES, TrainingLog
from forgather.ml.analysis.plots import plot_loss_curves, plot_training_metrics
from forgather.ml.analysis.summary import compute_summary_statistics

__all__ = [
    "FORMATS",
    "X_AXES",
    "TrainingLog",
    "compare_runs",
    "compute_summary_statistics",
    "find_log_files",
    "format_rows",
    "format_summaries",
    "format_summary",
    "plot_loss_curves",
    "plot_training_metrics",
    "sort_rows",
]
