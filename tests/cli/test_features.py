"""``netcfg features``."""

from pathlib import Path

import h5py
import numpy as np

from tests.cli.conftest import Run
from tests.vision.nets import CLASSIFY, write_net, write_pictures


def test_arrays_of_blobs(run: Run, folder: Path) -> None:
    write_net(folder, CLASSIFY)
    write_pictures(folder / "in", 3)
    command = ("features", "net.prototxt", "in", "--weights", "w.caffemodel", "--batch", "2")
    assert run(*command, "--blobs", "pool,ip", "--out", "r.h5").status == 0
    with h5py.File("r.h5") as file:
        assert file["image"].asstr()[2] == "in/002_red.png"
        assert file["pool"].shape == (3, 3, 1, 1)
        np.testing.assert_allclose(file["ip"][:], np.eye(3) * 255 / 32, rtol=1e-6)
    result = run(*command, "--blobs", "pol", "--out", "q.h5")
    assert (result.status, "did you mean 'pool'" in result.err) == (2, True)
