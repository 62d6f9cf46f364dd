"""Flushing paths to the disk, and files that are replaced whole."""

from __future__ import annotations

import errno
import os

import pytest

from forgather.durable import fsync_path, replace_file


@pytest.mark.parametrize(
    ("number", "raises"),
    [(errno.EINVAL, (True, False)), (errno.ENOTSUP, (True, False)), (errno.EIO, (True, True))],
)
def test_only_a_folder_may_be_unknown_to_fsync(tmp_path, monkeypatch, number, raises):
    """Some network file systems cannot flush a folder; what is lost of a file is never hidden."""

    def fail(descriptor):
        raise OSError(number, os.strerror(number))

    file = tmp_path / "file"
    file.write_text("x")
    fsync_path(file)
    fsync_path(tmp_path)
    monkeypatch.setattr(os, "fsync", fail)
    for path, is_raised in zip((file, tmp_path), raises, strict=True):
        if is_raised:
            with pytest.raises(OSError, match=os.strerror(number)):
                fsync_path(path)
        else:
            fsync_path(path)


def test_a_file_that_cannot_be_replaced_stays(tmp_path, monkeypatch):
    file = tmp_path / "file"
    replace_file(file, "old")
    replace_file(file, b"new")
    assert file.read_text() == "new" and file.stat().st_mode & 0o777 == 0o644

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        replace_file(file, "newer")
    assert file.read_text() == "new"
    assert os.listdir(tmp_path) == ["file"]
