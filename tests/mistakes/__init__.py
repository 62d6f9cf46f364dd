"""The mistakes users make, as data: see :mod:`tests.mistakes.row`."""

from tests.mistakes.graphs import GRAPHS
from tests.mistakes.projects import PROJECTS
from tests.mistakes.row import EXACT, LINE, WORKSPACE, Mistake
from tests.mistakes.templates import TEMPLATES
from tests.mistakes.yaml import YAML

MISTAKES = [*TEMPLATES, *YAML, *GRAPHS, *PROJECTS]

__all__ = ["EXACT", "LINE", "MISTAKES", "WORKSPACE", "Mistake"]
