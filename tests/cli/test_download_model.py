"""Weights of model folders, from the command line."""

import hashlib
from pathlib import Path

from tests.cli.conftest import Run


def test_from_a_folder(run: Run, folder: Path) -> None:
    sha1 = hashlib.sha1(b"weights").hexdigest()
    (folder / "readme.md").write_text(
        f"---\ncaffemodel: m\ncaffemodel_url: http://127.0.0.1:1/m\nsha1: {sha1}\n---\n"
    )
    result = run("download-model", ".")
    assert result.status == 2
    assert "cannot download m: http://127.0.0.1:1/m: " in result.err
    (folder / "store").mkdir()
    (folder / "store/m").write_bytes(b"weights")
    result = run("download-model", ".", "--from", "store")
    assert (result.status, result.out) == (0, "m, license: not told\nm: sha1 as it should be\n")
    assert (folder / "m").read_bytes() == b"weights"
    again = run("download-model", ".")
    assert again.out.endswith("m: there already, sha1 as it should be\n")
