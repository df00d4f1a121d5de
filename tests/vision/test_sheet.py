"""Contact sheets."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from netcfg.vision import sheet
from netcfg.vision.sheet import thumbnail, write_sheet


def records(count: int) -> list[dict[str, object]]:
    thumb = thumbnail(Image.new("RGB", (400, 200), (255, 0, 0)))
    top = [
        {"label": 1, "name": "<cat>", "score": 0.75},
        {"label": 2, "name": "dog", "score": -3.0},
    ]
    return [{"image": f"in/{k}&.png", "top": top, "thumb": thumb} for k in range(count)]


class Parser(HTMLParser):
    """Keeps what pages hold and checks that elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.images: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "img":
            self.images.append(given["src"] or "")
        elif tag != "meta":
            self.open.append(tag)
        if tag == "a":
            self.links.append(given["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def parsed(path: Path) -> Parser:
    parser = Parser()
    parser.feed(path.read_text("utf-8"))
    assert parser.open == []
    return parser


def test_thumbnails_are_small_jpegs() -> None:
    data = base64.b64decode(thumbnail(Image.new("L", (400, 200), 9)))
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("JPEG", (160, 80))


def test_a_page_needs_no_other_files(tmp_path: Path) -> None:
    path = write_sheet(tmp_path / "new", "netcfg <classify>", records(3), 3)
    assert path.name == "index.html"
    page = parsed(path)
    assert len(page.images) == 3
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.images)
    assert page.texts.count("<cat>") == 3
    assert {"in/0&.png", "in/2&.png", "0.75", "-3"} <= set(page.texts)
    assert "netcfg <classify>, 3 pictures" in page.texts
    widths = re.findall(r"width:([\d.]+)%", path.read_text())
    assert widths == ["75.0", "0.0"] * 3
    assert page.links == []


def test_many_pictures_go_to_several_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "PER_PAGE", 2)
    first = write_sheet(tmp_path, "t", records(5), 5)
    pages = [parsed(tmp_path / name) for name in ("index.html", "page2.html", "page3.html")]
    assert [len(page.images) for page in pages] == [2, 2, 1]
    assert parsed(first).links == ["page2.html", "page3.html"]
    assert pages[1].links == ["index.html", "page3.html"]
    assert not (tmp_path / "page4.html").exists()


def test_no_pictures(tmp_path: Path) -> None:
    assert parsed(write_sheet(tmp_path, "t", [], 0)).images == []
