"""A net with its weights, ready to be asked about pictures."""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from netcfg.deploy import deploy_net
from netcfg.engines import get_engine
from netcfg.engines.base import Engine
from netcfg.errors import NetError, WeightsError
from netcfg.io.caffemodel import Weights, read_weights
from netcfg.io.files import find_file, of_zoo
from netcfg.net import Net
from netcfg.netcfg_pb2 import BlobShape, NetParameter
from netcfg.prototxt_printer import to_text
from netcfg.schema import read_net, refuse
from netcfg.types import Phase
from netcfg.vision.labels import read_labels
from netcfg.vision.outline import Outline
from netcfg.vision.preprocess import Floats, Preprocess
from netcfg.vision.settings import Settings, preprocess
from netcfg.zoo.card import DEPLOY, FILE, Card, read_card
from netcfg.zoo.store import PREFIX, fetch, find_model, folders

IMAGENET = "imagenet"
SYNSETS = "synset_words.txt"
"""ImageNet's names of classes, as Caffe's scripts fetch them; looked for beside the models."""

Arrays: TypeAlias = dict[str, np.ndarray[Any, np.dtype[Any]]]
Source: TypeAlias = str | Path | NetParameter

Choose: TypeAlias = Callable[[Outline, Card | None], Sequence[str]]
"""Says which blobs are wanted of a net."""


