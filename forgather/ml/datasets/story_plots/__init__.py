"""What happens in a story: 36 plots, in four chapters."""

from __future__ import annotations

from forgather.ml.datasets.story_plots import courage, friends, home, outdoors
from forgather.ml.datasets.story_plots.plot import Plot

PLOTS: tuple[Plot, ...] = (*outdoors.PLOTS, *friends.PLOTS, *courage.PLOTS, *home.PLOTS)

__all__ = ["PLOTS", "Plot"]
