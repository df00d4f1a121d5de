"""Whether what a card says is true: its files, its counts, and that the weights fit the net."""

from collections.abc import Iterator
from dataclasses import dataclass

from netcfg.engines import get_engine
from netcfg.errors import NetError, nearest
from netcfg.io.caffemodel import read_weights
from netcfg.merge import load
from netcfg.net import Net
from netcfg.summary import summarize
from netcfg.types import Phase
from netcfg.zoo.card import DEPLOY, Card, Weights
from netcfg.zoo.store import check, place


@dataclass(frozen=True)
class Finding:
    """What became of a file of a model.

    Attributes:
        file: its name.
        ok: False where something is wrong; None where the file is not there.
        text: what is right or wrong.
    """

    file: str
    ok: bool | None
    text: str


def verify(card: Card) -> Iterator[Finding]:
    """Check the net of a model and the files of its weights that are there."""
    try:
        with Net(card.folder / DEPLOY, Phase.TEST, engine=get_engine("numpy")) as net:
            yield _net(card, net)
            for weights in card.weights:
                yield _weights(card, weights, net)
    except NetError as error:
        yield Finding(DEPLOY, False, str(error))


def _net(card: Card, net: Net) -> Finding:
    """Compare the net with the card."""
    found = counts(net)
    said = card.parameters, card.multiply_adds
    blobs = [blob.name for blob in net.graph.blobs()]
    if found != said:
        text = f"the net has {found[0]} parameters and {found[1]} multiply-adds; the card says "
        return Finding(DEPLOY, False, f"{text}{said[0]} and {said[1]}")
    if card.output.blob not in blobs:
        near = nearest(card.output.blob, blobs)
        return Finding(DEPLOY, False, f"the net has no blob '{card.output.blob}'{near}")
    return Finding(DEPLOY, True, "as the card says")


def counts(net: Net) -> tuple[int, int]:
    """Return parameters and multiply-adds of a net, the latter for one image."""
    summary = summarize(net)
    images = next((tops[0][0] for tops in net.top_shapes if tops and tops[0]), 1)
    return summary.parameters, summary.multiply_adds // max(images, 1)


def _weights(card: Card, weights: Weights, net: Net) -> Finding:
    path = place(card, weights)
    if not path.is_file():
        how = f"not downloaded: `netcfg zoo download {card.name}`"
        lost = "not there, and no address is known"
        return Finding(weights.file, None, how if weights.urls else lost)
    try:
        check(path, weights)
        load(net, read_weights(path))
    except NetError as error:
        return Finding(weights.file, False, str(error))
    known = " and ".join(weights.hashes)
    return Finding(
        weights.file, True, f"{known} as the card says" if known else "no hash is known; it fits"
    )
