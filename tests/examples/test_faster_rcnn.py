"""``examples/faster_rcnn`` counts images and objects, and says what is missing.

What it measures of a trained net stands in ``tests/data_scripts/test_shapes_rcnn.py``.
"""

from pathlib import Path

import pytest

from netcfg.data.annotated import decode_annotated
from netcfg.data.database import Lmdb
from netcfg.net import Net
from netcfg.pycaffe.weights import save_file
from netcfg.types import Phase
from tests.data_scripts.scripts import run as run_script
from tests.data_scripts.scripts import script
from tests.examples.programs import ROOT, run, start

PROGRAM = "faster_rcnn/evaluate.py"


def test_untrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    get_shapes = script("get_shapes")
    monkeypatch.setattr(get_shapes, "COUNTS", {"train": 1, "test": 6})
    run_script(get_shapes, monkeypatch, "--out", "data/shapes")
    database = Lmdb(Path("data/shapes/test"))
    held = [len(decode_annotated(raw[1]).objects) for raw in database.read(0, 6)]
    database.close()
    Path("configs").symlink_to(ROOT / "configs")
    with Net("configs/shapes_rcnn/train_val.prototxt", Phase.TEST) as net:
        save_file(net, "new.caffemodel")
    said = run(PROGRAM, "--weights", "new.caffemodel", "--images", "4", folder=tmp_path)
    assert said.startswith(f"4 images, {sum(held[:4])} objects, ")
    versions = [line.split()[:2] for line in said.splitlines()[1:]]
    assert versions == [["mAP", "11point"], ["mAP", "MaxIntegral"], ["mAP", "Integral"]]
    Path("none.prototxt").write_text(
        'layer { name: "i" type: "Input" top: "data" input_param { shape { dim: 1 } } }'
    )
    done = start(PROGRAM, "--net", "none.prototxt", "--weights", "new.caffemodel", folder=tmp_path)
    assert done.returncode == 1
    assert "bbox_pred; lacks objects" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_missing(tmp_path: Path) -> None:
    done = start(PROGRAM, folder=tmp_path)
    assert done.returncode == 2
    assert "there is no file 'configs/shapes_rcnn/train_val.prototxt'" in done.stderr
    (tmp_path / "net").touch()
    args = "--net", "net", "--weights", "net", "--images", "0"
    assert "--images is 1 or more; given 0" in start(PROGRAM, *args, folder=tmp_path).stderr
