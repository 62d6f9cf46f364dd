"""The two-node cluster, once for all tests here; without it they are skipped, with the reason."""

import pytest

from tests.integration.slurm.cluster import Cluster
from tests.integration.slurm.packages import Unavailable


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    try:
        cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    except Unavailable as reason:
        pytest.skip(f"no Slurm here: {reason}")
    try:
        cluster.start()
        yield cluster
    except Unavailable as reason:
        pytest.skip(f"no Slurm here: {reason}")
    finally:
        cluster.stop()
