"""Folders that are not there: what appears in their place counts, and nothing beside it."""

import time
from pathlib import Path

import pytest

from forgather.make.probes import SETTLED_SECONDS, collecting, holds, note_listing


@pytest.fixture
def noted(tmp_path):
    """Whether what was seen of a folder is seen again."""

    def note(folder: Path):
        with collecting() as group:
            note_listing(folder)
        probes = list(group.items)
        assert probes and all(probe.kind != "unsettled" for probe in probes)
        return lambda: all(holds(*probe) for probe in probes)

    time.sleep(SETTLED_SECONDS * 1.2)
    return note


def test_what_appears_beside_a_missing_folder_does_not_matter(noted, tmp_path):
    """As when another program makes its own folder in ``~/.config``."""
    is_seen_again = noted(tmp_path / "forgather" / "templates")
    (tmp_path / "other").mkdir()
    assert is_seen_again()
    (tmp_path / "other").rmdir()
    assert is_seen_again()


@pytest.mark.parametrize("name", ["forgather/templates", "forgather"])
def test_what_appears_in_its_place_does(noted, tmp_path, name):
    is_seen_again = noted(tmp_path / "forgather" / "templates")
    (tmp_path / name).mkdir(parents=True)
    assert not is_seen_again()


def test_a_link_to_nowhere(noted, tmp_path):
    (tmp_path / "links").mkdir()
    link, target = tmp_path / "links" / "templates", tmp_path / "elsewhere" / "templates"
    link.symlink_to(target)
    time.sleep(SETTLED_SECONDS * 1.2)
    is_seen_again = noted(link)
    assert is_seen_again()
    target.mkdir(parents=True)
    assert not is_seen_again()
    target.rmdir()
    target.parent.rmdir()
    assert is_seen_again()
    link.unlink()
    link.mkdir()
    assert not is_seen_again()
