"""Values of options that several commands share."""

import argparse
import sys
from types import SimpleNamespace

import pytest

from netcfg.cli import options
from netcfg.data import prefetch
from netcfg.engines import threads
from netcfg.engines.cuda.device import find
from netcfg.errors import NetError
from netcfg.schema import parse_solver


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


def test_workers() -> None:
    parser = argparse.ArgumentParser()
    options.add_engine(parser)
    options.add_workers(parser)
    try:
        options.engine_of(parser.parse_args(["--workers", "0"]))
        assert prefetch.given_workers() == 0
        options.engine_of(parser.parse_args([]))
        assert prefetch.given_workers() is None
    finally:
        prefetch.set_workers(None)


@pytest.mark.parametrize(
    ("words", "solver", "expected"),
    [
        ([], None, (None, None)),
        (["--gpu", "2"], None, (2, "2")),
        (["--gpu", "1,3"], None, (1, "1,3")),
        (["--gpu", "all"], None, (0, "all")),
        ([], "solver_mode: GPU device_id: 4", (4, None)),
        ([], "solver_mode: CPU", (None, None)),
        ([], "device_id: 4", (None, None)),
        (["--gpu", "0"], "solver_mode: CPU", (0, "0")),
    ],
)
def test_cards(words: list[str], solver: str | None, expected: object) -> None:
    parser = argparse.ArgumentParser()
    options.add_engine(parser)
    param = None if solver is None else parse_solver(solver).message
    assert options.card_of(parser.parse_args(words), param) == expected


def test_cards_refuse() -> None:
    parser = argparse.ArgumentParser()
    options.add_engine(parser)
    with pytest.raises(NetError, match="--gpu takes the number of a card; given 'x'"):
        options.card_of(parser.parse_args(["--gpu", "x"]), None)


def test_a_card_that_is_missing_leaves_the_cpu(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    find.cache_clear()
    parser = argparse.ArgumentParser()
    options.add_engine(parser)
    assert options.engine_of(parser.parse_args(["--gpu", "0"])).name != "cuda"
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "needs CuPy: pip install 'netcfg[cuda13]'" in said
    with pytest.raises(NetError, match="needs CuPy"):
        options.engine_of(parser.parse_args(["--engine", "cuda"]))


def test_autotune_is_for_engines_with_plans() -> None:
    class Graphs:
        autotune = deterministic = False

    for word in ("autotune", "deterministic"):
        engine = SimpleNamespace(device=SimpleNamespace(graphs=Graphs()))
        options.tuned(engine, argparse.Namespace(**{word: True}))  # type: ignore[arg-type]
        assert vars(engine.device.graphs) == {"autotune": False, "deterministic": False, word: True}
    plain = SimpleNamespace()
    assert options.tuned(plain, argparse.Namespace(autotune=True)) is plain  # type: ignore[arg-type, comparison-overlap]
