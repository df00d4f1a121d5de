"""What SSD does to an image and its objects before Caffe's crop, mirror, mean and scale."""

from collections.abc import Sequence

import numpy as np

from netcfg.data.datum import Image
from netcfg.data.distort import Distort, Expand
from netcfg.data.draws import Draws
from netcfg.data.multi_scale import MultiScale
from netcfg.data.noise import Noise
from netcfg.data.objects import BOX, NONE, WHOLE, Boxes, Objects, project
from netcfg.data.random_size import INTEL, STRETCHES, RandomSize
from netcfg.data.resize import Resize
from netcfg.data.sampler import check_sampler, jittered, sample_parts
from netcfg.errors import DataError, NetError
from netcfg.netcfg_pb2 import BatchSampler, EmitConstraint, TransformationParameter

FIELDS = ("resize_param", "noise_param", "crop_h", "crop_w", "distort_param", "expand_param")
"""Fields of ``transform_param`` that this module, or the crop after it, takes from SSD."""


class Augmentation:
    """Colours, a larger canvas, a part of it, another size, noise: in this order, what is set.

    At the end come the sizes of ``RandomSize`` and the parts of ``MultiScale``, without objects.

    Args:
        config: ``transform_param``.
        samplers: of parts; one of all that they find is used, or all of the image if none is found.
        jitter: without samplers, by how much at most each side of a random part is shorter.
        train: whether there are random parts of several sizes, which are for TRAIN only.

    Raises:
        NetError: a parameter makes no sense.
    """

    def __init__(
        self,
        config: TransformationParameter,
        samplers: Sequence[BatchSampler] = (),
        jitter: float = 0,
        *,
        train: bool = False,
    ) -> None:
        mean = np.array(config.mean_value, np.float32)
        if config.HasField("expand_param") and config.mean_file:
            raise NetError("expand_param fills a canvas with mean_value; mean_file cannot be used")
        for sampler in samplers:
            check_sampler(sampler)
        if not 0 <= jitter < 1:
            raise NetError(f"yolo_data_jitter must lie in [0, 1); given {jitter:g}")
        self.distort = Distort(config.distort_param) if config.HasField("distort_param") else None
        self.expand = Expand(config.expand_param, mean) if config.HasField("expand_param") else None
        self.samplers, self.jitter = samplers, jitter
        self.resizes = [Resize(resize) for resize in config.resize_param]
        self.noise = Noise(config.noise_param) if config.HasField("noise_param") else None
        scaled = train and (config.multi_scale or config.fix_crop)
        self.scales = MultiScale(config) if scaled else None
        sized = any(map(config.HasField, (*INTEL, *STRETCHES)))
        self.size = RandomSize(config) if sized else None
        self.emit: EmitConstraint | None = None
        if config.HasField("emit_constraint"):
            self.emit = config.emit_constraint

    @property
    def active(self) -> bool:
        """Whether anything is done."""
        parts = self.samplers or self.jitter
        sizes = (self.resizes, self.size, self.scales)
        steps = (self.distort, self.expand, parts, self.noise, *sizes)
        return any(map(bool, steps))

    def choose(self, batch: int, draws: Draws) -> int:
        """Return which ``resize_param`` a batch takes, as often as each one's ``prob`` says."""
        weights = [resize.config.prob for resize in self.resizes]
        return draws.choice(batch, max(1, len(weights)), weights)

    def __call__(
        self, image: Image, rng: np.random.Generator, objects: Objects = NONE, resize: int = 0
    ) -> tuple[Image, Objects]:
        """Return an image (C, H, W) and its objects after all that is set.

        Args:
            image: 8 bits, where colours change.
            rng: of the record.
            objects: as shares of the image; the result's are shares of the resized one.
            resize: which ``resize_param`` the batch takes.

        Raises:
            DataError: a parameter does not fit the image.
        """
        if (self.distort or self.noise) and image.dtype != np.uint8:
            raise DataError(
                "distort_param and noise_param need values of 8 bits; the record holds floats"
            )
        if self.distort:
            image = self.distort(image, rng)  # type: ignore[arg-type]
        if self.expand:
            image, canvas = self.expand(image, rng)  # type: ignore[arg-type]
            objects = objects if canvas is None else project(objects, canvas, self.emit)
        if self.samplers or self.jitter:
            image, objects = self._part(image, objects, rng)
        if self.resizes and self._chosen(resize, rng):
            objects = self.resizes[resize].objects(objects, (image.shape[1], image.shape[2]))
            image = self.resizes[resize].image(image, rng)
        if self.noise:
            image = self.noise(image, rng)  # type: ignore[arg-type]
        if self.size:
            image = self.size(image, rng)
        if self.scales:
            image = self.scales(image, rng)
        return image, objects

    def _chosen(self, resize: int, rng: np.random.Generator) -> bool:
        prob = self.resizes[resize].config.prob
        return len(self.resizes) > 1 or prob >= 1 or rng.random() < prob

    def _part(
        self, image: Image, objects: Objects, rng: np.random.Generator
    ) -> tuple[Image, Objects]:
        if self.samplers:
            parts = sample_parts(self.samplers, objects[:, BOX], rng)
        else:
            parts = jittered(self.jitter, rng)
        if not len(parts):
            return image, objects
        part = parts[int(rng.integers(len(parts)))].clip(WHOLE[0], WHOLE[2])
        return cut(image, part), project(objects, part, self.emit)


def cut(image: Image, part: Boxes) -> Image:
    """Return the pixels of a part: its corner and its size, each cut to whole pixels."""
    height, width = image.shape[1:]
    left, top, right, bottom = part * np.array([width, height] * 2, np.float32)
    x, y = min(int(left), width - 1), min(int(top), height - 1)
    wide, tall = max(1, int(right - left)), max(1, int(bottom - top))
    return image[:, y : y + tall, x : x + wide]
