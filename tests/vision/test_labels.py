"""Names of classes from files."""

from pathlib import Path

import pytest

from netcfg.errors import NetError
from netcfg.vision.labels import name_of, read_labels, with_background

LABEL_MAP = """\
item { name: "none_of_the_above" label: 0 display_name: "background" }
item { name: "n02" label: 2 display_name: "a } cat" }
item { name: "n03" label: 3 }
"""


def test_a_name_a_line(tmp_path: Path) -> None:
    (tmp_path / "l").write_text("\ufeffn01440764 tench, Tinca tinca\n cat \n\n")
    assert read_labels(tmp_path / "l") == ["n01440764 tench, Tinca tinca", "cat"]


def test_label_maps(tmp_path: Path) -> None:
    (tmp_path / "m.prototxt").write_text(LABEL_MAP)
    assert read_labels(tmp_path / "m.prototxt") == ["background", "1", "a } cat", "n03"]
    (tmp_path / "m.prototxt").write_text('item { name: "cat" label: 1 }')
    assert read_labels(tmp_path / "m.prototxt") == ["background", "cat"]


def test_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xff")
    for name, words in (("no", "not found"), ("empty", "is empty"), ("bytes", "in UTF-8")):
        with pytest.raises(NetError, match=words):
            read_labels(tmp_path / name)


def test_names() -> None:
    assert [name_of(["a", "b"], k) for k in (-1, 0, 1, 2)] == ["-1", "a", "b", "2"]
    assert with_background(["a"]) == ["background", "a"]
    assert with_background(["Background", "a"]) == ["Background", "a"]
    assert with_background([]) == []
