"""Nets as they will run, from the command line."""

from pathlib import Path

from netcfg.schema import parse_net
from tests.cli.conftest import Run

V1 = """\
layers { name: "data" type: DATA top: "data" top: "label"
  data_param { source: "nowhere" batch_size: 8 backend: LMDB } }
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 blobs_lr: 2
  convolution_param { num_output: 5 kernel_size: 3 } }
"""


def test_net_is_filtered_and_measured(run: Run, tiny: Path) -> None:
    result = run("show", "net.prototxt")
    assert result.status == 0
    text, table = result.out.split("\n\n")
    assert [layer.name for layer in parse_net(text).message.layer][2] == "accuracy"
    rows = {line.split()[0]: line.split() for line in table.splitlines()}
    assert rows["ip"] == ["ip", "InnerProduct", "4×2", "8", "24", "32", "B"]
    assert rows["total"][:3] == ["total", "8", "24"]
    train = run("show", "net.prototxt", "--phase", "train", "--text")
    assert [layer.name for layer in parse_net(train.out).message.layer] == ["data", "ip", "loss"]


def test_old_net_is_upgraded(run: Run, folder: Path) -> None:
    (folder / "v1.prototxt").write_text(V1)
    result = run("show", "v1.prototxt", "--text")
    layers = parse_net(result.out).message.layer
    assert [layer.type for layer in layers] == ["Data", "Convolution"]
    assert [spec.lr_mult for spec in layers[1].param] == [1, 2]


def test_data_may_be_missing(run: Run, folder: Path) -> None:
    (folder / "v1.prototxt").write_text(V1)
    result = run("show", "v1.prototxt")
    assert result.status == 2
    assert "'nowhere' not found" in result.err
    assert "--shape TOP=N,C,H,W" in result.err
    shown = run("show", "v1.prototxt", "--shape", "data=2,3,8,8")
    assert shown.status == 0
    assert "data   Input        2×3×8×8 2" in shown.out
    assert "conv   Convolution  2×5×6×6" in shown.out


def test_shape_of_nothing(run: Run, tiny: Path) -> None:
    result = run("show", "net.prototxt", "--shape", "dat=1,2")
    assert result.status == 2
    assert "--shape dat: no layer without bottoms writes it; did you mean 'data'?" in result.err
    assert "must look like data=64,1,28,28" in run("show", "net.prototxt", "--shape", "data").err


def test_solver_is_no_net(run: Run, tiny: Path) -> None:
    result = run("show", "solver.prototxt")
    assert (result.status, "must hold a net" in result.err) == (2, True)


def test_memory_of_a_gpu_is_told_without_one(run: Run, tiny: Path) -> None:
    result = run("show", "net.prototxt", "--engine", "cuda", "--phase", "train")
    assert result.status == 0
    line = result.out.splitlines()[-1]
    assert line.startswith("about 256")
    assert line.endswith("of parameters and 256.0 MiB of libraries")
    short = run("show", "net.prototxt", "--engine", "cuda", "--precision", "bfloat16")
    wide = run("show", "net.prototxt", "--engine", "cuda")
    assert short.out.splitlines()[-1] != wide.out.splitlines()[-1]
