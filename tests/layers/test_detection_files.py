"""Files of detections as benchmarks read them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcfg.errors import DataError, NetError
from netcfg.layers.detection_files import DetectionFiles, read_sizes
from netcfg.netcfg_pb2 import SaveOutputParameter

FIRST = np.array([[1, 0.9, 0.1, 0.2, 0.5, 0.6], [2, 0.5, -0.5, 0, 1, 2]])
SECOND = np.array([[2, 0.25, 0, 0, 0.5, 0.5]])


def files(folder: Path, kind: str, **fields: Any) -> DetectionFiles:
    (folder / "sizes.txt").write_text("img_7 100 200\nimg_12 40 40\n")
    (folder / "labels").write_text(
        'item { name: "none_of_the_above" label: 0 } item { name: "18" label: 1 } '
        'item { name: "3" label: 2 }'
    )
    param = SaveOutputParameter(
        output_directory=str(folder / "out/deep"),
        output_name_prefix="set",
        output_format=kind,
        label_map_file="labels",
        name_size_file="sizes.txt",
    )
    for name, value in fields.items():
        setattr(param, name, value)
    return DetectionFiles(param, lambda name: folder / name)


def written(folder: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in (folder / "out/deep").iterdir()}


def test_voc_has_a_file_for_each_class(tmp_path: Path) -> None:
    found = files(tmp_path, "VOC")
    found.add(FIRST)
    assert not (tmp_path / "out").exists()
    found.add(SECOND)
    assert written(tmp_path) == {
        "set18.txt": "img_7 0.9 20 20 100 60\n",
        "set3.txt": "img_7 0.5 0 0 200 100\nimg_12 0.25 0 0 20 20\n",
    }


def test_a_second_pass_writes_anew(tmp_path: Path) -> None:
    found = files(tmp_path, "VOC", num_test_image=1)
    found.add(FIRST)
    found.add(FIRST[:1])
    assert written(tmp_path) == {"set18.txt": "img_7 0.9 20 20 100 60\n", "set3.txt": ""}


def test_ilsvrc_has_one_file_of_lines(tmp_path: Path) -> None:
    found = files(tmp_path, "ILSVRC")
    found.add(FIRST[:1])
    found.add(SECOND)
    assert written(tmp_path) == {"set.txt": "img_7 1 0.9 20 20 100 60\nimg_12 2 0.25 0 0 20 20\n"}
    for _ in range(2):
        found.add(FIRST[:0])
    assert written(tmp_path) == {"set.txt": ""}


def test_coco_has_one_list(tmp_path: Path) -> None:
    found = files(tmp_path, "COCO")
    found.add(FIRST[:1])
    found.add(SECOND)
    first, second = json.loads(written(tmp_path)["set.json"])
    assert first["bbox"] == pytest.approx([20, 20, 80, 40])
    assert (first["image_id"], first["category_id"], first["score"]) == (7, 18, 0.9)
    assert (second["image_id"], second["category_id"]) == (12, 3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"output_format": "COC"}, "must be one of VOC, COCO, ILSVRC; given 'COC'"),
        ({"name_size_file": ""}, "name_size_file must be given with output_directory"),
        ({"num_test_image": 3}, "at most 2, the lines of 'sizes.txt'; given 3"),
    ],
)
def test_what_it_refuses(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(NetError, match=message):
        files(tmp_path, "VOC", **fields)


def test_coco_needs_numbers(tmp_path: Path) -> None:
    found = files(tmp_path, "COCO", num_test_image=1)
    found.names[1] = "dog"
    with pytest.raises(DataError, match="COCO numbers what it names; the class is 'dog'"):
        found.add(FIRST[:1])


def test_sizes_are_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "sizes"
    path.write_text("a b 3 4\nc 5\n")
    with pytest.raises(DataError, match="sizes:2: a line must be name, height, width; given 'c 5'"):
        read_sizes(path)
    path.write_text("a b 3 4\n")
    assert read_sizes(path) == [("a b", (3, 4))]
    with pytest.raises(DataError, match="cannot read"):
        read_sizes(tmp_path / "none")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    found = files(tmp_path, "VOC", num_test_image=1, output_directory=str(tmp_path / "labels/x"))
    with pytest.raises(DataError, match=r"cannot write to '.*labels/x': Not a directory"):
        found.add(FIRST)
