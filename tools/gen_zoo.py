"""Bring the table of docs/zoo.md up to date with the cards of models/.

    python tools/gen_zoo.py           write the page
    python tools/gen_zoo.py --check   exit 1 if it is stale, and write nothing

What stands between ``<!-- models: ... -->`` and ``<!-- end models -->`` is made here; the rest of
the page is written by hand. Counts are those of the cards, which a test compares with the nets.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from netcfg.table import grouped  # noqa: E402 - needs the path above
from netcfg.zoo.card import FILE, TASKS, Accuracy, Card, Weights, read_card  # noqa: E402

PAGE = ROOT / "docs/zoo.md"
BEGIN, END = "<!-- models: made by tools/gen_zoo.py -->", "<!-- end models -->"
NOTHING = ("", "not published")
COLUMNS = ("model", "input", "parameters", "multiply-adds", "published", "weights")


def main() -> int:
    """Write the page or compare it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    args = parser.parse_args()
    old = PAGE.read_text(encoding="utf-8")
    new = fill(old, read_cards(ROOT / "models"))
    if args.check and old != new:
        print(f"{PAGE.name} is stale: run python tools/gen_zoo.py", file=sys.stderr)
        return 1
    if not args.check:
        PAGE.write_text(new, encoding="utf-8")
    return 0


def read_cards(folder: Path) -> list[Card]:
    """Read the cards of a folder, by name."""
    return [read_card(path.parent) for path in sorted(folder.glob(f"*/{FILE}"))]


def fill(page: str, cards: list[Card]) -> str:
    """Return the page with its tables made anew, one for each task that has models."""
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise SystemExit(f"{PAGE.name} must have one '{BEGIN}' and one '{END}'")
    head, rest = page.split(BEGIN)
    tables = [table(task, [c for c in cards if c.task == task]) for task in TASKS]
    known = sum(any(w.hashes for w in card.weights) for card in cards)
    count = f"{len(cards)} models; of {known} the weights are known by a hash.\n"
    made = "\n".join([count, *(text for text in tables if text)])
    return f"{head}{BEGIN}\n\n{made}\n{END}{rest.split(END)[1]}"


def table(task: str, cards: list[Card]) -> str:
    """Return the table of a task, nothing where it has no models."""
    if not cards:
        return ""
    rows = [COLUMNS, ("---", "---", "---:", "---:", "---", "---"), *map(row, cards)]
    lines = "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
    return f"### {task.capitalize()}\n\n{lines}"


def row(card: Card) -> tuple[str, ...]:
    """Return the cells of a model."""
    height, width = card.input.size
    return (
        f"[{card.name}](../models/{card.name}) <br> {_cell(card.title)}; {_cell(card.paper)}",
        f"{height}×{width} {card.input.channels}",
        grouped(card.parameters),
        grouped(card.multiply_adds),
        published(card),
        " <br> ".join(map(weights, card.weights)) or "–",
    )


def published(card: Card) -> str:
    """Return what others say of a model."""
    given = card.published
    parts = []
    if given is not None:
        pairs = ((given.parameters, "parameters"), (given.multiply_adds, "multiply-adds"))
        said = ", ".join(f"{figure} {name}" for figure, name in pairs if figure not in NOTHING)
        if said:
            parts.append(f"{said} ({given.source})")
    if card.accuracy is not None:
        parts.append(accuracy(card.accuracy))
    return " <br> ".join(map(_cell, parts)) or "–"


def accuracy(given: Accuracy) -> str:
    """Return figures with their protocol."""
    figures = (("top-1", given.top1), ("top-5", given.top5), ("mAP", given.map))
    pairs = (*figures, ("mIoU", given.miou))
    said = ", ".join(f"{name} {value:g} %" for name, value in pairs if value is not None)
    return f"{said} ({given.protocol})"


def weights(given: Weights) -> str:
    """Return the file of weights and by what it is known."""
    known = ", ".join(given.hashes) or "no hash"
    return f"`{given.file}` ({known}{'' if given.urls else ', no address'})"


def _cell(text: str) -> str:
    """Return a text that does not end a cell."""
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
