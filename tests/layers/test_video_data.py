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
        ("num_segments: 0", "num_segments must be at least 1; given 0"),
        ("new_length: 0", "new_length must be at least 1; given 0"),
        ("new_width: 3", "new_height and new_width must be set together"),
    ],
)
def test_what_is_refused(fields, message):
    with pytest.raises(NetError, match=message):
        make_layer(TEXT.format(fields, ""), [])


def test_two_means_are_refused():
    means = 'transform_param { mean_file: "m" mean_value: 1 mean_value: 2 mean_value: 3 }'
    with pytest.raises(NetError, match="mean_file and mean_value exclude each other"):
        make_layer(TEXT.format("", means), [])
