"""New model folders: from a net, its weights and what is known of its input."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from netcfg.data.mean import read_mean, write_mean
from netcfg.deploy import Deployed, deploy_net
from netcfg.engines import get_engine
from netcfg.errors import NetError
from netcfg.io.caffemodel import Weights, read_weights, write_weights
from netcfg.io.files import find_file, of_zoo, write_whole
from netcfg.io.preparation import Preparation
from netcfg.merge import load, merge_normalization
from netcfg.net import Net
from netcfg.netcfg_pb2 import LayerParameter, NetParameter, TransformationParameter
from netcfg.schema import read_net, refuse, to_text
from netcfg.types import Phase, Shape
from netcfg.vision.classifier import Classifier
from netcfg.vision.heads import ROWS
from netcfg.vision.settings import keeps_aspect, whole_size
from netcfg.zoo.card import (
    CHANNELS,
    DEPLOY,
    FILE,
    Card,
    Example,
    Input,
    Output,
    check_name,
    read_card,
    to_toml,
)
from netcfg.zoo.card import Weights as WeightsFile
from netcfg.zoo.store import cache
from netcfg.zoo.verify import counts

TOP = 5
"""Answers that an example keeps."""

UNKNOWN = "unknown"

MEAN_FILE = "mean.binaryproto"
"""Name of a mean image whose weights do not say it."""


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


def write_model(
    deployed: Deployed,
    folder: Path,
    about: About | None = None,
    weights: str | Path | None = None,
    *,
    merge: bool = False,
) -> Card:
    """Write a folder with a net and its card; the mean image of its data goes with it.

    Args:
        deployed: the net.
        folder: must not exist yet.
        about: what the card says of it.
        weights: their file, of which the folder gets a copy.
        merge: whether normalizations are merged into the layers before them.

    Raises:
        NetError: the folder exists, the net has no images as input, or the weights do not fit.
    """
    learned = None if weights is None else read_weights(weights)
    with _new(folder) as place:
        file = write_deployed(deployed, place / DEPLOY, learned, merge=merge)
        if learned is not None and file is None:
            file = place / Path(learned.path).name
            shutil.copyfile(learned.path, file)
        card = _describe(deployed, folder.name, place, about or About())
        if file is not None:
            card = replace(card, weights=(_hashed(file),))
        (place / FILE).write_text(to_toml(card), "utf-8")
    return read_card(folder)


def write_deployed(
    deployed: Deployed, path: Path, learned: Weights | None, *, merge: bool = False
) -> Path | None:
    """Write the prototxt of a net.

    Args:
        deployed: the net, of which the normalizations are merged if ``merge``.
        path: of the prototxt.
        learned: weights, which say how images are prepared; where something is merged the new ones
            go to a .caffemodel beside the prototxt.
        merge: whether normalizations are merged into the layers before them.

    Returns:
        The file of merged weights; None where there is none.

    Raises:
        NetError: the weights do not fit, or a file cannot be written.
    """
    remember(deployed, learned)
    file = None
    if merge:
        merged = merge_normalization(deployed.net, learned)
        deployed.net = merged.net
        if learned is not None:
            file = path.with_suffix(".caffemodel")
            write_weights(file, merged.net.name, merged.weights, learned.preparation)
    elif learned is not None:
        with Net(deployed.net, Phase.TEST, engine=get_engine("numpy")) as net:
            load(net, learned)
    with write_whole(path) as out:
        out.write(to_text(deployed.net).encode("utf-8", "surrogateescape"))
    return file


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
        learned = read_weights(source)
        remember(deployed, learned)
        card = _describe(deployed, name, place, about or About())
        card = replace(card, weights=(_take_weights(source, place),))
        if labels is not None:
            shutil.copyfile(labels, place / "labels.txt")
            card = replace(card, output=replace(card.output, labels="labels.txt"))
        _write(card, deployed, place)
        with Net(deployed.net, Phase.TEST, engine=get_engine("numpy")) as built:
            load(built, learned)
        if image is not None:
            shutil.copyfile(image, place / Path(image).name)
            card = replace(card, example=_ask(place, Path(image).name))
            _write(card, deployed, place)
    return read_card(cache() / name)


def remember(deployed: Deployed, learned: Weights | None) -> None:
    """Let inputs be prepared as they were when weights were learned, if those say it."""
    if learned is not None and learned.preparation is not None:
        deployed.prepared.update(dict.fromkeys(deployed.sources, learned.preparation))


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


def _take_weights(source: Path, place: Path) -> WeightsFile:
    """Copy weights and return what the card says of them."""
    check_name(source.name, "weights.file")
    shutil.copyfile(source, place / source.name)
    return _hashed(place / source.name)


def _hashed(path: Path) -> WeightsFile:
    """Return what a card says of a file of weights."""
    with open(path, "rb") as file:
        sha1 = hashlib.file_digest(file, "sha1").hexdigest()
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return WeightsFile(path.name, size=path.stat().st_size, sha1=sha1, sha256=sha256)


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
    return Card(
        name=name,
        title=about.title or deployed.net.name or name,
        task=about.task or _task(deployed.net, answer),
        paper=about.paper,
        licence=about.licence,
        parameters=parameters,
        multiply_adds=multiply_adds,
        input=_input(shapes[images[0]], images[0], deployed, place, about),
        output=Output(answer, _take_labels(deployed.sources.get(images[0]), place)),
        folder=place,
    )


def _task(net: NetParameter, answer: str) -> str:
    """Return what a net is for, as far as its layers tell."""
    if any(layer.type in ROWS or layer.top[:1] == ["rois"] for layer in net.layer):
        return "detection"
    soft = any(layer.type == "Softmax" and answer in layer.top for layer in net.layer)
    return "classification" if soft else "features"


def _take_labels(source: LayerParameter | None, place: Path) -> str:
    """Put the names of classes that a data layer knows into the folder of a card, if it does."""
    path = source.annotated_data_param.label_map_file if source is not None else ""
    if not path or source is None:
        return ""
    try:
        found = find_file(path, near=source.source.file)
    except NetError:
        return ""
    shutil.copyfile(found, place / found.name)
    return found.name


def _input(shape: Shape, name: str, deployed: Deployed, place: Path, about: About) -> Input:
    """Return how images are prepared: as ``about`` says, else as they were in training.

    Raises:
        NetError: the channels of the net are those of no image.
    """
    _, count, height, width = shape
    prepared = deployed.prepared.get(name, Preparation(TransformationParameter()))
    channels = about.channels or {1: "GREY", 3: prepared.channels or "BGR"}.get(count, "")
    if CHANNELS.get(channels) != count:
        raise NetError(f"images have 1 or 3 channels; the input of the net has {count}")
    transform, mean_file = prepared.transform, ""
    whole = about.resize or whole_size(prepared)
    if about.mean is None and (transform.mean_file or prepared.mean is not None):
        mean_file = _take_mean(prepared, deployed.sources[name], place)
        whole = whole or read_mean(place / mean_file).shape[1:]
    return Input(
        size=(height, width),
        channels=channels,
        resize=() if whole == (height, width) else whole,
        keep_aspect=about.resize is None and keeps_aspect(prepared),
        mean=tuple(map(_short, transform.mean_value)) if about.mean is None else about.mean,
        mean_file=mean_file,
        scale=_short(transform.scale) if about.scale is None else about.scale,
    )


def _take_mean(prepared: Preparation, source: LayerParameter, place: Path) -> str:
    """Put the mean image into the folder of a card; return its name.

    Raises:
        NetError: it is neither in the weights nor on the disk.
    """
    name = Path(prepared.transform.mean_file).name or MEAN_FILE
    if prepared.mean is not None:
        write_mean(place / name, prepared.mean)
        return name
    try:
        found = find_file(prepared.transform.mean_file, near=source.source.file)
    except NetError as error:
        raise NetError(f"{error}; --mean says what to take in its place") from None
    shutil.copyfile(found, place / name)
    return name


def _short(value: float) -> float:
    """Return the shortest number that is this one in 32 bits.

    >>> _short(0.017000000923871994)
    0.017
    """
    return float(str(np.float32(value)))
