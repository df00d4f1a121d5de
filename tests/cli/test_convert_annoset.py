from pathlib import Path

import pytest

from netcfg.layer import as_arrays
from netcfg.testing import make_layer
from tests.cli.conftest import Run
from tests.data.databases import encoded, images
from tests.data.test_annotation_files import XML

ARGS = ("convert-annoset", "im", "list.txt", "db")


@pytest.fixture
def annoset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two images of 100 x 200, their annotations, a list and a label map."""
    monkeypatch.chdir(tmp_path)
    Path("im").mkdir()
    for i, image in enumerate(images(2, (3, 100, 200))):
        Path(f"im/{i}.png").write_bytes(encoded(image))
        Path(f"im/{i}.xml").write_text(XML)
    Path("list.txt").write_text("0.png 0.xml\n1.png 1.xml\n")
    Path("map").write_text('item { name: "cat" label: 1 } item { name: "dog" label: 2 }')
    return tmp_path


def test_what_is_written_can_be_trained_on(run: Run, annoset: Path) -> None:
    result = run(*ARGS, "--label_map_file=map", "--encoded", "--backend=lmdb")
    assert (result.status, result.out) == (0, "db: 2 images\n")
    text = """top: "data" top: "label" type: "AnnotatedData"
      data_param { source: "db" backend: LMDB batch_size: 2 }"""
    layer = make_layer(text, [])
    data, label = as_arrays(layer.forward())
    layer.close()
    assert (data == images(2, (3, 100, 200))).all()
    assert label[0, 0, :, :3].tolist() == [
        [i, *k] for i in (0, 1) for k in ([1, 0], [2, 0], [2, 1])
    ]
    assert label[0, 0, 1, 3:].round(6).tolist() == pytest.approx([0.1, 0.1, 0.5, 0.5, 1])


def test_refused(run: Run, annoset: Path) -> None:
    result = run(*ARGS, "--label-type", "xml")
    assert result.status == 2
    assert "--label-type xml needs --label-map: names become numbers" in result.err
    result = run(*ARGS)
    assert (result.status, Path("db").exists()) == (2, False)
    assert "list.txt:1: im/0.xml: class 'dog' is not in the label map" in result.err
    result = run(*ARGS, "--label-map", "mapp")
    assert "file 'mapp' not found; looked in '.'; did you mean 'map'?" in result.err
    result = run(*ARGS, "--label-map", "map", "--label-type", "txt")
    assert "im/0.xml: line 1 must be label, xmin, ymin, xmax, ymax" in result.err
    assert "<annotation>" in result.err
