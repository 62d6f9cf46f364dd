"""A build that runs everything here never hears of a cluster."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import forgather.make.worker_call, forgather.make.rules
heard = ("slurm", "cluster", "chain", "make.jobs", "executors.resources", "executors.export")
print(*(name for name in sys.modules if name.startswith("forgather") and name.endswith(heard)))
"""


def test_the_executor_local_imports_nothing_of_clusters():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
