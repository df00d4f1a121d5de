"""The zoo from the command line."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netcfg.zoo.card import read_card
from tests.cli.conftest import Run
from tests.data_scripts.scripts import Server
from tests.zoo.folders import NET, Make, mine, server, weights_of

__all__ = ["mine", "server"]


def test_list(run: Run, mine: Make, tmp_path: Path) -> None:
    weights_of(tmp_path / "w")
    mine("small-a")
    mine("small-b", 'file = "w"')
    mine("small-c", 'file = "w"\nurls = ["http://127.0.0.1:1/w"]')
    (mine("small-d", 'file = "w"') / "w").write_bytes((tmp_path / "w").read_bytes())
    result = run("zoo", "list", "small-*")
    assert (result.status, result.err) == (0, "")
    head, line, *rows = result.out.splitlines()
    assert head.split() == ["name", "task", "parameters", "multiply-adds", "weights"]
    assert set(line) == {"-", " "}
    assert [row.split(maxsplit=4) for row in rows] == [
        ["small-a", "classification", "28", "24", "none known"],
        ["small-b", "classification", "28", "24", "no address"],
        ["small-c", "classification", "28", "24", "to download"],
        ["small-d", "classification", "28", "24", "here"],
    ]
    assert "small-a" in run("zoo", "list").out
    assert "small-a" in run("zoo", "list", "--task", "classification").out
    none = run("zoo", "list", "small-*", "--task", "detection")
    assert (none.status, none.err) == (2, "netcfg: error: no model matches 'small-*'\n")
    assert (
        "unknown task 'detecton'; did you mean 'detection'?"
        in run("zoo", "list", "--task", "detecton").err
    )


def test_show(run: Run, mine: Make, tmp_path: Path) -> None:
    folder = mine("small", 'file = "w"')
    result = run("zoo", "show", "small")
    assert result.status == 0
    assert result.out.endswith(f"# folder: {folder}\n# w: not downloaded\n")
    assert "parameters = 28\n" in result.out
    weights_of(folder / "w")
    assert run("zoo", "show", "small").out.endswith(f"# w: {folder}/w\n")
    assert "no model 'smal'; did you mean 'small'?" in run("zoo", "show", "smal").err


def test_download(run: Run, mine: Make, server: Server, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    data = server.files["w"] = weights_of(tmp_path / "store/w")
    sha1 = hashlib.sha1(data).hexdigest()
    mine("small", f'file = "w"\nurls = ["{server.url}/none", "{server.url}/w"]\nsha1 = "{sha1}"')
    path = tmp_path / "cache/small/w"
    offline = run("zoo", "download", "small", "--offline")
    assert offline.status == 2
    assert f"'{path}' is missing, and the network is not to be used" in offline.err
    server.cut = len(data) - 10
    result = run("zoo", "download", "small")
    assert (result.status, result.out) == (0, f"{path}: sha1 as it should be\n")
    assert result.err.startswith("netcfg: downloading w of small (")
    assert path.read_bytes() == data
    again = run("zoo", "download", "small", "--offline")
    assert again.out == f"{path}: there already, sha1 as it should be\n"
    kept = run("zoo", "download", "small", "--from", str(tmp_path / "store"), "--dir", "d")
    assert kept.out == "d/small/w: sha1 as it should be\n"
    mine("small", f'file = "w"\nurls = ["{server.url}/w"]')
    unknown = run("zoo", "download", "small")
    assert unknown.out == f"{path}: there already, no hash is known to check it by\n"
    assert "the card of 'lenet' names no weights" in run("zoo", "download", "lenet").err


@pytest.fixture(autouse=True)
def _here(folder: Path) -> None:
    """Work in a folder of the test's own."""


def test_verify(run: Run, mine: Make) -> None:
    folder = mine("small", 'file = "w"')
    right = run("zoo", "verify", "small")
    assert (right.status, right.err) == (0, "")
    assert right.out == (
        "small/deploy.prototxt: as the card says\nsmall/w: not there, and no address is known\n"
    )
    weights_of(folder / "w", "other")
    wrong = run("zoo", "verify", "small", "lenet")
    assert wrong.status == 2
    assert "small/w: error: " in wrong.out
    assert "lenet/deploy.prototxt: as the card says" in wrong.out
    assert wrong.err == "netcfg: 1 of the files are not as their cards say\n"


def test_add(run: Run, mine: Make, tmp_path: Path) -> None:
    Path("net.prototxt").write_text(NET)
    weights_of(Path("w"))
    Image.fromarray(np.ones((2, 3), np.uint8)).save("i.png")
    words = "--net net.prototxt --weights w --image i.png --title T --paper P --licence L"
    words += " --mean 1 --scale 2.5 --channels GREY --resize 4,5 --task features"
    result = run("zoo", "add", "my", *words.split())
    assert (result.status, result.err) == (0, "")
    first, second = result.out.splitlines()
    assert first == f"{tmp_path}/cache/my: 28 parameters, 24 multiply-adds"
    assert second.startswith("i.png: classes 3 (0.")
    card = read_card(tmp_path / "cache/my")
    assert (card.title, card.paper, card.licence, card.task) == ("T", "P", "L", "features")
    assert (card.input.mean, card.input.scale, card.input.resize) == ((1.0,), 2.5, (4, 5))
    assert run("show", "zoo:my").status == 0
    assert run("check", "zoo:my").out == "1 file: 0 errors, 0 warnings, 0 notes\n"


def test_actions_are_needed(run: Run) -> None:
    assert "the following arguments are required: ACTION" in run("zoo").err
    assert "invalid choice: 'lst'" in run("zoo", "lst").err
