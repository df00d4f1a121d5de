"""Training from the command line: the result it prints, --set, resuming, what it refuses."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import netcfg
from tests.cli.conftest import Run

OUTPUT = re.compile(r"iteration (\d+), test: (\w+) = ([\d.e+-]+)")


def test_result(run: Run, tiny: Path) -> None:
    result = run("train", "solver.prototxt", "--out", "run", "--quiet")
    assert result.status == 0
    assert result.err == ""
    lines = result.out.splitlines()
    assert OUTPUT.fullmatch(lines[0]).groups() == ("20", "accuracy", "1")  # type: ignore[union-attr]
    assert re.fullmatch(r"iteration 20, test: loss = \S+ \(\* 1 = \S+ loss\)", lines[1])
    assert [line.split() for line in lines[2:6]] == [
        ["weights", "run/tiny_iter_20.caffemodel"],
        ["state", "run/tiny_iter_20.solverstate"],
        ["log", "run/train.log"],
        ["metrics", "run/metrics.jsonl"],
    ]
    for line in lines[2:]:
        assert (tiny / line.split()[1]).stat().st_size > 0


def test_log_goes_to_stderr(run: Run, tiny: Path) -> None:
    result = run("train", "solver.prototxt", "--max-iter", "10")
    assert result.status == 0
    assert "Iteration 0, lr = 0.1" in result.err
    assert "Optimization Done." in result.err


def test_the_result_is_tested_whatever_the_interval(run: Run, tiny: Path) -> None:
    result = run("train", "solver.prototxt", "--max-iter", "7", "--quiet")
    assert [m[1] for m in OUTPUT.finditer(result.out)] == ["7", "7"]


def test_set_changes_solver_and_net(run: Run, tiny: Path) -> None:
    sets = ["layer[ip].inner_product_param.num_output=3", "max_iter=1", "lr_policy=multistep"]
    sets += ["stepvalue=5,10", "gamma=0.1", "net.layer[ip].param[1].lr_mult=2", "base_lr=0.3"]
    argv = [word for item in sets for word in ("--set", item)]
    result = run("train", "solver.prototxt", *argv)
    assert result.status == 0
    assert "Learning Rate Policy: multistep" in result.err
    assert "Iteration 0, lr = 0.3" in result.err
    weights = netcfg.Net("net.prototxt").layer("ip").params[0].shape
    assert weights == (2, 3)
    shown = run("test", "net.prototxt", "--weights", "tiny_iter_1.caffemodel")
    assert "parameter 0 has shape (2, 3); the weights hold (3, 3)" in shown.err


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("bas_lr=1", "SolverParameter has no field 'bas_lr'; did you mean 'base_lr'?"),
        ("base_lr=x", "field 'base_lr' must be a number; given x"),
        ("layer[ipp].name=x", "no layer 'ipp'; did you mean 'ip'?"),
        ("base_lr", "must look like FIELD=VALUE"),
    ],
)
def test_set_refuses(run: Run, tiny: Path, option: str, words: str) -> None:
    result = run("train", "solver.prototxt", "--set", option)
    assert result.status == 2
    assert result.err.startswith(f"netcfg: error: --set {option}: ")
    assert words in result.err


def test_goes_on_from_the_latest_snapshot(run: Run, tiny: Path) -> None:
    whole = run("train", "solver.prototxt", "--quiet", "--out", "whole")
    run("train", "solver.prototxt", "--quiet", "--out", "parts", "--max-iter", "10")
    parts = run("train", "solver.prototxt", "--out", "parts", "--snapshot", "auto")
    assert "parts/tiny_iter_10.solverstate" in parts.err
    assert parts.out.splitlines()[:2] == whole.out.splitlines()[:2]


def test_starts_from_weights(run: Run, tiny: Path) -> None:
    run("train", "solver.prototxt", "--quiet")
    result = run(
        "train", "solver.prototxt", "--weights", "tiny_iter_20.caffemodel", "--max-iter", "1"
    )
    assert "1 layers taken" in result.err


def test_refuses_a_snapshot_and_weights(run: Run, tiny: Path) -> None:
    result = run("train", "solver.prototxt", "--snapshot", "a.solverstate", "--weights", "b")
    assert (result.status, "leave out --weights" in result.err) == (2, True)


def test_unknown_fields(run: Run, tiny: Path) -> None:
    solver = tiny / "solver.prototxt"
    solver.write_text(solver.read_text() + "max_itter: 3\n")
    result = run("train", "solver.prototxt")
    assert result.status == 2
    assert "solver.prototxt:11:1: unknown field 'max_itter'; did you mean 'max_iter'?" in result.err
    assert run("train", "solver.prototxt", "--quiet", "--ignore-field", "max_itter").status == 0


def test_places_of_solver_fields(run: Run, tiny: Path) -> None:
    solver = tiny / "solver.prototxt"
    solver.write_text(solver.read_text() + "iter_size: 0\n")
    result = run("train", "solver.prototxt")
    assert result.err.startswith("netcfg: error: solver.prototxt:11:1: iter_size must be at least")
    result = run("train", "solver.prototxt", "--set", "iter_size=1", "--set", "type=SGDD")
    assert result.err.startswith("netcfg: error: solver.prototxt: unknown solver type 'SGDD'")


def test_fields_of_forks(run: Run, tiny: Path) -> None:
    solver, net = tiny / "solver.prototxt", tiny / "net.prototxt"
    solver.write_text(solver.read_text() + "larc: true\n")
    fields = "softmax_param { hard_ratio: 0.5 }"
    more = f'layer {{ name: "p" type: "Softmax" bottom: "ip" top: "p" {fields} }}'
    net.write_text(net.read_text() + more)
    result = run("train", "solver.prototxt")
    assert result.status == 2
    assert "solver.prototxt:11:1: field 'larc' (known from NVCaffe) is not impl" in result.err
    result = run("train", "solver.prototxt", "--ignore-field", "larc")
    assert result.status == 2
    assert "layer 'p' (Softmax): field 'softmax_param.hard_ratio' (known" in result.err
    ignore = ("--ignore-field", "larc,hard_ratio")
    assert run("train", "solver.prototxt", "--quiet", *ignore).status == 0
    result = run("train", "solver.prototxt", *ignore, "--ignore-field", "hard_ration")
    assert (result.status, "did you mean 'hard_ratio'?" in result.err) == (2, True)


def test_weights_of_a_layer_with_another_name(run: Run, tiny: Path) -> None:
    assert run("train", "solver.prototxt", "--quiet").status == 0
    (written,) = tiny.glob("**/*_iter_*.caffemodel")
    weights = written.rename(tiny / "old.caffemodel")
    net = tiny / "net.prototxt"
    net.write_text(net.read_text().replace('name: "ip"', 'name: "head"'))
    arguments = ("train", "solver.prototxt", "--quiet", "--weights", str(weights))
    assert "holds none of the layers" in run(*arguments).err
    assert run(*arguments, "--rename", "ip=head").status == 0
    assert run("test", "net.prototxt", "--weights", str(weights), "--rename", "ip=head").status == 0
    assert "--rename takes OLD=NEW" in run(*arguments, "--rename", "ip").err


def test_options_of_caffe(run: Run, tiny: Path) -> None:
    result = run("train", "-solver=solver.prototxt", "-gpu", "0", "-max_iter=4", "--quiet")
    assert result.status == 0
    assert "warning: --gpu 0 is passed over; this runs on engine" in result.err
    net = ("-model", "net.prototxt", "-iterations=1")
    (weights,) = tiny.glob("**/*_iter_4.caffemodel")
    assert run("test", *net, "-weights", str(weights)).status == 0
    assert run("time", *net).status == 0
    for command in ("train", "time"):
        assert "is missing" in run(command).err


def test_ctrl_c_takes_a_snapshot(tiny: Path) -> None:
    root = Path(netcfg.__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "netcfg", "train", "solver.prototxt", "--max-iter", "100000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "Iteration 10, lr" in line:
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    state = re.search(r"^state +(\S+)$", out, re.MULTILINE)
    assert state is not None
    assert (tiny / state[1]).exists()
