import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from netcfg.data import prefetch
from netcfg.data.mean import write_mean
from netcfg.data.write import write_lmdb
from netcfg.engines.base import Engine
from netcfg.errors import DataError, NetError
from netcfg.io.image import decode_image, encode_image, resize_image
from netcfg.io.preparation import Preparation
from netcfg.layer import Context, Layer, as_arrays, layer_type
from netcfg.layers.data import MOST_WORKERS, FeedLayer, decoders, preparation_of
from netcfg.net import Net
from netcfg.netcfg_pb2 import LayerParameter, TransformationParameter
from netcfg.schema import parse, parse_net
from netcfg.types import Phase
from tests.data.databases import encoded, encoded_datum, images, make_lmdb, records
from tests.layers.cases import Case, check
from tests.shared import SHARED, shared

COUNT = 11
ROUNDED = {"jpg", "list_resize", "list_up", "list_gray", "list_crop", "png_gray"}
"""Cases whose decoder or resizer may round a pixel the other way."""


def golden_keys() -> list[str]:
    path = SHARED / "golden/data/expected.npz"
    if not path.exists():
        return []
    with np.load(path) as file:
        return [key[:-5] for key in file.files if key.endswith("/meta")]


def test_the_goldens_are_there() -> None:
    shared("golden/data/expected.npz")
    assert len(golden_keys()) == 22


