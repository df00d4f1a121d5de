"""New model folders: from a net, its weights and what is known of its input."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from netcfg.data.mean import read_mean
from netcfg.deploy import Deployed, deploy_net
from netcfg.engines import get_engine
from netcfg.errors import NetError
from netcfg.io.caffemodel import read_weights
from netcfg.io.files import find_file, of_zoo
from netcfg.net import Net
from netcfg.netcfg_pb2 import LayerParameter, TransformationParameter
from netcfg.schema import read_net, refuse, to_text
from netcfg.types import Phase, Shape
from netcfg.vision.classifier import Classifier
from netcfg.zoo.card import (
    CHANNELS,
    DEPLOY,
    FILE,
    Card,
    Example,
    Input,
    Output,
    Weights,
    check_name,
    read_card,
    to_toml,
)
from netcfg.zoo.store import cache
from netcfg.zoo.verify import counts, fit

TOP = 5
"""Answers that an example keeps."""

UNKNOWN = "unknown"


@dataclass(frozen=True)
class About:
    """What only people know of a model; None is taken from the net where it says it."""

    title: str = ""
    task: str = ""
    paper: str = UNKNOWN
    licence: str = UNKNOWN
    channels: str | None = None
    mean: tuple[float, ...] | None = None
    scale: float | None = None
    resize: tuple[int, ...] | None = None


def write_model(deployed: Deployed, folder: Path, about: About | None = None) -> Card:
    """Write a folder with a net and its card; the mean image of its data goes with it.

    Raises:
        NetError: the folder exists, or the net has no images as input.
    """
    with _new(folder) as place:
        card = _describe(deployed, folder.name, place, about or About())
        _write(card, deployed, place)
    return read_card(folder)


def add(
    name: str,
    net: str | Path,
    weights: str | Path,
    *,
    image: str | Path | None = None,
    labels: str | Path | None = None,
    about: About | None = None,
) -> Card:
    """Put a model of one's own into the cache, whole or not at all.

    Args:
        name: of the model.
        net: its prototxt; one for training is made into one that answers.
        weights: their file, which is copied and hashed.
        image: is asked about; the answers are kept in the card.
        labels: file of the names of classes.
        about: what the card says of it.

    Raises:
        NetError: the model exists, or something is missing or does not fit.
    """
    check_name(name, "the name of a model")
    source = Path(of_zoo(weights, "weights"))
    for path in (source, image, labels):
        if path is not None and not Path(path).is_file():
            raise NetError(f"file '{path}' not found")
    parsed = read_net(net)
    refuse(parsed.findings)
    deployed = deploy_net(parsed.message)
    with _new(cache() / name) as place:
        _remember(deployed, read_weights(source).transform)
        card = _describe(deployed, name, place, about or About())
        card = replace(card, weights=(_take_weights(source, place),))
        if labels is not None:
            shutil.copyfile(labels, place / "labels.txt")
            card = replace(card, output=replace(card.output, labels="labels.txt"))
        _write(card, deployed, place)
        with Net(place / DEPLOY, Phase.TEST, engine=get_engine("numpy")) as built:
            fit(built, place / source.name)
        if image is not None:
            shutil.copyfile(image, place / Path(image).name)
            card = replace(card, example=_ask(place, Path(image).name))
            _write(card, deployed, place)
    return read_card(cache() / name)


def _remember(deployed: Deployed, transform: TransformationParameter | None) -> None:
    """Let inputs be prepared as the weights say it, where the net does not."""
    for name, source in deployed.sources.items():
        if transform is not None and not source.HasField("transform_param"):
            deployed.sources[name] = LayerParameter(transform_param=transform)


@contextmanager
def _new(folder: Path) -> Iterator[Path]:
    """Make a folder that appears under its name only when the block ends well.

    Within the block it has the same last name, below another folder, since a card names it.
    """
    if folder.exists():
        raise NetError(f"'{folder}' exists already; remove it, or take another name")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as outer:
            place = Path(outer) / folder.name
            place.mkdir()
            yield place
            place.rename(folder)
    except OSError as error:
        raise NetError(f"cannot write '{folder}': {error.strerror or error}") from error


def _write(card: Card, deployed: Deployed, place: Path) -> None:
    (place / FILE).write_text(to_toml(card), "utf-8")
    (place / DEPLOY).write_text(to_text(deployed.net), "utf-8")


def _take_weights(source: Path, place: Path) -> Weights:
    """Copy weights and return what the card says of them."""
    check_name(source.name, "weights.file")
    shutil.copyfile(source, place / source.name)
    with open(place / source.name, "rb") as file:
        sha1 = hashlib.file_digest(file, "sha1").hexdigest()
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    size = (place / source.name).stat().st_size
    return Weights(source.name, size=size, sha1=sha1, sha256=sha256)


def _ask(folder: Path, image: str) -> Example:
    """Run the model on an image of its folder."""
    asked = Classifier(folder, top=TOP, engine=get_engine("numpy"), batch=1)
    best = asked.predict([folder / image])[0].top
    return Example(image, tuple(p.label for p in best), tuple(round(p.score, 6) for p in best))


# The card --------------------------------------------------------------------------------------


def _describe(deployed: Deployed, name: str, place: Path, about: About) -> Card:
    """Return the card of a net, without weights; a mean image is copied to the folder."""
    with Net(deployed.net, Phase.TEST, engine=get_engine("numpy")) as net:
        parameters, multiply_adds = counts(net)
        shapes = {
            blob.name: shape
            for node, tops in zip(net.graph.nodes, net.top_shapes, strict=True)
            for blob, shape in zip(node.tops, tops, strict=True)
        }
        images = [name for name in net.inputs if len(shapes[name]) == 4]
        answer = net.outputs[0]
    if not images:
        raise NetError("a card needs a net with images (N, C, H, W) as input")
    soft = any(layer.type == "Softmax" and answer in layer.top for layer in deployed.net.layer)
    return Card(
        name=name,
        title=about.title or deployed.net.name or name,
        task=about.task or ("classification" if soft else "features"),
        paper=about.paper,
        licence=about.licence,
        parameters=parameters,
        multiply_adds=multiply_adds,
        input=_input(shapes[images[0]], deployed.sources.get(images[0]), place, about),
        output=Output(answer),
        folder=place,
    )


def _input(shape: Shape, source: LayerParameter | None, place: Path, about: About) -> Input:
    """Return how images are prepared: as ``about`` says, else as the data layer did it.

    Raises:
        NetError: the channels of the net are those of no image.
    """
    _, count, height, width = shape
    channels = about.channels or {1: "GREY", 3: "BGR"}.get(count, "")
    if CHANNELS.get(channels) != count:
        raise NetError(f"images have 1 or 3 channels; the input of the net has {count}")
    source = source or LayerParameter()
    transform, image = source.transform_param, source.image_data_param
    mean_file, large = "", (image.new_height, image.new_width)
    if about.mean is None and transform.mean_file:
        try:
            found = find_file(transform.mean_file, near=source.source.file)
        except NetError as error:
            raise NetError(f"{error}; --mean says what to take in its place") from None
        mean_file, large = found.name, read_mean(found).shape[1:]
        shutil.copyfile(found, place / mean_file)
    resize = about.resize or (() if 0 in large or large == (height, width) else large)
    return Input(
        size=(height, width),
        channels=channels,
        resize=resize,
        mean=tuple(map(_short, transform.mean_value)) if about.mean is None else about.mean,
        mean_file=mean_file,
        scale=_short(transform.scale) if about.scale is None else about.scale,
    )


def _short(value: float) -> float:
    """Return the shortest number that is this one in 32 bits.

    >>> _short(0.017000000923871994)
    0.017
    """
    return float(str(np.float32(value)))
