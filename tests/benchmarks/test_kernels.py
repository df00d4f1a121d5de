from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import kernels
from benchmarks.kernels import Work, works
from netcfg.engines import get_engine


def test_both_engines_give_the_same() -> None:
    for work in works():
        if "ip1" in work.where or "conv2" in work.where:  # the small ones
            fast, plain = (work.run(get_engine(name)) for name in ("onednn", "numpy"))
            if isinstance(fast, tuple):
                fast, plain = fast[0], plain[0]
            np.testing.assert_allclose(fast, plain, rtol=1e-3, atol=1e-2)


def test_works_are_of_primitives_that_onednn_has() -> None:
    fast, plain = (type(get_engine(name)) for name in ("onednn", "numpy"))
    for name in {work.name for work in works()}:
        assert getattr(fast, name) is not getattr(plain, name)


def test_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    x = np.zeros((2, 3), np.float32)
    monkeypatch.setattr(kernels, "works", lambda: [Work("relu", "a net", {"x": x, "slope": 0.0})])
    monkeypatch.setattr(kernels, "milliseconds", lambda *_: [1.0, 4.0])
    kernels.main(["--out", str(tmp_path / "t.md")])
    assert "| relu | a net | 1.000 | 4.000 | 0.25 |" in (tmp_path / "t.md").read_text()
    assert capsys.readouterr().out == "relu, a net: 1.000 ms, NumPy 4.000\n"
