"""How many pictures go through a net at once."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from netcfg.vision import batch_size as module
from netcfg.vision.batch_size import LARGEST, batch_size, is_rows, together
from netcfg.vision.model import Model
from netcfg.vision.settings import Settings
from tests.vision.nets import CLASSIFY, DETECT, write_net
from tests.vision.test_model import last
from tests.vision.test_outline import TWO

FIXED = CLASSIFY + (
    'layer { name: "r" type: "Reshape" bottom: "prob" top: "out" '
    "reshape_param { shape { dim: 1 dim: -1 dim: 3 } } }"
)


def model(folder: Path, text: str) -> Model:
    net, weights = write_net(folder, text)
    return Model(net, Settings([weights]), last)


def test_nets_that_keep_pictures_apart(tmp_path: Path) -> None:
    assert together(model(tmp_path, CLASSIFY))
    assert together(model(tmp_path, DETECT))
    assert not together(model(tmp_path, FIXED))
    net, weights = write_net(tmp_path, CLASSIFY)
    assert not together(Model(net, Settings([weights], size="image"), last))


def test_a_net_that_is_told_sizes_takes_one_picture(tmp_path: Path) -> None:
    net = tmp_path / "n.prototxt"
    net.write_text(TWO + 'layer { name: "y" type: "ReLU" bottom: "data" top: "y" }')
    settings = Settings()
    assert not together(Model(net, settings, lambda outline, card: ["y"]))


def times(monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float]) -> list[int]:
    """Let batches of each size take so long; return the list of sizes that are tried."""
    tried = []

    def measured(model: Model, size: int) -> float:
        tried.append(size)
        return seconds[size]

    monkeypatch.setattr(module, "_seconds", measured)
    return tried


def test_doubles_while_it_pays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = model(tmp_path, CLASSIFY)
    tried = times(monkeypatch, {1: 10, 2: 12, 4: 16, 8: 31.9, 16: 80})
    assert batch_size(net, 1000) == 4
    assert tried == [1, 2, 4, 8, 16]


def test_no_more_than_there_are_or_memory_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = model(tmp_path, CLASSIFY)
    always_pays = {2**k: 1.0 for k in range(12)}
    times(monkeypatch, always_pays)
    assert batch_size(net, 5) == 8
    assert batch_size(net, 10_000) == LARGEST
    floats = 4 * 6 * 3 + 3 + 3 + 3
    monkeypatch.setattr(module, "_free", lambda: int(floats * 4 * 9 / module.SHARE))
    assert batch_size(net, 10_000) == 8
    monkeypatch.setattr(module, "_free", lambda: 0)
    assert batch_size(net, 10_000) == 1


def test_views_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = model(tmp_path, CLASSIFY)
    tried = times(monkeypatch, {10: 1.0, 20: 1.5, 40: 4.0, 80: 9})
    assert batch_size(net, 8, views=10) == 2
    assert tried == [10, 20, 40, 80]


def test_measures_with_the_net(tmp_path: Path) -> None:
    net = model(tmp_path, CLASSIFY)
    ticks: Iterator[float] = iter([0, 3, 10, 12, 20, 29])
    assert module._seconds(net, 2, lambda: next(ticks)) == 2
    assert module._free() > 1 << 20


def test_rows() -> None:
    assert is_rows((1, 1, 9, 7))
    assert not is_rows((1, 2, 9, 7))
    assert not is_rows(np.zeros((1, 7)).shape)
