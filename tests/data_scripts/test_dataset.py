from pathlib import Path

import numpy as np
import pytest

from netcfg.errors import NetError
from tests.data_scripts.scripts import held, script

dataset = script("dataset")


def test_databases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = np.arange(24, dtype=np.uint8).reshape(3, 1, 2, 4)
    assert not dataset.is_built(tmp_path / "db", 3, False)
    dataset.build(tmp_path / "db", images, np.array([5, 6, 7], np.uint8))
    records = held(tmp_path / "db")
    assert [(key, label) for key, _, label in records] == [
        (b"00000000", 5),
        (b"00000001", 6),
        (b"00000002", 7),
    ]
    assert np.array_equal([image for _, image, _ in records], images)
    assert dataset.is_built(tmp_path / "db", 3, False)
    assert "db: 3 records, there already (--force builds it again)" in capsys.readouterr().out
    assert not dataset.is_built(tmp_path / "db", 3, True)
    with pytest.raises(NetError, match="holds 3 records instead of 4; --force replaces it"):
        dataset.is_built(tmp_path / "db", 4, False)


def test_errors_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        raise NetError("no such thing")

    with pytest.raises(SystemExit) as caught:
        dataset.run(main)
    assert caught.value.code == 2
    assert capsys.readouterr().err == "error: no such thing\n"
