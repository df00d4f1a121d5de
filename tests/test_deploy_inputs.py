"""What layers give to nets, with their data and without."""

from pathlib import Path

import numpy as np
import pytest

from netcfg.data.mean import write_mean
from netcfg.deploy_inputs import Given, declared, given_by
from netcfg.netcfg_pb2 import LayerParameter
from netcfg.schema import parse
from tests.data.databases import images, make_lmdb

DATA = 'type: "Data" data_param { source: "db" batch_size: 2 backend: LMDB } '


def layer(fields: str) -> LayerParameter:
    config = parse(f'name: "d" top: "x" top: "y" {fields}', LayerParameter).message
    assert isinstance(config, LayerParameter)
    return config


def sizes(given: Given) -> list[tuple[int, int]]:
    assert given.preparation is not None
    return [(r.height, r.width) for r in given.preparation.transform.resize_param]


def test_the_data_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_lmdb(tmp_path / "db", images(3))
    write_mean(tmp_path / "mean", np.ones((3, 6, 5), np.float32))
    given = given_by(layer(DATA + 'transform_param { crop_size: 4 mean_file: "mean" }'))
    assert given.shapes == {"x": (2, 3, 4, 4), "y": (2,)}
    assert sizes(given) == [(6, 5)]
    assert given.preparation is not None
    assert given.preparation.mean is not None
    assert given.preparation.mean.shape == (3, 6, 5)


def test_the_fields_say_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = given_by(layer(DATA + "transform_param { crop_size: 4 mirror: true }"))
    assert given.shapes == {"x": (1, 3, 4, 4)}
    assert given.note.startswith("the data of layer 'd' is not there: its images are taken to ha")
    assert sizes(given) == []
    assert given.preparation is not None
    assert not given.preparation.transform.HasField("mirror")
    assert given_by(layer(DATA)) == Given()


def test_images_that_become_of_one_size() -> None:
    kind = 'type: "AnnotatedData" transform_param { mean_value: [1, 2, 3] resize_param { %s } }'
    given = declared(layer(kind % "height: 30 width: 40"))
    assert (given.shapes, given.note) == ({"x": (1, 3, 30, 40)}, "")
    assert sizes(given) == [(30, 40)]
    assert declared(layer(kind % "height: 3 width: 4 resize_mode: FIT_SMALL_SIZE")).shapes == {}
    listed = 'type: "ImageData" transform_param { crop_size: 3 } image_data_param { source: "l" '
    given = declared(layer(listed + "new_height: 8 new_width: 9 is_color: false }"))
    assert given.shapes == {"x": (1, 1, 3, 3)}
    assert sizes(given) == [(8, 9)]


def test_images_of_regions() -> None:
    python = 'type: "Python" python_param { module: "roi_data_layer.layer" layer: "RoIDataLayer" '
    given = given_by(
        layer('top: "z" ' + python + "param_str: \"{'num_classes': 3, 'max_size': 800}\" }")
    )
    assert given.shapes == {"x": (1, 3, 600, 800), "y": (1, 3)}
    assert given.preparation is not None
    assert len(given.preparation.transform.mean_value) == 3
