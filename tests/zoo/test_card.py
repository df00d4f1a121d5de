"""Cards of models: what they may say, and that they are written as they are read."""

from dataclasses import replace
from pathlib import Path

import pytest

from netcfg.errors import NetError
from netcfg.zoo.card import (
    Accuracy,
    Card,
    Example,
    Input,
    Output,
    Published,
    Weights,
    check_name,
    read_card,
    to_toml,
)

TEXT = """\
name = "model"
title = 'A "model"'
task = "classification"
paper = "Somebody 2016"
licence = "BSD-2-Clause"
parameters = 12
multiply_adds = 34
published = { parameters = "12", source = "paper, table 1" }

[input]
size = [3, 5]
resize = [4, 6]
keep_aspect = true
channels = "BGR"
mean = [104, 117.5, 123]
scale = 2

[output]
blob = "prob"
labels = "labels.txt"

[accuracy]
top1 = 57.5
protocol = "validation"

[example]
image = "cat.png"
classes = [3, 1]
scores = [0.5, 0.25]

[[weights]]
file = "a.caffemodel"
urls = ["https://host/a", "http://mirror/a"]
size = 10
sha1 = "0123456789012345678901234567890123456789"

[[weights]]
file = "b.caffemodel"
licence = "unknown"
"""


def write(folder: Path, text: str = TEXT) -> Path:
    """Write a card into a folder ``model``."""
    (folder / "model").mkdir(exist_ok=True)
    (folder / "model/card.toml").write_text(text)
    return folder / "model"


def test_reading(tmp_path: Path) -> None:
    card = read_card(write(tmp_path))
    sha1 = "0123456789012345678901234567890123456789"
    assert card == Card(
        name="model",
        title='A "model"',
        task="classification",
        paper="Somebody 2016",
        licence="BSD-2-Clause",
        parameters=12,
        multiply_adds=34,
        published=Published("paper, table 1", "12"),
        input=Input((3, 5), "BGR", (4, 6), True, (104.0, 117.5, 123.0), "", 2.0),
        output=Output("prob", "labels.txt"),
        accuracy=Accuracy("validation", 57.5),
        example=Example("cat.png", (3, 1), (0.5, 0.25)),
        weights=(
            Weights("a.caffemodel", ("https://host/a", "http://mirror/a"), 10, sha1),
            Weights("b.caffemodel", licence="unknown"),
        ),
    )
    assert card.folder == tmp_path / "model"
    assert [type(x) for x in card.input.mean] == [float] * 3
    assert [w.hashes for w in card.weights] == [{"sha1": sha1}, {}]


def test_the_shortest_card(tmp_path: Path) -> None:
    lines = TEXT.splitlines()
    text = "\n".join(
        [*lines[:7], "[input]", "size=[1,1]", 'channels="GREY"', "[output]", 'blob="x"']
    )
    card = read_card(write(tmp_path, text))
    assert (card.input.resize, card.input.mean, card.input.scale) == ((), (), 1.0)
    assert (card.published, card.accuracy, card.example, card.weights) == (None, None, None, ())
    assert to_toml(card).count("=") == 10


def test_writing_is_reading_backwards(tmp_path: Path) -> None:
    card = replace(read_card(write(tmp_path)), notes='two\nlines \\ "quoted" \x7f é', title="")
    assert read_card(write(tmp_path, to_toml(card))) == card


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name = ", "nme = ", "unknown key 'nme'; did you mean 'name'?"),
        ('name = "model"\n', "", "key 'name' is missing"),
        ("blob =", "blbo =", "unknown key 'output.blbo'; did you mean 'blob'?"),
        ('blob = "prob"\n', "", "key 'output.blob' is missing"),
        ("urls = [", "url = [", "unknown key 'weights.url'; did you mean 'urls'?"),
        (
            "parameters = 12",
            "parameters = 1.5",
            "key 'parameters' must be a whole number; given 1.5",
        ),
        ("parameters = 12", "parameters = true", "'parameters' must be a whole number; given True"),
        ("parameters = 12", "parameters = -1", "must not be below 0"),
        ("scale = 2", "scale = true", "key 'input.scale' must be a number; given True"),
        ("scale = 2", "scale = inf", "key 'input.scale' must be finite; given inf"),
        ("aspect = true", "aspect = 1", "key 'input.keep_aspect' must be true or false; given 1"),
        ('"paper, table 1"', "[1]", "key 'published.source' must be a string; given a list"),
        ("size = [3, 5]", "size = 3", "key 'input.size' must be a list; given 3"),
        ("size = [3, 5]", "size = [3]", "input.size must be height and width; given [3]"),
        ("size = [3, 5]", "size = [3, 0]", "input.size must be height and width; given [3, 0]"),
        ("resize = [4, 6]", "resize = [4, 4]", "input.resize [4, 4] must hold size [3, 5]"),
        ("resize = [4, 6]", "resize = [4]", "input.resize must be height and width; given [4]"),
        ("[104, 117.5, 123]", "[1, 2]", "one number for each of 3 channels; given 2"),
        ("scale = 2", 'mean_file = "m"', "input must have mean or mean_file, not both"),
        ('"BGR"', '"bgr"', "input.channels must be BGR, RGB or GREY; given 'bgr'; did you mean"),
        ('"classification"', '"clasification"', "did you mean 'classification'? (known: classif"),
        ('name = "model"', 'name = "other"', "name must be that of the folder, 'model'; given 'o"),
        ("b.caffemodel", "a.caffemodel", "weights.file 'a.caffemodel' is named twice"),
        ("b.caffemodel", "../b", "weights.file must be a file name without folders; given '../b'"),
        ("labels.txt", "x/labels.txt", "labels must be a file name without folders"),
        ("cat.png", "..", "example.image must be a file name without folders; given '..'"),
        ("size = 10", "size = 0", "weights.size must be above 0; given 0"),
        ('6789"', '678"', "weights.sha1 must be 40 hexadecimal digits in lower case; given '01"),
        ("http://m", "ftp://m", "weights.urls must begin with http:// or https://; given 'ftp"),
        ("[input]", "[[input]]", "key 'input' must be a table; given a list"),
        ("[output]", "[output", ":18:8: Expected ']' at the end"),
    ],
)
def test_what_cannot_be(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert TEXT.count(old)
    head, _, rest = TEXT.rpartition(old) if old == "scale = 2" else TEXT.partition(old)
    folder = write(tmp_path, f"{head}{new}{rest}")
    with pytest.raises(NetError) as caught:
        read_card(folder)
    text = str(caught.value)
    assert text.startswith(f"{folder}/card.toml:")
    assert message in text
    assert "\n" not in text


def test_text_that_is_none(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "model/card.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(NetError, match=r"card\.toml: must be text in UTF-8: invalid start byte"):
        read_card(tmp_path / "model")
    with pytest.raises(NetError, match=r"cannot read '.*none/card\.toml': No such file"):
        read_card(tmp_path / "none")


def test_names() -> None:
    check_name("a.b-c", "key")
    for name in ("", ".", "a/b", "a\\b", "a\0"):
        with pytest.raises(NetError, match=r"^key must be a file name without folders"):
            check_name(name, "key")
