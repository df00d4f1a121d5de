"""The benchmark of the data layers: sources, turns, the table."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import data
from benchmarks.data import SIDES, WORKS, Work
from netcfg import Net, Phase
from netcfg.schema import parse_net


def small(work: Work) -> Work:
    return replace(work, records=6, batch=4, turn=2)


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.title)
def test_layers_read_what_is_written(work: Work, tmp_path: Path) -> None:
    work = small(work)
    source = data.make_source(work, tmp_path)
    with Net(parse_net(work.layer(source)).message, Phase.TRAIN) as net:
        tops = net.forward()
    edge = work.crop or work.shape[1]
    assert tops["data"].shape == (4, work.shape[0], edge, edge)
    assert tops["label"].tolist() == [0, 1, 2, 3]
    assert np.ptp(tops["data"]) > 100 * work.scale


def test_netcfg_takes_turns_alone() -> None:
    rates = data.measure(small(WORKS[0]), None, 2)
    assert list(rates) == [side for side in SIDES if side[0] == "netcfg"]
    assert all(len(values) == 2 and min(values) > 0 for values in rates.values())


def test_a_contestant_that_fails_ends_the_benchmark() -> None:
    job = small(WORKS[0]).job(Path("nowhere")) | {"side": "netcfg", "workers": 1}
    with pytest.raises(SystemExit, match="netcfg with 1 workers failed"):
        data.start(sys.executable, job)


def test_a_row_compares_medians() -> None:
    rates = {
        ("netcfg", 0): [100.0, 300.0, 200.0],
        ("netcfg", 1): [250.0],
        ("netcfg", 2): [400.0],
        ("torch", 0): [160.0],
        ("torch", 2): [1000.0],
    }
    title = WORKS[0].title
    assert data.row(WORKS[0], rates) == (
        f"| {title} | 64 | 200 | 250 | 400 | 160 | 1,000 | 1.25 | 0.40 |"
    )
    alone = {side: values for side, values in rates.items() if side[0] == "netcfg"}
    assert data.row(WORKS[0], alone) == f"| {title} | 64 | 200 | 250 | 400 | – | – | – | – |"


def test_the_page_has_a_column_for_each_cell() -> None:
    row = data.row(WORKS[0], {side: [1.0] for side in SIDES})
    lines = data.page([row], 9).splitlines()
    assert {line.count("|") for line in lines[-3:]} == {row.count("|")}
    assert "medians of 9 rounds" in lines[2]
