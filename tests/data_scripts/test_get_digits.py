import sys
from pathlib import Path

import numpy as np
import pytest

from netcfg.errors import NetError
from tests.data_scripts.scripts import held, run, script

get_digits = script("get_digits")


def test_databases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    run(get_digits, monkeypatch, "--out", tmp_path)
    train, test = held(tmp_path / "train"), held(tmp_path / "test")
    assert (len(train), len(test)) == (1437, 360)
    classes = [np.bincount([label for *_, label in part]) for part in (train, test)]
    assert np.abs(classes[1] - (classes[0] + classes[1]) / 5).max() < 1.01
    images = [image for _, image, _ in train + test]
    assert all(image.shape == (1, 28, 28) and image.dtype == np.uint8 for image in images)
    assert max(image.max() for image in images) == 255
    assert len({image.tobytes() for image in images}) == len(images)
    labels = [label for *_, label in train]
    assert len(set(labels[:80])) == 10
    capsys.readouterr()
    run(get_digits, monkeypatch, "--out", tmp_path)
    assert capsys.readouterr().out.count("there already") == 2


def test_the_split_is_always_the_same() -> None:
    labels = np.arange(50, dtype=np.uint8) % 10
    chosen = get_digits.split(labels)
    assert sorted(chosen["train"] + chosen["test"]) == list(range(50))
    assert sorted(labels[chosen["test"]]) == list(range(10))
    assert chosen["test"] == [12, 49, 41, 30, 17, 15, 38, 4, 33, 46]
    assert chosen["train"][:5] == [0, 22, 34, 8, 44]


def test_without_scikit_learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(NetError, match="come with scikit-learn: pip install scikit-learn"):
        run(get_digits, monkeypatch, "--out", tmp_path)
