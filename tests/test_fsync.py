"""Flushing paths to the disk."""

from __future__ import annotations

import errno
import os

import pytest

from forgather.fsync import fsync_path


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
