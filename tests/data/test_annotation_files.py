from pathlib import Path

import numpy as np
import pytest

from netcfg.data.annotation_files import read_label_map, read_objects
from netcfg.errors import DataError, NetError, SchemaError

LABELS = {"cat": 1, "dog": 2}
XML = """<annotation>
<size><width>200</width><height>100</height><depth>3</depth></size>
<object><name>dog</name><difficult>1</difficult>
<bndbox><xmin>20</xmin><ymin>10</ymin><xmax>100</xmax><ymax>50</ymax></bndbox></object>
<object><name>cat</name><bndbox>
<ymin>-5</ymin><xmin>100.5</xmin><xmax>250</xmax><ymax>90</ymax></bndbox></object>
<object><name>dog</name><difficult>0</difficult>
<bndbox><xmin>0</xmin><ymin>0</ymin><xmax>10</xmax><ymax>10</ymax></bndbox></object>
</annotation>"""
JSON = """{"image": {"height": 100, "width": 200, "file_name": "x"}, "annotation": [
{"bbox": [20, 10, 80, 40], "category_id": 7, "iscrowd": 1},
{"bbox": [0, 0, 10.0, 10], "category_id": 7}]}"""


def test_xml(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(XML)
    want = [
        [2, 0, 0.1, 0.1, 0.5, 0.5, 1],
        [1, 0, 0.5025, 0, 1, 0.9, 0],
        [2, 1, 0, 0, 0.05, 0.1, 0],
    ]
    np.testing.assert_allclose(read_objects(path, (1, 1), LABELS), want, rtol=1e-6)


def test_a_size_that_the_file_does_not_say(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    start, end = XML.index("<size>"), XML.index("</size>")
    path.write_text(XML[:start] + XML[end + 7 :])
    objects = read_objects(path, (100, 400), LABELS)
    np.testing.assert_allclose(objects[0, 2:6], [0.05, 0.1, 0.25, 0.5], rtol=1e-6)


def test_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(JSON)
    want = [[5, 0, 0.1, 0.1, 0.5, 0.5, 1], [5, 1, 0, 0, 0.05, 0.1, 0]]
    np.testing.assert_allclose(read_objects(path, (1, 1), {"7": 5}), want, rtol=1e-6)


def test_txt(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    path.write_text("2 20 10 100 50\n\ncat 0 0 10 10\n")
    objects = read_objects(path, (100, 200), LABELS, "txt")
    want = [[2, 0, 0.1, 0.1, 0.5, 0.5, 0], [1, 0, 0, 0, 0.05, 0.1, 0]]
    np.testing.assert_allclose(objects, want, rtol=1e-6)
    path.write_text("")
    assert read_objects(path, (100, 200), {}, "txt").shape == (0, 7)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.xml", "<annotation>", "no XML: no element found"),
        ("a.xml", XML.replace("cat", "cats"), "class 'cats' is not in the label map; did you mean"),
        ("a.xml", XML.replace(">20<", "><"), "a number is needed; given ''"),
        ("a.xml", XML.replace(">20<", ">150<"), r"label 2 must have an area .* given 150, 10, 100"),
        ("a.xml", XML.replace(">20<", ">nan<"), "must have an area .* given nan, 10"),
        ("a.xml", XML.replace(">250<", ">inf<"), "must have an area .* given 100.5, -5, inf"),
        ("a.xml", XML.replace(">20<", ">300<").replace(">100<", ">400<"), "must have an area"),
        ("a.json", "[]", "JSON must hold a list 'annotation'.*AttributeError"),
        ("a.json", "{}", "KeyError: 'annotation'"),
        ("a.json", "{", "JSON must hold"),
        ("a.json", JSON.replace("20, 10, ", ""), "ValueError"),
        ("a.json", JSON, "class '7' is not in the label map"),
        ("a.txt", "1 2 3 4", "line 1 must be label, xmin, ymin, xmax, ymax; given '1 2 3 4'"),
        ("a.txt", "\n1 2 3 4 x", "a number is needed; given 'x'"),
        ("a.txt", "bird 2 3 4 5", "class 'bird' is not in the label map"),
        ("a.csv", "", "must be of a kind of xml, json, txt; 'a.csv' is 'csv'"),
    ],
)  # fmt: skip
def test_damaged_files(name: str, text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_objects(path, (100, 200), LABELS)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_no_size(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(JSON.replace('"height": 100', '"height": 0'))
    with pytest.raises(DataError, match="the image has size 0 x 200"):
        read_objects(path, (1, 1), {"7": 1})


def test_label_map(tmp_path: Path) -> None:
    path = tmp_path / "map.prototxt"
    path.write_text(
        'item { name: "none_of_the_above" label: 0 display_name: "background" }\n'
        "item { label: 3 name: 'cat' } # a comment"
    )
    assert read_label_map(path) == {"none_of_the_above": 0, "cat": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no item"),
        ("item { name: 'a' }", "item 0 must have a name and a label"),
        ("item { name: 'a' label: 1 } item { name: 'b' label: 1 }", "'b' or label 1 comes twice"),
        ("item { name: 'a' label: 1 } item { name: 'a' label: 2 }", "'a' or label 2 comes twice"),
    ],
)
def test_useless_label_maps(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "map"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_label_map(path)


def test_files_that_are_no_label_maps(tmp_path: Path) -> None:
    path = tmp_path / "map"
    path.write_text("item { name: ")
    with pytest.raises(SchemaError, match=r"map:1:\d+: "):
        read_label_map(path)
    path.write_text("layer { name: 'conv1' }")
    with pytest.raises(NetError, match="map"):
        read_label_map(path)
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(DataError, match="must be text in UTF-8"):
        read_label_map(path)
    with pytest.raises(DataError, match=r"cannot read .*: No such file"):
        read_label_map(tmp_path / "nothing")
