"""The trainable examples in configs/: they parse and their nets run."""

import re
from pathlib import Path

import numpy as np
import pytest

from netcfg.data.mean import write_mean
from netcfg.net import Net
from netcfg.schema import kind_of, read_net, read_solver
from netcfg.types import Phase
from tests.data.databases import make_lmdb

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "configs").glob("*/*.prototxt"))
NETS = [path for path in FILES if "solver" not in path.name]
SOLVERS = [path for path in FILES if "solver" in path.name]


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_files_begin_with_what_they_are_and_how_to_run_them(path: Path) -> None:
    comment = re.match(r"(#.*\n)+", path.read_text())
    assert comment is not None
    command = re.search(r"netcfg train (\S+)", comment[0])
    assert command is not None
    assert (ROOT / command[1]).is_file()
    if path in SOLVERS:
        assert command[1] == f"configs/{named(path)}"


@pytest.mark.parametrize("path", SOLVERS, ids=named)
def test_solvers(path: Path) -> None:
    parsed = read_solver(path)
    assert not parsed.findings
    solver = parsed.message
    assert (ROOT / solver.net) in NETS
    assert solver.snapshot_prefix.startswith(f"out/{path.parent.name}/")
    assert kind_of(path) == "solver"


@pytest.mark.parametrize("path", NETS, ids=named)
def test_nets(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = read_net(path)
    assert not parsed.findings
    monkeypatch.chdir(tmp_path)
    shape = (3, 32, 32) if path.parent.name == "cifar10" else (1, 28, 28)
    folder = tmp_path / "data" / path.parent.name
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        make_lmdb(folder / part, rng.integers(0, 256, (10, *shape), np.uint8))
    write_mean(folder / "mean.binaryproto", np.full(shape, 128, np.float32))
    for layer in parsed.message.layer:
        if layer.type == "Data":
            layer.data_param.batch_size = 3  # to be quick
    for phase in Phase:
        with Net(parsed.message, phase) as net:
            outputs = net.forward()
        want = {"loss"} if phase is Phase.TRAIN else {"loss", "accuracy"}
        assert set(outputs) == want
        assert 2 < float(outputs["loss"]) < 5
