from pathlib import Path

import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.testing import make_layer
from netcfg.types import Phase
from tests.data.databases import encoded
from tests.layers.cases import Case, check

FRAMES = np.random.default_rng(0).integers(0, 256, (2, 6, 3, 4, 5)).astype(np.uint8)
TEXT = (
    'type: "VideoData" top: "data" top: "label" video_data_param {{ source: "list.txt" '
    'batch_size: 2 modality: RGB name_pattern: "img_%d.png" {} }} {}'
)
CASES = [Case("clips", TEXT.format("num_segments: 2 new_length: 2", ""), gradient=False)]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for film in range(2):
        Path(f"film{film}").mkdir()
        for i, frame in enumerate(FRAMES[film]):
            Path(f"film{film}/img_{i + 1}.png").write_bytes(encoded(frame))
            for axis, plane in zip("xy", frame, strict=False):
                Path(f"film{film}/{axis}{i + 1}.png").write_bytes(encoded(plane[None]))
    Path("list.txt").write_text("film0 6 4\nfilm1 6 7\n")


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def batch(text, phase=Phase.TEST, seed=0):
    layer = make_layer(text, [], phase=phase, seed=seed)
    shapes = layer.reshape()
    arrays = layer.forward()
    assert tuple(a.shape for a in arrays) == shapes
    layer.close()
    return arrays


def test_clips_and_labels():
    data, label = batch(CASES[0].text)
    np.testing.assert_array_equal(data, FRAMES[:, [1, 2, 4, 5]].reshape(2, 12, 4, 5))
    assert label.tolist() == [4, 7]


def test_random_while_training():
    found = {batch(CASES[0].text, Phase.TRAIN, seed)[0].tobytes() for seed in range(6)}
    assert 1 < len(found) <= 16
    assert found == {batch(CASES[0].text, Phase.TRAIN, seed)[0].tobytes() for seed in range(6)}


def test_flow_and_means_of_a_frame():
    text = TEXT.replace("RGB", "FLOW").replace("img_%d", "%c%d")
    means = "transform_param { mean_value: 1 mean_value: 2 scale: 0.5 }"
    data, _ = batch(text.format("new_length: 2", means))
    want = (FRAMES[:, 2:4, :2].astype(float) - np.array([1, 2]).reshape(2, 1, 1)) / 2
    np.testing.assert_allclose(data, want.reshape(2, 4, 4, 5))


def test_parts_of_several_sizes():
    part = "transform_param { crop_size: 3 multi_scale: true fix_crop: true more_fix_crop: true"
    text = TEXT.format("", part + " scale_ratios: 1 scale_ratios: 0.5 max_distort: 1 }")
    found = [batch(text, Phase.TRAIN, seed)[0] for seed in range(8)]
    assert {data.shape for data in found} == {(2, 3, 3, 3)}
    assert len({data.tobytes() for data in found}) > 3
    middle = batch(text)[0]  # at TEST a crop from the middle as it is
    np.testing.assert_array_equal(middle, FRAMES[:, 3, :, 0:3, 1:4])


def test_every_other_field():
    Path("elsewhere").mkdir()
    for folder in ("film0", "film1"):
        Path(folder).rename(Path("elsewhere", folder))
    fields = 'grayscale: true new_height: 2 new_width: 3 root_folder: "elsewhere/" shuffle: true '
    data, label = batch(TEXT.format(fields + "rand_skip: 2", "transform_param { mean_value: 3 }"))
    assert data.shape == (2, 1, 2, 3)
    assert set(label.tolist()) <= {4, 7}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("encoded: true", "encoded needs a decoder of films, which netcfg has not"),
        ('video_file: "a.mp4"', "video_file needs a decoder of films"),
        ("video_type: WEBCAM device_id: 1", "video_type needs a decoder of films"),
        ("use_image: false", "use_image: false needs a decoder of films"),
        ("use_image: true new_length: 0", "new_length must be at least 1; given 0"),
        ("use_image: true new_width: 3", "new_height and new_width must be set together"),
        ("num_segments: 0", "num_segments must be at least 1; given 0"),
        ("new_length: 0", "new_length must be at least 1; given 0"),
        ("new_width: 3", "new_height and new_width must be set together"),
    ],
)
def test_what_is_refused(fields, message):
    with pytest.raises(NetError, match=message):
        make_layer(TEXT.format(fields, ""), [])


VOLUMES = (
    'type: "VideoData" top: "data" top: "label" {} {{ source: "volumes.txt" batch_size: 2 '
    "new_length: 3 use_image: true {} }} {}"
)


@pytest.fixture
def volumes():
    """Frames as C3D names them, and a list of clips; return the frames as they are read."""
    for film in range(2):
        for i, frame in enumerate(FRAMES[film]):
            Path(f"film{film}/{i + 1:06d}.jpg").write_bytes(encoded(frame))
    Path("volumes.txt").write_text("film0 2 4\nfilm1 4 7\n")
    return np.stack([FRAMES[0, 1:4], FRAMES[1, 3:6]]).swapaxes(1, 2)  # (2, 3, 3, 4, 5)


@pytest.mark.parametrize("block", ["video_data_param", "image_data_param"])
def test_clips_of_c3d_have_an_axis_of_time(volumes, block):
    data, label = batch(VOLUMES.format(block, "", ""))
    np.testing.assert_array_equal(data, volumes)
    assert label.tolist() == [4, 7]
    new = "transform_param { crop_size: 3 mean_value: 1 mean_value: 2 mean_value: 3 }"
    means = np.array([1, 2, 3]).reshape(3, 1, 1, 1)
    data, _ = batch(VOLUMES.format(block, "", new))
    np.testing.assert_array_equal(data, volumes[..., :3, 1:4] - means)


def c3d_mean(values):
    """Return a mean of clips in C3D's BlobProto: num, channels, length, height, width, data."""
    data = values.astype("<f4").tobytes()
    head = b"".join(bytes([8 * i, n]) for i, n in enumerate((1, *values.shape), 1))
    return head + bytes([6 << 3 | 2, len(data) & 127 | 128, len(data) >> 7]) + data


def test_the_mean_of_clips(volumes):
    mean = np.random.default_rng(3).normal(100, 9, (3, 3, 4, 5)).astype(np.float32)
    Path("mean").write_bytes(c3d_mean(mean))
    transform = 'transform_param { mean_file: "mean" crop_size: 3 }'
    text = VOLUMES.format("image_data_param", "", transform)
    np.testing.assert_allclose(batch(text)[0], (volumes - mean)[..., :3, 1:4], rtol=1e-6)
    with pytest.raises(NetError, match="mean_file is of 3 frames, a clip has 2"):
        make_layer(text.replace("new_length: 3", "new_length: 2"), [])


def test_the_fields_decide_whose_layer_it_is(volumes):
    assert make_layer(CASES[0].text, []).dialect.startswith("TSN's")
    assert make_layer(VOLUMES.format("video_data_param", "", ""), []).dialect.startswith("C3D's")


def test_two_means_are_refused():
    means = 'transform_param { mean_file: "m" mean_value: 1 mean_value: 2 mean_value: 3 }'
    with pytest.raises(NetError, match="mean_file and mean_value exclude each other"):
        make_layer(TEXT.format("", means), [])
