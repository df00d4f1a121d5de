"""What all tasks share."""

from pathlib import Path

import pytest
from PIL import Image

from netcfg.errors import DataError
from netcfg.vision import task as module
from netcfg.vision.classifier import Classifier
from netcfg.vision.inputs import of_images
from netcfg.vision.settings import Settings
from netcfg.vision.stream import Unreadable
from tests.vision.nets import CLASSIFY, write_net, write_pictures
from tests.vision.test_batch_size import FIXED


def test_predict_takes_paths_images_and_arrays(tmp_path: Path) -> None:
    net, weights = write_net(tmp_path, CLASSIFY)
    paths = write_pictures(tmp_path / "in", 2)
    red = Image.new("RGB", (7, 5), (255, 0, 0))
    with Image.open(paths[1]) as green:
        found = Classifier(net, Settings([weights]), batch=2).predict([*paths, red, green])
    assert [c.top[0].label for c in found] == [0, 1, 2, 1]


def test_predict_says_what_cannot_be_read(tmp_path: Path) -> None:
    net, weights = write_net(tmp_path, CLASSIFY)
    with pytest.raises(DataError, match=r"picture .*none\.png: cannot be read"):
        Classifier(net, Settings([weights])).predict([tmp_path / "none.png"])


def test_stream_tells_results_and_what_is_left_out(tmp_path: Path) -> None:
    net, weights = write_net(tmp_path, CLASSIFY)
    paths = [*write_pictures(tmp_path / "in", 2), str(tmp_path / "none.png")]
    task = Classifier(net, Settings([weights]), batch=4, workers=1)
    (batch,) = task.stream(of_images(paths), range(3), 4)
    assert [one.index if isinstance(one, Unreadable) else one[0].index for one in batch] == [
        0,
        1,
        2,
    ]
    assert isinstance(batch[2], Unreadable)
    assert list(task.stream(of_images(paths), [], 4)) == []
    assert task.predict([]) == []


def test_sizes_of_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def found(model: object, pictures: int, views: int) -> int:
        asked.append((pictures, views))
        return 5

    monkeypatch.setattr(module, "batch_size", found)
    net, weights = write_net(tmp_path, CLASSIFY)
    ten = Settings([weights], resize=(8, 8), oversample=True)
    assert Classifier(net, ten).size(30) == 5
    assert asked == [(30, 10)]
    assert Classifier(net, Settings([weights]), batch=7).size(30) == 7
    net, weights = write_net(tmp_path, FIXED)
    assert Classifier(net, Settings([weights]), batch=7).size(30) == 1
