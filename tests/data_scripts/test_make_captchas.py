"""Captchas: every image shows the digits of its label, the same ones on every run."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.data_scripts.scripts import run, script

make_captchas = script("make_captchas")


def build(folder: Path, monkeypatch: pytest.MonkeyPatch, *args: object) -> list[np.ndarray]:
    """Run the script for a few captchas and return pixels and labels of both files."""
    monkeypatch.setattr(make_captchas, "COUNTS", {"train": 30, "test": 8})
    run(make_captchas, monkeypatch, "--out", folder, *args)
    found = []
    for name in ("train", "test"):
        assert (folder / f"{name}.txt").read_text() == f"{folder}/{name}.h5\n"
        with h5py.File(folder / f"{name}.h5") as file:
            found += [file["data"][:], file["label"][:]]
    return found


def test_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train, labels, test, others = built = build(tmp_path, monkeypatch)
    assert train.shape == (30, 1, 32, 96)
    assert test.shape == (8, 1, 32, 96)
    assert train.dtype == np.uint8
    both = np.concatenate([labels, others])
    assert set(both[both >= 0]) == set(range(10))
    lengths = (both >= 0).sum(axis=1)
    assert set(lengths) == {4, 5, 6}
    for row, length in zip(both, lengths, strict=True):
        assert (row[:length] >= 0).all()
        assert (row[length:] == -1).all()
    assert len({image.tobytes() for image in (*train, *test)}) == 38
    capsys.readouterr()
    again = build(tmp_path, monkeypatch, "--force")
    for one, other in zip(built, again, strict=True):
        np.testing.assert_array_equal(one, other)
    build(tmp_path, monkeypatch)
    assert capsys.readouterr().out.count("there already") == 2


def test_digits_stand_side_by_side() -> None:
    class Calm:
        """Draws the middle of every range: no noise, no lines."""

        def __getattr__(self, name: str) -> object:
            return {
                "uniform": lambda low, high: (low + high) / 2,
                "integers": lambda low, high: low,
                "random": lambda: 0.9,
                "normal": lambda mean, deviation, shape: np.zeros(shape),
            }[name]

    image = make_captchas.draw(Calm(), np.array([1, 8, 0, 7])).astype(float)
    assert image.shape == (32, 96)
    paper, colour = 210, 45  # dark on light
    assert image[0, 0] == paper
    assert image.min() == colour
    columns = (image < 128).any(axis=0)
    starts = np.flatnonzero(np.diff(columns.astype(int)) == 1)
    assert len(starts) == 4
    np.testing.assert_allclose(np.diff(starts), 96 * 0.91 / 5, atol=5)
    rows = np.flatnonzero((image < 128).any(axis=1))
    assert 16 <= np.ptp(rows) <= 21


def test_digits_differ_and_turn_into_each_other() -> None:
    assert len(set(make_captchas.STROKES)) == 10
    turned = " ".join(f"{4 - int(p[0])}{8 - int(p[1])}" for p in make_captchas.STROKES[6].split())
    assert turned == make_captchas.STROKES[9]


def test_smooth() -> None:
    corner = np.array([[0.0, 0], [4, 0], [4, 4]])
    assert make_captchas.smooth(corner, 0) is corner
    once = make_captchas.smooth(corner, 1)
    np.testing.assert_allclose(once, [[0, 0], [3, 0], [4, 1], [4, 4]])
    assert len(make_captchas.smooth(corner, 2)) == 6