class Model:
    """A net in the TEST phase, and how it is asked.

    Args:
        source: a prototxt, a folder with a card or its ``deploy.prototxt``, ``zoo:NAME``, or a net.
        settings: what the user says.
        choose: which blobs are wanted.
        engine: where the net runs; the best one at hand where None.

    Attributes:
        card: of the model; None where it has none.
        outline: of the net.
        preprocess: how pictures are prepared.
        labels: names of classes; empty where they are not known.
        blobs: names of the blobs that ``run`` returns.
        info: name of the input that takes the size of the image, mostly empty.
        net: the net.

    Raises:
        NetError: something is missing, or does not fit.
    """

    def __init__(
        self, source: Source, settings: Settings, choose: Choose, engine: Engine | None = None
    ) -> None:
        config, self.card = _read(source, settings)
        self.outline = _answering(config, settings)
        self.blobs = list(dict.fromkeys(choose(self.outline, self.card)))
        given = [(path, read_weights(path)) for path in _given(settings)]
        learned = [w.preparation for _, w in given if w.preparation is not None]
        if not (self.card or learned or self.outline.preparation):
            _warn(settings)
        self.preprocess = preprocess(settings, self.outline, self.card, *learned[-1:])
        self.info = self.outline.info()
        self.labels = _labels(settings, self.card)
        layer, index = self.outline.image()
        self._input = layer.top[index]
        self._config = self.outline.until(self.blobs)
        _set_size(self._config, layer.name, index, self.preprocess)
        self._engine = engine or get_engine()
        self.net = Net(self._config, Phase.TEST, engine=self._engine, keep=self.blobs)
        stored = dict(given or _of_card(self.card))
        self._weights = list(stored)
        self._changes = [*settings.ignore_mismatch, *map(str, settings.renames.items())]
        _load(self.net, stored, settings)

    def run(self, x: Floats, info: Floats | None = None) -> Arrays:
        """Return the wanted blobs.

        Args:
            x: images (N, C, H, W).
            info: (height, width, scale) of each (N, 3), for nets that ask for them.
        """
        inputs = {self._input: x}
        if self.info and info is not None:
            inputs[self.info] = info
        self.net.forward(inputs)
        blobs = self.net.blobs
        return {name: self._engine.to_numpy(blobs[name]) for name in self.blobs}

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of an input of one image; of nets that take any size, the declared one."""
        layer, index = self.outline.image()
        _, channels, height, width = self.outline.shapes(layer)[index]
        return (1, channels, *(self.preprocess.size or (height, width)))

    def identity(self) -> dict[str, str]:
        """Return what decides the answers, each as text."""
        mean = hashlib.sha256(self.preprocess.mean.tobytes())
        mean.update(repr(self.preprocess.mean.shape).encode())
        plan = {k: v for k, v in vars(self.preprocess).items() if k != "mean"}
        return {
            "net": hashlib.sha256(to_text(self._config).encode()).hexdigest(),
            "weights": " ".join([*map(_digest, self._weights), *self._changes]),
            "preprocessing": f"{plan} mean {mean.hexdigest()}",
            "labels": hashlib.sha256("\n".join(self.labels).encode()).hexdigest(),
        }


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _warn(settings: Settings) -> None:
    """Say so where nobody has said how pictures are prepared."""
    if settings.mean is None and settings.scale is None:
        logging.getLogger(__name__).warning(
            "neither a card nor the weights say how pictures are prepared: the net is shown values "
            "from 0 to 255; --mean and --scale change that"
        )


def _read(source: Source, settings: Settings) -> tuple[NetParameter, Card | None]:
    if isinstance(source, NetParameter):
        return source, None
    path, card, file = Path(source), None, ""
    if str(source).startswith(PREFIX):
        name, _, file = str(source).removeprefix(PREFIX).partition("/")
        card = find_model(name)
    elif path.is_dir():
        if not (path / FILE).is_file():
            raise NetError(f"folder '{path}' must hold a {FILE}; or name the prototxt of the net")
        card = read_card(path)
    elif path.name == DEPLOY and (path.parent / FILE).is_file():
        card, file = read_card(path.parent), DEPLOY
    net = card.folder / DEPLOY if card and not file else source
    parsed = read_net(net, settings.ignore_fields)
    refuse(parsed.findings)
    return parsed.message, card


def _answering(config: NetParameter, settings: Settings) -> Outline:
    """Return the outline of a net with inputs; one with data layers is deployed."""
    outline = Outline(config)
    if outline.has_input:
        return outline
    deployed = deploy_net(config, shapes=settings.shapes)
    found = Outline(deployed.net)
    layer, index = found.image()
    found.preparation = deployed.prepared.get(layer.top[index])
    return found


def _labels(settings: Settings, card: Card | None) -> list[str]:
    if settings.labels is not None:
        return read_labels(settings.labels)
    if card is None or not card.output.labels:
        return []
    if card.output.labels != IMAGENET:
        return read_labels(card.folder / card.output.labels)
    words = (folder / SYNSETS for folder in (card.folder, *folders()))
    return next((read_labels(path) for path in words if path.is_file()), [])


def _set_size(config: NetParameter, name: str, index: int, plan: Preprocess) -> None:
    """Declare one image of the size that the net will see."""
    layer = next(layer for layer in config.layer if layer.name == name)
    shapes = layer.input_param.shape
    while len(shapes) < len(layer.top):
        shapes.append(BlobShape(dim=shapes[0].dim))
    shapes[index].dim[0] = 1
    if plan.size:
        shapes[index].dim[2:] = plan.size


def _given(settings: Settings) -> list[Path]:
    """Return the files of weights that the user names."""
    return [find_file(str(of_zoo(path, "weights"))) for path in settings.weights]


def _of_card(card: Card | None) -> list[tuple[Path, Weights]]:
    """Return the weights of a card, which are downloaded where they are not there."""
    if card is None or not card.weights:
        return []
    path, _ = fetch(card, card.weights[0])
    return [(path, read_weights(path))]


def _load(net: Net, stored: Mapping[Path, Weights], settings: Settings) -> None:
    """Load weights; each layer must get some.

    Raises:
        WeightsError: one gets none.
    """
    if not stored and any(layer.params for layer in net.layers):
        raise WeightsError("the net has parameters; name the file of its weights with --weights")
    missing = []
    for weights in stored.values():
        weights.rename(dict(settings.renames))
        report = net.load(weights, ignore_mismatch=settings.ignore_mismatch)
        missing.append(set(report.missing) - set(settings.ignore_mismatch))
    for name in sorted(set.intersection(*missing) if missing else ()):
        held = " and ".join(f"'{path}'" for path in stored)
        raise WeightsError(f"{net.layer(name).where}: {held} hold no weights for it")
