"""Model folders as Caffe's model zoo has them: a readme that says where the weights are.

The readme begins with its front matter, lines ``key: value`` between two lines ``---``; of its keys
``caffemodel``, ``caffemodel_url`` and ``sha1`` are needed, ``name`` and ``license`` are shown.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from netcfg.errors import NetError, nearest
from netcfg.io.download import File, check_hash, keep

REQUIRED = ("caffemodel", "caffemodel_url", "sha1")

_PAIR = re.compile(r"([\w-]+)\s*:(?:\s+(.*))?$")


@dataclass(frozen=True)
class ModelCard:
    """What a readme says of a model.

    Attributes:
        path: of the readme.
        name: of the model; empty where it has none.
        license: of the weights; empty where it is not told.
        file: name of the weights, in the folder of the readme.
        url: where they are to be had.
        sha1: of them, in hexadecimal.
    """

    path: Path
    name: str
    license: str
    file: str
    url: str
    sha1: str


def read_card(folder: str | Path) -> ModelCard:
    """Read the readme of a model folder.

    Raises:
        NetError: there is none, or it lacks what is needed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NetError(f"'{folder}' must be a folder with a readme.md")
    readmes = sorted(path for path in folder.iterdir() if path.name.lower() == "readme.md")
    if not readmes:
        raise NetError(f"folder '{folder}' holds no readme.md")
    path = readmes[0]
    pairs = front_matter(path.read_text("utf-8-sig", "replace"), path)
    missing = [key for key in REQUIRED if not pairs.get(key)]
    if missing:
        raise NetError(f"{path}: the front matter lacks {missing[0]}{nearest(missing[0], pairs)}")
    file, sha1 = pairs["caffemodel"], pairs["sha1"].lower()
    if file in (".", "..") or re.search(r"[/\\\0]", file):
        raise NetError(f"{path}: caffemodel must be a file name without folders; given '{file}'")
    if not re.fullmatch(r"[0-9a-f]{40}", sha1):
        raise NetError(f"{path}: sha1 must be 40 hexadecimal digits; given '{pairs['sha1']}'")
    return ModelCard(
        path, pairs.get("name", ""), pairs.get("license", ""), file, pairs["caffemodel_url"], sha1
    )


def front_matter(text: str, path: Path) -> dict[str, str]:
    """Return the pairs at the head of a text; quotes around values and comments are taken off.

    Other lines, such as lists and blocks of YAML, are passed over.

    Raises:
        NetError: there are no two lines ``---``.
    """
    lines = [line.rstrip() for line in text.splitlines()]
    marks = [i for i, line in enumerate(lines) if line == "---"][:2]
    if len(marks) < 2:
        raise NetError(f"{path}: must begin with front matter, 'key: value' between two lines ---")
    matches = (_PAIR.match(line) for line in lines[marks[0] + 1 : marks[1]])
    return {match[1]: _value(match[2] or "") for match in matches if match}


def _value(text: str) -> str:
    """Return a value without quotes, or without the comment after it.

    >>> _value("'a # b' # c"), _value("http://x/#y # z")
    ('a # b', 'http://x/#y')
    """
    text = text.strip()
    quoted = re.match(r"""(["'])(.*?)\1\s*(#.*)?$""", text)
    return quoted[2] if quoted else re.sub(r"(^|\s+)#.*", "", text)


def fetch_weights(card: ModelCard, given: str | Path | None = None) -> tuple[Path, bool]:
    """Put the weights of a model beside its readme, unless they are there.

    Args:
        card: of the model.
        given: a folder to copy them from, in place of the network.

    Returns:
        Where they are, and whether they were there already.

    Raises:
        NetError: they are not to be had, or are not what the readme says.
    """
    file = File(card.file, None, lambda path: check_hash(path, card.sha1, "sha1"))
    return keep(file, [card.url], card.path.parent, None if given is None else Path(given))