@pytest.mark.parametrize("key", golden_keys())
def test_batches_as_caffe_makes_them(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shared("golden/data"))
    with np.load("expected.npz") as file:
        meta = json.loads(str(file[f"{key}/meta"]))
        wanted = {b: file[f"{key}/{b}"] for b in ("data", "label", "extra") if f"{key}/{b}" in file}
    with Net(parse_net(meta["net"]).message, Phase.TEST) as net:
        batches = [net.forward() for _ in range(meta["batches"])]
    for blob, want in wanted.items():
        got = np.stack([batch[blob] for batch in batches])
        assert got.shape == want.shape
        tolerance = 1.01 if key in ROUNDED else 1e-4 * max(1, np.abs(want).max())
        assert np.abs(got - want).max() <= tolerance, blob


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a database, a list of images and an HDF5 file."""
    monkeypatch.chdir(tmp_path)
    make_lmdb(tmp_path / "db", images(COUNT))
    for i, image in enumerate(images(COUNT)):
        (tmp_path / f"{i}.png").write_bytes(encoded(image))
    (tmp_path / "list.txt").write_text("".join(f"{i}.png {i}\n" for i in range(COUNT)))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"], file["label"] = images(COUNT), np.arange(COUNT)
    (tmp_path / "h5.txt").write_text("a.h5\n")
    return tmp_path


def make(
    text: str, ntops: int = 2, phase: Phase = Phase.TRAIN, seed: int = 1, bad: int = 0
) -> FeedLayer:
    config = parse(text, LayerParameter).message
    config.name = "data"
    if not config.top:
        config.top.extend(["data", "label"][:ntops])
    context = Context(Engine(np.float32), phase, seed, skip_bad_data=bad)
    layer = layer_type(config.type)(config, context, ntops)
    assert isinstance(layer, FeedLayer)
    layer.setup()
    return layer


def run(layer: Layer, count: int) -> list[tuple[np.ndarray, ...]]:
    """Run a layer as a net does and close it."""
    shapes = as_arrays(layer.reshape())
    batches = []
    for _ in range(count):
        tops = as_arrays(layer.forward())
        assert tuple(top.shape for top in tops) == shapes
        assert all(top.dtype == np.float32 for top in tops)
        batches.append(tops)
        layer.step += 1
    layer.close()
    return batches


DATA = 'type: "Data" data_param { source: "db" backend: LMDB batch_size: 4 %s} '
IMAGES = 'type: "ImageData" image_data_param { source: "list.txt" batch_size: 4 %s} '
HDF5 = 'type: "HDF5Data" hdf5_data_param { source: "h5.txt" batch_size: 4 %s} '
TEXTS = {"Data": DATA, "ImageData": IMAGES, "HDF5Data": HDF5}
TOPS = 'top: "data" top: "label" '
CASES = [Case(kind, TOPS + text % "", gradient=False) for kind, text in TEXTS.items()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_contract(here: Path, case: Case) -> None:
    check(case)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_batches_and_labels(here: Path, text: str) -> None:
    for k, (data, label) in enumerate(run(make(text % ""), 5)):
        want = [(4 * k + i) % COUNT for i in range(4)]
        assert label.tolist() == want
        assert np.array_equal(data, images(COUNT)[want])


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_label_is_optional(here: Path, text: str) -> None:
    (only,) = run(make(text % "", ntops=1), 1)[0]
    assert only.shape == (4, 3, 6, 5)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_restoring_goes_on_where_it_was(here: Path, text: str) -> None:
    text = text % "shuffle: true "
    if "HDF5" not in text:
        text += "transform_param { crop_size: 3 mirror: true }"
    want = run(make(text), 9)
    layer = make(text)
    layer.forward()
    layer.restore(6, {})
    for got, batch in zip(run(layer, 3), want[6:], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(got, batch, strict=True))


@pytest.mark.parametrize("text", [text % "shuffle: true " for text in TEXTS.values()])
def test_shuffle_depends_on_the_seed_and_loses_nothing(here: Path, text: str) -> None:
    def labels(seed: int) -> list[float]:
        batches = run(make(text, seed=seed), COUNT)
        return np.concatenate([label for _, label in batches]).tolist()

    assert labels(1) == labels(1)
    assert labels(1) != labels(2)
    for epoch in np.array(labels(3)).reshape(4, COUNT):
        assert sorted(epoch) == list(range(COUNT))


@pytest.mark.parametrize("text", [DATA % "rand_skip: 6 ", IMAGES % "rand_skip: 6 "])
def test_rand_skip(here: Path, text: str) -> None:
    firsts = [run(make(text, seed=seed), 1)[0][1][0] for seed in range(20)]
    assert set(firsts) <= set(range(6))
    assert len(set(firsts)) > 3
    assert firsts[1] == run(make(text, seed=1), 1)[0][1][0]


def test_crops_are_random_in_training_only(here: Path) -> None:
    text = DATA % "" + "transform_param { crop_size: 3 }"
    want = images(COUNT)[:4, :, 1:4, 1:4]
    assert np.array_equal(run(make(text, phase=Phase.TEST), 1)[0][0], want)
    assert not np.array_equal(run(make(text), 1)[0][0], want)


def test_mean_file(here: Path) -> None:
    mean = images(1, seed=5)[0].astype(np.float32)
    write_mean(here / "mean", mean)
    data, _ = run(make(DATA % "" + 'transform_param { mean_file: "mean" scale: 2 }'), 1)[0]
    assert np.array_equal(data, (images(COUNT)[:4] - mean) * 2)


def prepared(text: str) -> Preparation | None:
    with Net(parse_net(text).message, Phase.TEST) as net:
        return preparation_of(net.layers)


def layer_of(kind: str, fields: str, transform: str) -> str:
    text = f"layer {{ name: 'd' type: '{kind}' top: 'x' top: 't' {fields} "
    return text + f"transform_param {{ {transform} }} }} "


DB = "data_param { source: 'db' batch_size: 4 backend: LMDB }"


def test_what_holds_of_images_whenever_the_net_is_asked(here: Path) -> None:
    found = prepared(layer_of("Data", DB, "mirror: true scale: 0.5 crop_size: 4 mean_value: [1]"))
    assert found is not None
    transform = found.transform
    assert (transform.scale, transform.crop_size, list(transform.mean_value)) == (0.5, 4, [1])
    assert not transform.HasField("mirror")
    assert [(size.height, size.width) for size in transform.resize_param] == [(6, 5)]
    assert (found.mean, found.channels) == (None, "")  # raw records do not say their order
    whole = prepared(layer_of("Data", DB, ""))
    assert whole == Preparation(TransformationParameter())


def test_images_of_several_sizes_have_none_in_common(here: Path) -> None:
    (here / "1.png").write_bytes(encoded(images(1, (3, 7, 7))[0]))
    source = "image_data_param { source: 'list.txt' batch_size: 2 }"
    found = prepared(layer_of("ImageData", source, "crop_size: 3"))
    assert found is not None
    assert list(found.transform.resize_param) == []


def test_a_mean_image_is_remembered(here: Path) -> None:
    mean = images(1, seed=5)[0].astype(np.float32)
    write_mean(here / "mean", mean)
    found = prepared(layer_of("Data", DB, "mean_file: 'mean'"))
    assert found is not None
    np.testing.assert_array_equal(found.mean, mean)


def test_files_have_blue_first(here: Path) -> None:
    source = "image_data_param { source: 'list.txt' batch_size: 2 new_height: 9 new_width: 8 }"
    found = prepared(layer_of("ImageData", source, "crop_size: 3"))
    assert found is not None
    assert [(size.height, size.width) for size in found.transform.resize_param] == [(9, 8)]
    assert found.channels == "BGR"


def test_layers_that_read_nothing_say_what_they_are_told(here: Path) -> None:
    shape = "dummy_data_param { shape { dim: 2 } shape { dim: 2 } }"
    found = prepared(layer_of("DummyData", shape, "scale: 0.5 mirror: true"))
    assert found == Preparation(TransformationParameter(scale=0.5))
    dummy = "dummy_data_param { shape { dim: 2 } }"
    assert prepared(f"layer {{ name: 'a' type: 'DummyData' top: 'a' {dummy} }}") is None


@pytest.mark.parametrize("field", ["new_height: 7 new_width: 9", "is_color: false"])
def test_image_options(here: Path, field: str) -> None:
    shape = run(make(IMAGES % field), 1)[0][0].shape
    assert shape == ((4, 3, 7, 9) if "new" in field else (4, 1, 6, 5))


def test_root_folder_is_found_here_or_beside_the_prototxt(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "im").mkdir()
    for i in range(COUNT):
        (here / f"{i}.png").rename(here / f"im/{i}.png")
    body = IMAGES % 'root_folder: "im/" '
    layer = f'layer {{ name: "d" top: "data" {body} }}'
    (here / "net.prototxt").write_text(layer)
    (here / "elsewhere").mkdir()
    for folder, path in (("", "net.prototxt"), ("elsewhere", "../net.prototxt")):
        monkeypatch.chdir(here / folder)
        with Net(path) as net:
            assert np.array_equal(net.forward()["data"], images(COUNT)[:4])


def test_force_gray_and_color(here: Path) -> None:
    values = [(b"%d" % i, encoded_datum(x, i)) for i, x in enumerate(images(4))]
    write_lmdb(here / "encoded", values)
    text = DATA.replace("db", "encoded")
    gray = make(text % "" + "transform_param { force_gray: true }")
    assert run(gray, 1)[0][0].shape == (4, 1, 6, 5)
    gray_files = [(b"%d" % i, encoded_datum(x[:1], i)) for i, x in enumerate(images(4))]
    write_lmdb(here / "encoded", gray_files)
    assert run(make(text % ""), 1)[0][0].shape == (4, 1, 6, 5)
    assert run(make(text % "force_encoded_color: true "), 1)[0][0].shape == (4, 3, 6, 5)
    color = make(text % "" + "transform_param { force_color: true }")
    assert run(color, 1)[0][0].shape == (4, 3, 6, 5)


REFUSED = [
    ('type: "Data" data_param { source: "db" backend: LMDB }', "batch_size must be at least 1"),
    ('type: "Data" data_param { batch_size: 1 }', "source must name the data"),
    ('type: "Data" data_param { source: "db" batch_size: 1 }', "set backend: LMDB"),
    ('type: "Data" data_param { source: "dbb" batch_size: 1 }', "'dbb' not found.*mean 'db'"),
    (DATA % "" + 'transform_param { mean_file: "mean" }', "file 'mean' not found"),
    (DATA % "" + "transform_param { force_gray: true force_color: true }", "exclude each other"),
    (IMAGES % "new_height: 3 ", "must be set together; given 3 and 0"),
    (HDF5 % "" + "transform_param { scale: 2 }", "transform_param does not apply to HDF5"),
    (HDF5.replace("h5.txt", "a.h5") % "", "text file that names HDF5 files"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_refused(here: Path, text: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        make(text)


def test_crop_larger_than_the_image(here: Path) -> None:
    layer = make(DATA % "" + "transform_param { crop_size: 6 }")
    with pytest.raises(DataError, match="record '00000000': crop_size 6 exceeds the image, 6 x 5"):
        layer.reshape()
    layer.close()


def test_a_missing_database_names_the_script_that_builds_it(here: Path) -> None:
    (here / "data_scripts").mkdir()
    (here / "data_scripts/get_mnist.py").write_text("")
    text = 'type: "Data" data_param { source: "data/mnist/train" batch_size: 1 }'
    with pytest.raises(DataError, match=r"; `python data_scripts/get_mnist\.py` builds it"):
        make(text)


def damage(here: Path, *indices: int) -> None:
    values = records(images(COUNT))
    write_lmdb(
        here / "db", [(k, b"\xff" if i in indices else v) for i, (k, v) in enumerate(values)]
    )
    for i in indices:
        (here / f"{i}.png").write_bytes(b"\xff")


WHERE = {"Data": "db: record '0000000%d'", "ImageData": "list.txt:%d"}


@pytest.mark.parametrize("kind", WHERE)
def test_a_damaged_record_stops_the_net(here: Path, kind: str) -> None:
    damage(here, 5)
    name = WHERE[kind] % (5 if kind == "Data" else 6)
    body = f'layer {{ name: "d" top: "data" top: "label" {TEXTS[kind] % ""} }}'
    with Net(parse_net(body, "net.prototxt").message) as net:
        net.forward()
        with pytest.raises(DataError) as caught:
            net.forward()
    assert str(caught.value).startswith(f"net.prototxt:1:1: layer 'd' ({kind}): {name}: ")


@pytest.mark.parametrize("kind", WHERE)
def test_damaged_records_are_passed_over_and_listed(here: Path, kind: str) -> None:
    damage(here, 5, 9)
    layer = make(TEXTS[kind] % "", bad=2)
    labels = np.concatenate([label for _, label in run(layer, 2 * COUNT)])
    assert set(labels) == set(range(COUNT)) - {5, 9}
    first = 0 if kind == "Data" else 1
    assert [where for where, _ in layer.bad_records] == [WHERE[kind] % (i + first) for i in (5, 9)]


def test_one_damaged_record_too_many(here: Path) -> None:
    damage(here, 1, 5, 9)
    layer = make(DATA % "", bad=2)
    layer.forward()
    layer.step = 1
    layer.forward()
    layer.step = 2
    with pytest.raises(DataError, match=r"record '00000009'.*more than the 2 records"):
        layer.forward()
    assert len(layer.bad_records) == 2
    layer.close()


def test_closing(here: Path) -> None:
    layer = make(DATA % "")
    layer.forward()
    layer.close()
    layer.close()
    with pytest.raises(DataError, match="the data layer is closed"):
        layer.forward()


def test_two_nets_share_a_database(here: Path) -> None:
    config = parse_net(f'layer {{ name: "d" top: "data" {DATA % ""} }}').message
    with Net(config, Phase.TRAIN) as train:
        with Net(config, Phase.TEST) as test:
            assert np.array_equal(train.forward()["data"], test.forward()["data"])
        assert train.forward()["data"].shape == (4, 3, 6, 5)


def test_leaving_without_closing(here: Path) -> None:
    bodies = [text % "" for text in TEXTS.values()]
    layers = [f'layer {{ name: "{i}" top: "data" {b} }}' for i, b in enumerate(bodies)]
    for i, layer in enumerate(layers):
        (here / f"{i}.prototxt").write_text(layer)
    code = (
        "from netcfg.net import Net\n"
        "nets = [Net(f'{i}.prototxt') for i in range(3)]\n"
        "for net in nets: net.forward()"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=env,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.fixture
def workers() -> Iterator[Callable[[int], None]]:
    """Sets the number of workers, until the end of the test."""
    yield prefetch.set_workers
    prefetch.set_workers(None)


def threads() -> int:
    return sum(thread.name.startswith("prefetch") for thread in threading.enumerate())


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_batches_do_not_depend_on_the_number_of_workers(
    here: Path, text: str, workers: Callable[[int], None]
) -> None:
    text = text % "" + ("" if text is HDF5 else "transform_param { crop_size: 3 mirror: true }")
    want = run(make(text), 7)
    for count in (0, 1, 4):
        workers(count)
        layer = make(text)
        layer.forward()
        assert threads() == count
        for got, batch in zip(run(layer, 7), want, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(got, batch, strict=True))
        assert threads() == 0


@pytest.mark.parametrize(
    ("depth", "heavy", "wanted", "count"),
    [
        (4, True, 0, 4),
        (2, True, 0, 2),
        (99, True, 0, 7),
        (2, True, 3, 3),
        (4, True, 99, MOST_WORKERS),
        (4, False, 0, 1),
        (4, False, 3, 1),
    ],
)
def test_the_number_of_workers(
    depth: int,
    heavy: bool,
    wanted: int,
    count: int,
    monkeypatch: pytest.MonkeyPatch,
    workers: Callable[[int], None],
) -> None:
    monkeypatch.setattr("netcfg.layers.data.cores", lambda: 8)
    assert decoders(depth, heavy, wanted) == count
    workers(5)
    assert decoders(depth, heavy, wanted) == 5
    monkeypatch.setattr("netcfg.layers.data.cores", lambda: 1)
    prefetch.set_workers(None)
    assert decoders(4) == 1


def test_parser_threads_of_the_prototxt(here: Path) -> None:
    write_lmdb(here / "db", [(b"0", encoded_datum(images(1)[0], 0))])
    layer = make(DATA % "parser_threads: 3 ")
    layer.forward()
    assert threads() == 3
    layer.close()
    assert threads() == 0


@pytest.mark.parametrize("count", [0, 1, 4])
@pytest.mark.parametrize("kind", WHERE)
def test_an_error_leaves_no_thread(
    here: Path, kind: str, count: int, workers: Callable[[int], None]
) -> None:
    damage(here, 5)
    workers(count)
    with Net(parse_net(f'layer {{ name: "d" top: "x" {TEXTS[kind] % ""} }}').message) as net:
        net.forward()
        for _ in range(2):
            with pytest.raises(DataError, match=WHERE[kind] % (5 if kind == "Data" else 6)):
                net.forward()
    assert threads() == 0


def test_an_interrupt_leaves_no_thread(here: Path, workers: Callable[[int], None]) -> None:
    def interrupted() -> None:
        with Net(parse_net(f'layer {{ name: "d" top: "x" {IMAGES % ""} }}').message) as net:
            net.forward()
            signal.raise_signal(signal.SIGINT)

    workers(4)
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert threads() == 0


def test_a_blob_is_safe_while_somebody_looks_at_it(
    here: Path, workers: Callable[[int], None]
) -> None:
    workers(2)
    layer = make(DATA % "")
    kept = [layer.forward()[0]]
    for k in range(1, 12):
        layer.step = k
        kept.append(layer.forward()[0])
    layer.close()
    for k, batch in enumerate(kept):
        assert np.array_equal(batch, images(COUNT)[[(4 * k + i) % COUNT for i in range(4)]])


def test_drafts_are_asked_for(here: Path) -> None:
    image = images(1, (3, 64, 48))[0]
    (here / "list.txt").write_text("a.jpg 1\n")
    (here / "a.jpg").write_bytes(encode_image(image, "jpg"))
    sizes = "new_height: 16 new_width: 12 "
    full, _ = run(make(IMAGES % sizes), 1)[0]
    draft, _ = run(make(IMAGES % (sizes + "draft: true ")), 1)[0]
    assert np.array_equal(
        full[0], resize_image(decode_image((here / "a.jpg").read_bytes()), 16, 12)
    )
    assert np.array_equal(draft[0], decode_image((here / "a.jpg").read_bytes(), True, (16, 12)))
    assert not np.array_equal(full, draft)
    with pytest.raises(NetError, match="draft needs new_height and new_width"):
        make(IMAGES % "draft: true ")
