"""Solvers whose test nets find objects."""

import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from netcfg.average_precision import mean
from netcfg.errors import NetError
from netcfg.schema import parse_solver
from netcfg.scoring import DetectionMeans, Means
from netcfg.solver.evaluation import check_evaluation, make_means
from tests.solver.hooks.test_caffe_log import logged
from tests.solver.toy import NET
from tests.test_scoring import ROWS, fake

TEXT = 'base_lr: 1 lr_policy: "fixed" max_iter: 1'
DETECTS = """
layer { name: "det" type: "HDF5Data" top: "detection_eval" include { phase: TEST }
        hdf5_data_param { source: "detections.txt" batch_size: 1 } }
"""
"""Stands for data, detector and DetectionEvaluate."""


def test_kinds() -> None:
    classic = parse_solver(TEXT).message
    assert type(make_means(classic, fake())) is Means
    detection = parse_solver(f"{TEXT} eval_type: 'detection' ap_version: '11point'").message
    assert type(make_means(detection, fake())) is DetectionMeans
    check_evaluation(detection)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("eval_type: 'detect'", r"^s:1:43: eval_type must be one of classification, detection"),
        ("\nap_version: 'integral'", r"^s:2:1: ap_version must .* did you mean 'Integral'\?"),
    ],
)
def test_unknown_kinds(fields: str, message: str) -> None:
    solver = parse_solver(f"{TEXT} {fields}", "s").message
    with pytest.raises(NetError, match=message):
        check_evaluation(solver)


@pytest.mark.parametrize("shown", [False, True])
def test_a_run(shown: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = np.stack([ROWS, ROWS])[:, None]
    rows[1, 0, 2, 3:] = 0, 1  # of class 1 one of four objects is found, at a precision of 1
    with h5py.File("rows5.h5", "w") as file:
        file["detection_eval"] = rows
    Path("detections.txt").write_text("rows5.h5\n")
    fields = (
        "max_iter: 2 test_interval: 2 display: 0 eval_type: 'detection' ap_version: 'MaxIntegral'"
    )
    fields += " show_per_class_result: true" if shown else ""
    lines = logged(tmp_path, fields, net=NET + DETECTS)
    tests = [i for i, line in enumerate(lines) if line.startswith("Iteration 0, Testing")]
    after = lines[tests[0] + 1 :]
    # Of equal scores the first counts first: right, wrong, wrong, wrong.
    precisions = {1: 1 / 4, 2: 0.0}
    if shown:
        assert after[:2] == ["class1: 0.25", "class2: 0"]
        after = after[2:]
    want = f"    Test net output #0: detection_eval = {mean(precisions):g}"
    assert after[0] == want == "    Test net output #0: detection_eval = 0.125"
    assert re.match(r"    Test net output #1: accuracy = ", after[1])
