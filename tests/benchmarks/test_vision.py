"""The benchmark of pictures: what it measures on, and its table."""

import argparse
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.vision import NET, make_pictures, make_weights, table
from netcfg.io.caffemodel import read_weights
from netcfg.net import Net


def test_photographs_are_repeated_under_other_names(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("x.jpg", "y.JPEG", "z.png"):
        Image.new("RGB", (2, 2)).save(tmp_path / "a" / name)
    make_pictures(tmp_path / "a", tmp_path / "b", 5)
    found = [path.resolve().name for path in sorted((tmp_path / "b").iterdir())]
    assert found == ["x.jpg", "y.JPEG", "x.jpg", "y.JPEG", "x.jpg"]
    with pytest.raises(SystemExit, match="holds no JPEG photographs"):
        make_pictures(tmp_path / "b" / "none", tmp_path / "c", 1)


def test_random_weights_give_finite_answers(tmp_path: Path) -> None:
    make_weights(tmp_path / "w")
    x = np.random.default_rng(1).normal(0, 60, (1, 3, 224, 224)).astype(np.float32)
    with Net(NET) as net:
        assert net.load(read_weights(tmp_path / "w")).missing == []
        (name,) = net.inputs
        (y,) = net.forward({name: x}).values()
    assert np.isfinite(y).all()
    assert y.sum() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize(
    ("files", "verdict"), [(90.0, "0.90 (goal: 0.85: reached)"), (80.0, "missed")]
)
def test_the_table(files: float, verdict: str) -> None:
    args = argparse.Namespace(pictures=2000, batch=16, threads=2, rounds=3)
    text = table([files, files, 1.0], [100.0] * 3, args)
    assert verdict in text
    assert f"| `netcfg classify`, JPEG files to CSV | {files} | 1.0 | {files} |" in text
