"""Code is found by reading it; what cannot be read is answered with its line."""

from pathlib import Path

import pytest

from forgather.errors import BuildError
from forgather.make.code import code_files


def digest(path: Path) -> str:
    return str(hash(path.read_bytes()))


def test_imports_are_followed(tmp_path):
    (tmp_path / "maker.py").write_text("import helper\n")
    (tmp_path / "helper.py").write_text("import json\n")
    found = code_files(["maker:make"], digest, [tmp_path], own=False)
    assert set(found) == {"maker", "helper"}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [("import json\nx = (\n", 2, "never closed"), ("x = 1\0\n", 1, "null bytes")],
)
def test_a_syntax_error_has_its_place(text, line, says, tmp_path):
    path = tmp_path / "maker.py"
    path.write_text(text)
    with pytest.raises(BuildError, match=says) as caught:
        code_files(["maker:make"], digest, [tmp_path], own=False)
    assert (caught.value.where.path, caught.value.where.line) == (str(path), line)
    assert caught.value.code == "FG611"
