from pathlib import Path

import numpy as np
import pytest

from netcfg.data.annoset import AnnotationList
from netcfg.data.annotated import decode_annotated
from netcfg.data.database import open_database
from netcfg.data.imageset import convert_imageset
from netcfg.errors import DataError
from netcfg.io.image import resize_image
from tests.data.databases import encoded, images


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("im").mkdir()
    for i, image in enumerate(images(3)):  # 6 x 5
        Path(f"im/a {i}.png").write_bytes(encoded(image))
        Path(f"im/{i}.txt").write_text(f"{i} 0 0 2.5 3\ncat 1 1 5 6\n"[: 99 if i else 0])
    Path("list.txt").write_text("".join(f"a {i}.png {i}.txt\n" for i in range(3)))


def make(**options: object) -> AnnotationList:
    return AnnotationList(Path("list.txt"), {"cat": 7}, root="im", **options)  # type: ignore[arg-type]


def test_database() -> None:
    lines = make()
    assert len(lines) == 3
    assert convert_imageset(lines, "db").written == 3
    database = open_database(Path("db"), "LMDB")
    records = [(bytes(raw[0]), decode_annotated(raw[1])) for raw in database.read(0, 3)]
    database.close()
    assert [key for key, _ in records] == [b"%08d_a %d.png" % (i, i) for i in range(3)]
    assert records[0][1].objects.shape == (0, 7)
    assert all(sample.boxed for _, sample in records)
    np.testing.assert_array_equal(records[1][1].image, images(3)[1])
    want = [[2, 0, 0, 0, 0.5, 0.5, 0], [7, 0, 0.2, 1 / 6, 1, 1, 0]]
    np.testing.assert_allclose(records[2][1].objects, want, rtol=1e-6)


def test_boxes_are_those_of_the_file_whatever_the_size() -> None:
    lines = make(size=(12, 20), color=False)
    convert_imageset(lines, "db", encode="png")
    database = open_database(Path("db"), "LMDB")
    sample = decode_annotated(database.read(1, 1)[0][1])
    database.close()
    assert sample.image.shape == (1, 12, 20)
    np.testing.assert_array_equal(sample.image, resize_image(lines.image(1), 12, 20))
    np.testing.assert_allclose(sample.objects[0, 2:6], [0, 0, 0.5, 0.5])


def test_bad_annotations() -> None:
    Path("im/1.txt").write_text("bird 0 0 1 1")
    with pytest.raises(DataError, match=r"list.txt:2: im/1.txt: class 'bird' is not in the label"):
        convert_imageset(make(), "db")
    result = convert_imageset(make(), "db", skip_bad=True)
    assert (result.written, [where for where, _ in result.skipped]) == (2, ["list.txt:2"])
    Path("list.txt").write_text("only.png\n")
    with pytest.raises(
        DataError, match=r"list.txt:1: a line must be the path of an image, a space"
    ):
        make()
    Path("list.txt").write_text("a 1.png none.txt\n")
    with pytest.raises(DataError, match=r"cannot read 'im/none\.txt': No such file"):
        convert_imageset(make(), "db2")
