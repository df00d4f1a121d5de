"""Values of options that several commands share."""

import argparse

import pytest

from netcfg.cli import options
from netcfg.engines import threads
from netcfg.errors import NetError


@pytest.mark.parametrize("text", ["data", "data=", "data=1,x", "=1", "data=1,,2"])
def test_shape_refuses(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="must look like"):
        options.shape(text)


def test_shape_with_crosses() -> None:
    assert options.shape("data=1x3x8x8") == ("data", (1, 3, 8, 8))


@pytest.mark.parametrize(("parse", "text"), [(options.positive, "0"), (options.natural, "-1")])
def test_numbers_refuse(parse: object, text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"given '{text}'"):
        parse(text)  # type: ignore[operator]


def test_threads() -> None:
    parser = argparse.ArgumentParser()
    options.add_engine(parser)
    try:
        options.engine_of(parser.parse_args(["--threads", "3"]))
        assert threads.count() == 3
    finally:
        threads.set_count(None)


def test_one_of() -> None:
    assert options.one_of(None, "a", "the net") == "a"
    with pytest.raises(NetError, match="the net is missing"):
        options.one_of(None, None, "the net")
