"""Readmes of models, and the weights they name."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netcfg.errors import NetError
from netcfg.io import download
from netcfg.model_card import ModelCard, fetch_weights, front_matter, read_card
from tests.data_scripts.scripts import Server, serving

WEIGHTS = bytes(range(256)) * 400
SHA1 = hashlib.sha1(WEIGHTS).hexdigest()
README = """\
---
name: "A Model: small"
caffemodel: model.caffemodel
caffemodel_url: {url}/path/file?x=1#y
license: unrestricted   # really
sha1: {sha1}
authors:
  - somebody
caffe_commit:
---

sha1: not this
---
"""

Make = Callable[..., Path]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        running.files["path/file?x=1"] = WEIGHTS
        yield running


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Write a model folder."""
    monkeypatch.setattr(download, "PAUSE", 0)

    def made(url: str = "http://127.0.0.1:1", sha1: str = SHA1, name: str = "readme.md") -> Path:
        folder = tmp_path / "model"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(README.format(url=url, sha1=sha1))
        return folder

    return made


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_card(make: Make) -> None:
    folder = make("http://host", SHA1.upper(), "README.md")
    assert read_card(folder) == ModelCard(
        folder / "README.md",
        "A Model: small",
        "unrestricted",
        "model.caffemodel",
        "http://host/path/file?x=1#y",
        SHA1,
    )


def test_front_matter() -> None:
    text = "\ufeffintro\n---\na: 1\r\nb:\n  c: 2\nd : 'x # y' # z\ne:f\n# g: h\nhttp://x\n---\n"
    assert front_matter(text, Path("r")) == {"a": "1", "b": "", "d": "x # y"}
    with pytest.raises(NetError, match="r: must begin with front matter"):
        front_matter("---\na: 1\n", Path("r"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("caffemodel: model.caffemodel", "", "the front matter lacks caffemodel; did you mean"),
        ("sha1: {sha1}", "sha1:", "the front matter lacks sha1"),
        ("{sha1}", "12ab", "sha1 must be 40 hexadecimal digits; given '12ab'"),
        (
            "model.caffemodel",
            "../m",
            "caffemodel must be a file name without folders; given '../m'",
        ),
        ("model.caffemodel", "..", "file name without folders"),
        ("model.caffemodel", "a\\\\b", "file name without folders"),
        ("---", "", "must begin with front matter"),
    ],
)
def test_readmes_that_do_not_say_it(make: Make, old: str, new: str, message: str) -> None:
    folder = make()
    text = README.replace(old, new).format(url="http://x", sha1=SHA1)
    (folder / "readme.md").write_text(text)
    with pytest.raises(NetError) as caught:
        read_card(folder)
    assert str(caught.value).startswith(f"{folder}/readme.md: ")
    assert message in str(caught.value)


def test_no_readme(tmp_path: Path) -> None:
    with pytest.raises(NetError, match=r"holds no readme\.md"):
        read_card(tmp_path)
    with pytest.raises(NetError, match=r"none' must be a folder with a readme\.md"):
        read_card(tmp_path / "none")


def test_weights_are_fetched_once(make: Make, server: Server) -> None:
    server.cut = 50_000
    card = read_card(make(server.url))
    path = card.path.with_name("model.caffemodel")
    assert fetch_weights(card) == (path, False)
    assert path.read_bytes() == WEIGHTS
    assert [wanted for _, wanted in server.requests] == [None, "bytes=50000-", "bytes=100000-"]
    assert fetch_weights(card) == (path, True)
    assert len(server.requests) == 3


def test_wrong_weights_are_not_kept(make: Make, server: Server) -> None:
    folder = make(server.url)
    server.files["path/file?x=1"] = b"<html>please confirm</html>"
    with pytest.raises(NetError, match=rf"sha1 \w+, not {SHA1}; it is a web page"):
        fetch_weights(read_card(folder))
    assert names(folder) == ["readme.md"]
    (folder / "model.caffemodel").write_bytes(b"mine")
    with pytest.raises(NetError, match=r"is not the file it should be.*; move it away to have it"):
        fetch_weights(read_card(folder))
    assert (folder / "model.caffemodel").read_bytes() == b"mine"


def test_weights_from_a_folder(make: Make, tmp_path: Path) -> None:
    card = read_card(make())
    with pytest.raises(NetError, match=r"'.*store/model\.caffemodel' is missing; --from needs"):
        fetch_weights(card, tmp_path / "store")
    (tmp_path / "store").mkdir()
    (tmp_path / "store/model.caffemodel").write_bytes(b"wrong")
    with pytest.raises(NetError, match="is not the file it should be"):
        fetch_weights(card, tmp_path / "store")
    assert names(card.path.parent) == ["readme.md"]
    (tmp_path / "store/model.caffemodel").write_bytes(WEIGHTS)
    path, there = fetch_weights(card, tmp_path / "store")
    assert (path.read_bytes(), there) == (WEIGHTS, False)
    assert names(tmp_path / "store") == ["model.caffemodel"]
