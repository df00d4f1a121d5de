"""The net of configs/captcha learns to read digits whose places nobody tells it."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from netcfg.net import Net
from netcfg.schema import read_net
from netcfg.solver import Solver
from netcfg.types import Phase
from tests.data_scripts.scripts import run, script

ROOT = Path(__file__).resolve().parents[2]
ENOUGH = 0.9
"""Share of captchas read without a mistake; 0.98 is usual."""


@pytest.mark.training
def test_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(script("make_captchas"), monkeypatch)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    with Solver("configs/captcha/solver.prototxt", out=tmp_path / "out") as solver:
        solver.solve()
        scores = solver.test(0)
        weights = solver.train_net.weights()
    assert scores is not None
    with h5py.File("data/captcha/test.h5") as file:
        labels = file["label"][:]
    right = whole_captchas(weights, labels)
    assert right > ENOUGH
    # What the layer measures counts single digits, so it is better.
    assert scores.outputs["accuracy"].item() > right


def whole_captchas(weights: dict[str, list[np.ndarray]], labels: np.ndarray) -> float:
    """Return the share of captchas of which every digit is right."""
    config = read_net(ROOT / "configs/captcha/train_val.prototxt").message
    found = []
    with Net(config, Phase.TEST, keep=["digits"]) as net:
        net.load(weights)
        while len(found) < len(labels):
            net.forward()
            found.extend(net.blobs["digits"][:, : labels.shape[1] + 1, 0, 0])
    wanted = np.pad(labels, ((0, 0), (0, 1)), constant_values=-1)
    return float((np.array(found) == wanted).all(axis=1).mean())
