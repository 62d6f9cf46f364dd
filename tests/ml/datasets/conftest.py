from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("letters", Path(__file__).with_name("letters.py"))
_letters = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_letters)


@pytest.fixture
def letters():
    return _letters.Letters()
