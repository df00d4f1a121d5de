"""RoIData in a net: in place of py-faster-rcnn's layer, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest

from netcfg.data.annotated import encode_annotated
from netcfg.data.write import write_lmdb
from netcfg.errors import DataError, NetError
from netcfg.layers.roi_data import RoIData
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.types import Phase
from tests.data.annotated import datum, make_annotated, objects
from tests.data.databases import images
from tests.layers.cases import Case, check

TOPS = 'top: "data" top: "im_info" top: "gt_boxes" '
FIELDS = "source: 'db' num_classes: 4 scales: 40"
CASES = [
    Case("regions", f'type: "RoIData" {TOPS} roi_data_param {{ {FIELDS} }}', gradient=False),
]


@pytest.fixture(autouse=True)
def _database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_annotated(Path("db"), 8, (3, 20, 24))
    Path("other").mkdir()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_reference(case: Case) -> None:
    check(case)


def python(fields: str, layers: str = "", tops: str = TOPS) -> str:
    """Return a net that names py-faster-rcnn's layer."""
    return f"""layer {{ name: "in" type: "Python" {tops} python_param {{
      module: "roi_data_layer.layer" layer: "RoIDataLayer" param_str: "{fields}" }} }} {layers}"""


def net_of(text: str, phase: Phase = Phase.TRAIN) -> Net:
    return Net(parse_net(text).message, phase)


def test_in_place_of_python() -> None:
    fields = "'num_classes': 4, 'source': db, 'scales': [40], 'pixel_means': [0]"
    param = "pooling_param { kernel_size: 2 stride: 2 }"
    pool = f'layer {{ name: "p" type: "Pooling" bottom: "data" top: "p" {param} }}'
    with net_of(python(fields, pool), Phase.TEST) as net:
        assert isinstance(net.layers[0], RoIData)
        assert "'roi_data_layer.layer' cannot be imported" in net.layers[0].dialect
        counts = []
        for _ in range(3):
            net.forward()
            assert net.blobs["p"].shape == (1, 3, 20, 24)
            np.testing.assert_array_equal(net.blobs["im_info"], [[40, 48, 2]])
            counts.append(len(net.blobs["gt_boxes"]))
        assert counts == [3, 1, 1]


def test_sizes_change_from_image_to_image() -> None:
    sizes = [(20, 24), (30, 20), (16, 16)]
    records = [
        (b"%d" % i, encode_annotated(datum(images(1, (3, *size))[0]), objects(0)))
        for i, size in enumerate(sizes)
    ]
    write_lmdb(Path("mixed"), records)
    conv = """layer { name: "c" type: "Convolution" bottom: "data" top: "c"
      convolution_param { num_output: 2 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }"""
    fields = "'num_classes': 4, 'source': mixed, 'scales': [32]"
    with net_of(python(fields, conv), Phase.TEST) as net:
        for want in ((32, 38), (48, 32), (32, 32)):
            net.forward()
            assert net.blobs["c"].shape == (1, 2, *want)
            np.testing.assert_array_equal(net.blobs["im_info"][0, :2], want)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ("'num_classes': 21", NetError, "give param_str a source"),
        ("'num_classes': 1, 'source': db", NetError, "num_classes must be at least 2; given 1"),
        ("'source': db, 'max_size': 0", NetError, "max_size must be at least 1; given 0"),
        (
            "'source': db, 'scales': [0]",
            NetError,
            r"scales must be pixels, at least 1; given \[0\]",
        ),
        ("'source': db, 'scale': [9]", NetError, "unknown field 'scale'.*'scales'"),
        ("'source': nowhere", DataError, "nowhere"),
        ("'source': other", DataError, "other"),
        ("'source': db, 'num_classes': 2", DataError, r"must lie in \[1, 2\)"),
    ],
)
def test_what_is_refused(fields: str, error: type[NetError], message: str) -> None:
    with pytest.raises(error, match=message):
        net_of(python(fields))


def test_two_tops_are_too_few() -> None:
    with pytest.raises(NetError, match="3 tops"):
        net_of(python("'source': db", tops='top: "data" top: "im_info"'))
