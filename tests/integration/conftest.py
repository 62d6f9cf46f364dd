"""One workspace that is built once; tests edit it and put it back."""

import pytest

from tests.integration.workspace import Workspace


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("workspace"))
    result = workspace.doit("train:mini")
    assert result.code == 0, result.output
    return workspace
