"""Pictures through a net, in order, with those left out that cannot be read."""

from pathlib import Path

import numpy as np
import pytest

from netcfg.vision.inputs import of_images
from netcfg.vision.model import Model
from netcfg.vision.settings import Settings
from netcfg.vision.stream import Answer, Frame, Unreadable, answers
from tests.vision.nets import CLASSIFY, write_net, write_pictures
from tests.vision.test_model import last
from tests.vision.test_outline import TWO


def all_answers(folder: Path, paths: list[str], batch: int, **options: object) -> list[Answer]:
    net, weights = write_net(folder, CLASSIFY)
    model = Model(net, Settings([weights], **options), last)  # type: ignore[arg-type]
    return list(answers(model, of_images(paths), range(len(paths)), batch, workers=3))


@pytest.mark.parametrize("size", [1, 4, 16])
def test_in_order_and_each_once(tmp_path: Path, size: int) -> None:
    paths = write_pictures(tmp_path / "in", 10)
    found = all_answers(tmp_path, paths, size)
    assert [f.index for a in found for f in a.frames] == list(range(10))
    assert [len(a.frames) for a in found][:1] == [min(size, 10)]
    classes = np.concatenate([a.outputs["prob"].argmax(axis=1) for a in found])
    assert classes.tolist() == [k % 3 for k in range(10)]
    assert found[0].frames[0] == Frame(0, 12, 8, (4, 6))


def test_unreadable_pictures_are_told_and_left_out(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path / "in", 6)
    for k in (1, 4, 5):
        Path(paths[k]).write_bytes(b"x")
    found = all_answers(tmp_path, paths, 2)
    assert [f.index for a in found for f in a.frames] == [0, 2, 3]
    unreadable = [u for a in found for u in a.unreadable]
    assert [u.index for u in unreadable] == [1, 4, 5]
    assert unreadable[0] == Unreadable(1, unreadable[2].reason)
    assert "no picture of a known format" in unreadable[0].reason


def test_only_those_asked_for(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path / "in", 6)
    net, weights = write_net(tmp_path, CLASSIFY)
    model = Model(net, Settings([weights]), last)
    found = list(answers(model, of_images(paths), [5, 1], 2))
    assert [f.index for a in found for f in a.frames] == [5, 1]
    assert list(answers(model, of_images(paths), [], 2)) == []


def test_pictures_of_their_own_sizes(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path / "a", 2, (12, 8)) + write_pictures(tmp_path / "b", 1, (9, 9))
    found = all_answers(tmp_path, paths, 4, size="image")
    assert [[f.seen for f in a.frames] for a in found] == [[(8, 12), (8, 12)], [(9, 9)]]
    assert all_answers(tmp_path, paths, 4)[0].outputs["prob"].shape == (3, 3)


def test_nets_that_are_told_sizes(tmp_path: Path) -> None:
    net = tmp_path / "n.prototxt"
    net.write_text(TWO + 'layer { name: "y" type: "ReLU" bottom: "im_info" top: "y" }')
    model = Model(net, Settings(size=(16, 100)), lambda outline, card: ["y", "data"])
    (found,) = answers(model, of_images(write_pictures(tmp_path / "a", 1)), [0], 1)
    assert found.outputs["y"].tolist() == [[16, 24, 2]]
    assert found.outputs["data"].shape == (1, 3, 16, 24)
