"""Images that the card transforms, against the transform on the CPU."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcfg.data.mean import write_mean
from netcfg.engines import Engine
from netcfg.engines.cuda import images
from netcfg.engines.cuda.images import Images
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.types import Phase
from tests.data.databases import images as pixels
from tests.data.databases import make_lmdb
from tests.engines.cuda.fake import engine

COUNT, SHAPE = 11, (3, 6, 5)
TEXT = """
layer { name: "in" type: "Data" top: "data" top: "label"
  data_param { source: "%s" batch_size: 4 backend: LMDB } transform_param { %s } }
layer { name: "s" type: "Silence" bottom: "label" }
"""
FIELDS = {
    "nothing": "",
    "scale": "scale: 0.00390625",
    "crop": "crop_size: 4",
    "mirror": "mirror: true scale: 0.5",
    "both": "crop_size: 3 mirror: true mean_value: 10 mean_value: 20 mean_value: 30",
    "one": "mean_value: 128",
    "image": 'crop_size: 4 mirror: true mean_file: "%s" scale: 0.25',
}


class Upload:
    """Copies at once."""

    made = 0

    def __init__(self, device: Any, target: np.ndarray) -> None:
        type(self).made += 1
        self.target = target

    def send(self, values: np.ndarray) -> None:
        assert values.dtype == self.target.dtype
        self.target[...] = values


@pytest.fixture(autouse=True)
def uploads(monkeypatch: pytest.MonkeyPatch) -> type[Upload]:
    monkeypatch.setattr(images, "Upload", Upload)
    monkeypatch.setattr(Upload, "made", 0)
    return Upload


def batches(e: Engine, text: str, phase: Phase, count: int = 3) -> list[Any]:
    with Net(parse_net(text).message, phase, engine=e, seed=5, keep="all") as net:
        forms = [isinstance(u.runs, Images) for u in net.units]
        assert forms[0] == (e.name == "cuda")
        found = []
        for _ in range(count):
            net.forward()
            found.append([net.blobs[name].copy(order="K") for name in ("data", "label")])
    return found


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("name", FIELDS)
def test_batches_are_those_of_the_cpu(
    name: str, phase: Phase, tmp_path: Path, uploads: type[Upload]
) -> None:
    make_lmdb(tmp_path / "db", pixels(COUNT, SHAPE))
    write_mean(tmp_path / "mean", pixels(1, SHAPE, seed=2)[0].astype(np.float32))
    fields = FIELDS[name].replace("%s", str(tmp_path / "mean"))
    text = TEXT % (tmp_path / "db", fields)
    wanted = batches(Engine(), text, phase)
    got = batches(engine(), text, phase)
    for (x, label), (y, other) in zip(got, wanted, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-5)
        assert x.transpose(0, 2, 3, 1).flags.c_contiguous
        assert label.tolist() == other.tolist()
    assert uploads.made == 3, "images, their places and labels have one way each"


def test_images_much_larger_than_the_crop_stay_on_the_cpu(
    tmp_path: Path, uploads: type[Upload]
) -> None:
    make_lmdb(tmp_path / "db", pixels(COUNT, (3, 16, 16)))
    text = TEXT % (tmp_path / "db", "crop_size: 4 mirror: true")
    for got, wanted in zip(
        batches(engine(), text, Phase.TRAIN), batches(Engine(), text, Phase.TRAIN), strict=True
    ):
        assert np.array_equal(got[0], wanted[0])
    assert uploads.made == 0


def test_a_layer_by_itself_finishes_what_was_put_off(tmp_path: Path) -> None:
    make_lmdb(tmp_path / "db", pixels(COUNT, SHAPE))
    text = TEXT % (tmp_path / "db", "scale: 0.5")
    with Net(parse_net(text).message, Phase.TRAIN, engine=engine()) as net:
        data, _ = net.layers[0].batch()  # type: ignore[attr-defined]
    assert data.dtype == np.float32
    assert np.array_equal(data, pixels(COUNT, SHAPE)[:4] * np.float32(0.5))
