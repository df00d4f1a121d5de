"""How pictures are prepared: options, else the card, else the data layer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcfg.data.mean import write_mean
from netcfg.errors import NetError
from netcfg.io.preparation import Preparation
from netcfg.netcfg_pb2 import ResizeParameter, TransformationParameter
from netcfg.schema import parse_net
from netcfg.vision.outline import Outline
from netcfg.vision.preprocess import Preprocess
from netcfg.vision.settings import Settings, preprocess, read_mean_file
from netcfg.zoo.card import Card, Input, Output
from tests.vision.nets import CLASSIFY
from tests.vision.test_outline import TWO

CARD = Card(
    name="m",
    title="M",
    task="classification",
    paper="",
    licence="",
    parameters=0,
    multiply_adds=0,
    input=Input((5, 7), "RGB", (8, 9), keep_aspect=True, mean=(1, 2, 3), scale=0.5),
    output=Output("prob"),
)


def plan(card: Card | None = None, text: str = CLASSIFY, **given: Any) -> Preprocess:
    return preprocess(Settings(**given), Outline(parse_net(text).message), card)


def test_what_the_net_says() -> None:
    found = plan()
    assert (found.size, found.resize, found.channels, found.scale) == ((4, 6), None, "BGR", 1)
    assert found.mean.size == 0
    assert plan(text=CLASSIFY.replace("dim: 3 dim: 4", "dim: 1 dim: 4")).channels == "GREY"


def test_what_a_card_says() -> None:
    found = plan(CARD)
    assert (found.size, found.resize, found.channels) == ((5, 7), (8, 9), "RGB")
    assert (found.scale, found.keep_aspect, found.mean.ravel().tolist()) == (0.5, True, [1, 2, 3])


def test_options_come_first() -> None:
    found = plan(
        CARD,
        size=(3, 3),
        resize=(6, 6),
        channels="BGR",
        keep_aspect=False,
        mean=[9],
        scale=2.0,
    )
    assert (found.size, found.resize, found.channels) == ((3, 3), (6, 6), "BGR")
    assert (found.scale, found.keep_aspect, found.mean.ravel().tolist()) == (2, False, [9])
    free = plan(CARD, size="image")
    assert (free.size, free.resize, free.keep_aspect, free.fit) == (None, None, False, None)


def test_what_a_data_layer_says(tmp_path: Path) -> None:
    write_mean(tmp_path / "mean", np.ones((3, 8, 8), np.float32))
    outline = Outline(parse_net(CLASSIFY, str(tmp_path / "net.prototxt")).message)
    transform = TransformationParameter(scale=0.25, mean_value=[4])
    outline.preparation = Preparation(transform)
    found = preprocess(Settings(), outline, None)
    assert (found.scale, found.mean.ravel().tolist()) == (0.25, [4])
    del transform.mean_value[:]
    transform.mean_file = "mean"
    found = preprocess(Settings(), outline, None)
    assert (found.mean.shape, found.resize) == ((3, 8, 8), (8, 8))


def learned(**fields: Any) -> Preparation:
    return Preparation(TransformationParameter(**fields))


def test_what_the_weights_say_comes_before_the_card() -> None:
    outline = Outline(parse_net(CLASSIFY).message)
    resize = ResizeParameter(height=9, width=8)
    found = preprocess(Settings(), outline, CARD, learned(scale=3, resize_param=[resize]))
    assert (found.size, found.channels) == ((5, 7), "RGB")  # of which weights say nothing
    assert (found.resize, found.keep_aspect, found.scale, found.mean.size) == ((9, 8), False, 3, 0)
    resize.resize_mode = ResizeParameter.FIT_SMALL_SIZE
    found = preprocess(Settings(scale=2), outline, None, learned(resize_param=[resize]))
    assert (found.resize, found.keep_aspect, found.scale) == ((9, 8), True, 2)
    whole = ResizeParameter(height=4, width=6)
    assert preprocess(Settings(), outline, None, learned(resize_param=[whole])).resize is None


def test_the_order_of_colours_that_the_weights_know() -> None:
    outline = Outline(parse_net(CLASSIFY).message)
    prepared = Preparation(TransformationParameter(), channels="BGR")
    assert preprocess(Settings(), outline, CARD, prepared).channels == "BGR"
    assert preprocess(Settings(channels="RGB"), outline, CARD, prepared).channels == "RGB"
    grey = Outline(parse_net(CLASSIFY.replace("dim: 3 dim: 4", "dim: 1 dim: 4")).message)
    assert preprocess(Settings(), grey, None, prepared).channels == "GREY"


def test_a_mean_image_of_the_weights() -> None:
    mean = np.ones((3, 8, 8), np.float32)
    given = Preparation(TransformationParameter(mean_file="not there"), mean)
    found = preprocess(Settings(), Outline(parse_net(CLASSIFY).message), None, given)
    assert found.mean is mean
    assert found.resize == (8, 8)


def test_margins_are_not_made() -> None:
    mode = ResizeParameter.FIT_LARGE_SIZE_AND_PAD
    given = learned(resize_param=[ResizeParameter(resize_mode=mode, height=8, width=8)])
    outline = Outline(parse_net(CLASSIFY).message)
    with pytest.raises(NetError, match=r"fitted into their size with a margin .*; say with --res"):
        preprocess(Settings(), outline, None, given)
    assert preprocess(Settings(resize=(8, 8)), outline, None, given).resize == (8, 8)


def test_nets_that_are_told_the_size() -> None:
    assert plan(text=TWO).fit == (600, 1000)
    assert plan(CARD, TWO).fit == (5, 7)
    assert plan(text=TWO, size=(3, 4)).fit == (3, 4)
    assert (plan(text=TWO).size, plan(text=TWO, size="image").fit) == (None, None)


def test_channels_must_be_those_of_the_net() -> None:
    with pytest.raises(NetError, match=r"input has 3 channels, which GREY has not"):
        plan(channels="GREY")


def test_mean_files(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    write_mean(tmp_path / "m.binaryproto", values)
    np.save(tmp_path / "image.npy", values[np.newaxis])
    np.save(tmp_path / "numbers.npy", np.array([1.0, 2.0]))
    np.save(tmp_path / "text.npy", np.array(["a"]))
    assert np.array_equal(read_mean_file(tmp_path / "m.binaryproto"), values)
    assert np.array_equal(read_mean_file(tmp_path / "image.npy"), values)
    numbers = read_mean_file(tmp_path / "numbers.npy")
    assert (numbers.shape, numbers.dtype) == ((2, 1, 1), np.float32)
    assert plan(mean=str(tmp_path / "image.npy"), resize=None, size=(2, 2)).mean.shape == (3, 2, 2)
    (tmp_path / "bad.npy").write_text("x")
    for name, words in (
        ("no.npy", "cannot read"),
        ("bad.npy", "cannot read"),
        ("text.npy", "(C,)"),
    ):
        with pytest.raises(NetError) as error:
            read_mean_file(tmp_path / name)
        assert words in str(error.value)
