from pathlib import Path
from typing import Any

import pytest

from benchmarks import growth
from benchmarks.growth import Machine, Point, point, residual, traffic
from netcfg import Net, Phase
from netcfg.engines import get_engine
from netcfg.schema import parse_net


def test_traffic_counts_what_units_read_and_write() -> None:
    text = """
    layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [1, 2, 4, 4] } } }
    layer { name: "a" type: "Convolution" bottom: "x" top: "y"
      convolution_param { num_output: 3 kernel_size: 1 } }
    layer { name: "b" type: "ReLU" bottom: "y" top: "y" } """
    net = Net(parse_net(text).message, Phase.TEST)
    read, written, weights = 32 + 32, 48, 6 + 3  # the input writes x, the fused unit reads it
    assert traffic(net) == 4 * (read + written + weights)


def test_the_machine_is_measured() -> None:
    speed = growth.measure_machine(get_engine(), 1, edge=64)
    assert speed.flops > 1e6
    assert speed.bandwidth > 1e6


def test_points_have_the_floor_of_their_net() -> None:
    made = point("size", 32, residual((1, 1, 1, 1), 2, 32), Machine(1e9, 1e30), 1)
    assert made.ms > 0
    assert made.floor == made.operations > 0
    twice = point("size", 32, residual((1, 1, 1, 1), 4, 32), Machine(1e9, 1e30), 1)
    assert twice.operations == pytest.approx(2 * made.operations)


def test_table_and_picture(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    points = iter([Point("p", 1, 4.0, 2.0, 1.0), Point("p", 2, 9.0, 2.0, 3.0)])
    monkeypatch.setattr(growth, "works", lambda: [("p", 1, lambda: 0), ("p", 2, lambda: 0)])
    monkeypatch.setattr(growth, "point", lambda *_: next(points))
    monkeypatch.setattr(growth, "measure_machine", lambda *_: Machine(1e11, 2e10))
    pytest.importorskip("matplotlib")
    drawn = []
    monkeypatch.setattr(growth, "draw", lambda found, path: drawn.append((found, path)))
    growth.main(["--out", str(tmp_path / "t.md"), "--plot", str(tmp_path / "p.png")])
    text = (tmp_path / "t.md").read_text()
    assert "100 GFLOP/s; the best copy: 20.0 GB/s." in text
    assert "| p | 1 | 4.00 | 2.00 | 1.00 | 2.00 |" in text
    assert "| p | 2 | 9.00 | 2.00 | 3.00 | 3.00 |" in text
    assert [p.x for p in drawn[0][0]] == [1, 2]
    assert "p 2: 9.00 ms, floor 3.00" in capsys.readouterr().out


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    points = [Point(f"{kind}, net", x, x, x / 2, 0.1) for kind in ("a", "b") for x in (1, 2, 4)]
    growth.draw(points, tmp_path / "sub/p.png")
    assert (tmp_path / "sub/p.png").read_bytes()[:4] == b"\x89PNG"
