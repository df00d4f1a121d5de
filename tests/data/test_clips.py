from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netcfg.data.clips import ClipList, FrameList
from netcfg.data.draws import Draws
from netcfg.errors import DataError, NetError

FRAMES = np.random.default_rng(0).integers(0, 256, (2, 7, 3, 4, 5)).astype(np.uint8)
"""Two films of seven frames."""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for film in range(2):
        Path(f"film {film}").mkdir()
        for i, frame in enumerate(FRAMES[film]):
            picture = Image.fromarray(np.ascontiguousarray(frame[::-1].transpose(1, 2, 0)))
            picture.save(f"film {film}/img_{i + 1:03}.png")
            for axis, plane in zip("xy", frame, strict=False):
                Image.fromarray(plane).save(f"film {film}/flow_{axis}_{i + 1:03}.png")
    Path("list.txt").write_text("film 0 7 4\n\nfilm 1 7 -2\n")


def clips(**fields) -> ClipList:
    return ClipList(Path("list.txt"), fields.pop("pattern", "img_%03d.png"), **fields)


def test_clips_from_the_middle_of_each_part():
    source = clips(segments=2, length=2)
    assert [film for film, _ in source.read(1, 3)] == [1, 0, 1]
    image, label = source.decode((1, 1))
    # Parts of three frames, 0 … 2 and 3 … 5: two places in each, the second is the middle.
    np.testing.assert_array_equal(image, FRAMES[1, [1, 2, 4, 5]].reshape(12, 4, 5))
    assert label == -2
    assert source.where((1, 1)) == "list.txt:3"
    assert len(source) == 2
    source.close()


def test_random_clips_depend_on_the_position_alone():
    source = clips(segments=2, length=1, draws=Draws(1, "data"))
    starts = [tuple(source.starts(7, p)) for p in range(40)]
    assert starts == [tuple(source.starts(7, p)) for p in range(40)]
    assert {first for first, _ in starts} == {0, 1, 2}
    assert {second for _, second in starts} == {3, 4, 5}
    assert len(set(starts)) == 9


def test_films_shorter_than_their_clips_begin_at_their_beginning():
    assert clips(segments=3, length=3).starts(7, 0) == [0, 0, 0]
    image, _ = clips(segments=3, length=3).decode((0, 0))
    np.testing.assert_array_equal(image, np.tile(FRAMES[0, :3].reshape(9, 4, 5), (3, 1, 1)))


def test_optical_flow():
    image, _ = clips(pattern="flow_%c_%03d.png", flow=True, length=2).decode((0, 0))
    np.testing.assert_array_equal(image, FRAMES[0, 3:5, :2].reshape(4, 4, 5))


def test_gray_and_resized():
    assert clips(color=False, size=(2, 3), length=2).decode((0, 0))[0].shape == (2, 2, 3)


def test_shuffled_anew_in_every_epoch():
    source = clips(shuffle=Draws(3, "data"))
    epochs = [tuple(film for film, _ in source.read(2 * e, 2)) for e in range(8)]
    assert set(epochs) == {(0, 1), (1, 0)}


@pytest.mark.parametrize("pattern", ["", "img.png", "img_%d_%d.png", "img_%q.png"])
def test_patterns_that_are_refused(pattern):
    with pytest.raises(NetError, match=r"name_pattern must name frames, such as 'img_%05d.jpg'"):
        clips(pattern=pattern)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n", "list 'list.txt' is empty"),
        ("film0 7 4\nfilm1 2\n", r"list.txt:2: .* the number of its frames .* given 'film1 2'"),
    ],
)
def test_lists_that_are_refused(text, message):
    Path("list.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        clips()


def test_files_that_are_missing():
    Path("list.txt").write_text("film 0 9 4\n")
    with pytest.raises(DataError, match=r"cannot read image 'film 0/img_008.png'"):
        clips(length=9).decode((0, 0))
    Path("list.txt").unlink()
    with pytest.raises(DataError, match=r"cannot read list 'list.txt'"):
        clips()


def test_frames_of_several_sizes():
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save("film 0/img_004.png")
    with pytest.raises(DataError, match="the frames of a film must have one size"):
        clips(length=7).decode((0, 0))


def test_clips_from_a_frame_on():
    Path("frames.txt").write_text("film 0 3 4\nfilm 1 7 1\n")
    source = FrameList(Path("frames.txt"), "img_%03d.png", length=2)
    image, label = source.decode(source.read(0, 1)[0])
    np.testing.assert_array_equal(image, FRAMES[0, 2:4].reshape(6, 4, 5))
    assert label == 4
    with pytest.raises(DataError, match="img_008"):
        source.decode(source.read(1, 1)[0])
    Path("frames.txt").write_text("film 0\n")
    with pytest.raises(DataError, match=r"frames.txt:1: a line must be .* number of its first"):
        FrameList(Path("frames.txt"), "img_%03d.png")
