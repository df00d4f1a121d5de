"""The machine, from the command line."""

import pytest

from netcfg import devices
from netcfg.devices import Cuda, Gpu
from tests.cli.conftest import Run


def test_no_card(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cuda", lambda: Cuda(reason="it rains"))
    for words in ([], ["-gpu", "0"], ["--gpu", "all"]):
        result = run("device-query", *words)
        assert (result.status, result.err) == (0, "")
        assert result.out.endswith("GPU           no CUDA device: it rains\n")
        assert "numpy: NumPy " in result.out


def test_cards(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cards = tuple(Gpu(i, f"Card {i}", 1 << 34, (9, 0), 132) for i in range(2))
    monkeypatch.setattr(devices, "cuda", lambda: Cuda(cards, "12.4"))
    assert run("device-query", "-gpu", "1").out.count("Card") == 1
    assert run("device-query").out.count("Card") == 2
    result = run("device-query", "-gpu", "2")
    assert (result.status, "there is no GPU 2" in result.err) == (2, True)
    assert "must be a whole number, 0 or more" in run("device-query", "-gpu", "x").err
