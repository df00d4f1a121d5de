"""A contact sheet of classified pictures: HTML pages that need no other files."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

from netcfg.io.files import write_whole
from netcfg.vision.pictures import Picture

PER_PAGE = 500
THUMB = 160
"""Pixels of the longer side of a thumbnail."""

STYLE = """\
body { font: 14px/1.35 system-ui, sans-serif; margin: 1.5rem; background: #f4f4f4; color: #222 }
h1 { font-size: 1.2rem } nav a, nav b { margin-right: .5rem }
main { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)) }
figure { margin: 0; padding: .75rem; background: #fff; border-radius: 6px }
.frame img { width: 100%; height: 160px; object-fit: contain }
figcaption { margin-top: .5rem; overflow-wrap: anywhere; color: #666; font-size: 12px }
ol { list-style: none; margin: .5rem 0 0; padding: 0 }
li { position: relative; display: flex; justify-content: space-between; padding: 1px 4px }
li i { position: absolute; inset: 1px auto 1px 0; background: #9cc4f5; border-radius: 2px }
li span { position: relative; overflow-wrap: anywhere } li:first-child { font-weight: 600 }
"""


def thumbnail(picture: Picture) -> str:
    """Return a small JPEG of a picture in base64."""
    small = picture.copy()
    small.thumbnail((THUMB, THUMB))
    file = BytesIO()
    small.save(file, "JPEG", quality=80)
    return base64.b64encode(file.getvalue()).decode()


def write_sheet(folder: Path, title: str, records: Iterable[dict[str, Any]], count: int) -> Path:
    """Write ``index.html``, ``page2.html`` and so on, and return the first.

    Args:
        folder: gets the pages.
        title: above them.
        records: of pictures: ``image``, ``top`` and ``thumb``.
        count: how many there are.
    """
    names = [_name(k) for k in range(max(1, -(-count // PER_PAGE)))]
    left = iter(records)
    for name in names:
        page = islice(left, PER_PAGE)
        with write_whole(folder / name) as file:
            for part in _page(f"{title}, {count} pictures", name, names, page):
                file.write(part.encode("utf-8", "replace"))
    return folder / names[0]


def _name(k: int) -> str:
    return f"page{k + 1}.html" if k else "index.html"


def _page(
    title: str, name: str, names: Sequence[str], records: Iterable[dict[str, Any]]
) -> Iterator[str]:
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
    yield f"<title>{escape(title)}</title>\n<style>\n{STYLE}</style></head>\n"
    yield f"<body><h1>{escape(title)}</h1>\n"
    if len(names) > 1:
        links = (
            f"<b>{k}</b>" if other == name else f'<a href="{other}">{k}</a>'
            for k, other in enumerate(names, 1)
        )
        yield f"<nav>{''.join(links)}</nav>\n"
    yield "<main>\n"
    for record in records:
        yield _figure(record)
    yield "</main></body></html>\n"


def _figure(record: dict[str, Any]) -> str:
    lines = "".join(
        f'<li><i style="width:{100 * min(1, max(0, p["score"])):.1f}%"></i>'
        f"<span>{escape(p['name'])}</span><span>{p['score']:.3g}</span></li>"
        for p in record["top"]
    )
    return (
        f'<figure><div class="frame"><img alt="" src="data:image/jpeg;base64,{record["thumb"]}">'
        f"</div><ol>{lines}</ol><figcaption>{escape(record['image'])}</figcaption></figure>\n"
    )
