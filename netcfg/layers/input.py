"""Layers whose arrays come from the program or from fillers, not from files."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from netcfg.data.datum import Image
from netcfg.data.draws import Draws
from netcfg.data.mean import read_mean
from netcfg.data.transform import Transform
from netcfg.errors import DataError, NetError, ShapeError
from netcfg.fillers import fill
from netcfg.layer import Layer, register
from netcfg.netcfg_pb2 import BlobShape, DummyDataParameter, FillerParameter
from netcfg.types import Array, Shape

T = TypeVar("T")


@register("MemoryData")
class MemoryData(Layer):
    """Batches of arrays that the program hands over with ``set_arrays``, over and over.

    tops: data (N, C, H, W), label (N,) if asked for
    """

    bottoms = (0, 0)
    tops = (1, 2)
    differentiable = False
    reads = ("memory_data_param", "transform_param")

    def setup(self) -> None:
        config = self.config.memory_data_param
        self.size = config.batch_size
        self.image = (config.channels, config.height, config.width)
        if min(self.size, *self.image) < 1:
            raise NetError(
                "memory_data_param: batch_size, channels, height and width must be at least 1; "
                f"given {self.size}, {', '.join(map(str, self.image))}"
            )
        self.data: npt.NDArray[np.float32] | None = None
        self.labels = np.zeros(0, np.float32)
        self.first = 0

    def reshape(self) -> tuple[Shape, ...]:
        return ((self.size, *self.image), (self.size,))[: self.ntops]

    def set_arrays(self, data: npt.ArrayLike, labels: npt.ArrayLike | None = None) -> None:
        """Begin again with new data; ``transform_param`` does not apply to them, as in Caffe.

        Args:
            data: (n, C, H, W), n a multiple of batch_size.
            labels: (n,) or (n, 1, 1, 1), zeros by default.

        Raises:
            ShapeError: the shapes do not fit.
        """
        data = np.asarray(data, np.float32)
        count = len(data) if data.ndim else 0
        if data.shape[1:] != self.image or not count or count % self.size:
            raise ShapeError(
                f"data must have shape (n, {', '.join(map(str, self.image))}) with n a multiple "
                f"of batch_size {self.size}; given {data.shape}"
            )
        labels = np.zeros(count, np.float32) if labels is None else np.asarray(labels, np.float32)
        if labels.shape not in ((count,), (count, 1, 1, 1)):
            raise ShapeError(f"labels must have shape ({count},); given {labels.shape}")
        self.data, self.labels, self.first = data, labels.reshape(count), self.step

    def add_images(self, images: Sequence[Image], labels: Sequence[int]) -> None:
        """Begin again with images, each (C, H, W), transformed as ``transform_param`` says.

        Raises:
            NetError: the transform or the shapes do not fit.
        """
        config = self.config.transform_param
        mean = read_mean(self.find(config.mean_file)) if config.mean_file else None
        transform = Transform(config, self.phase, mean)
        for i, image in enumerate(images):
            shape = transform.shape(image.shape)
            if shape != self.image:
                raise ShapeError(f"image {i} becomes {shape}; the layer declares {self.image}")
        draws = Draws(self.context.seed, self.name)
        numbers = draws.numbers(self.step * self.size, len(images)) if transform.random else None
        self.set_arrays(transform(images, numbers), labels)

    def forward(self) -> tuple[Array, ...]:
        if self.data is None:
            raise DataError("there are no data yet; give some with set_arrays(data, labels)")
        batch = (self.step - self.first) % (len(self.data) // self.size)
        rows = slice(batch * self.size, (batch + 1) * self.size)
        arrays = (self.data[rows], self.labels[rows])[: self.ntops]
        return tuple(self.engine.asarray(a) for a in arrays)


@register("DummyData")
class DummyData(Layer):
    """Arrays of a shape, filled: once by constant fillers, in every pass by the others.

    tops: any, each of its ``shape`` (or ``num``, ``channels``, ``height``, ``width``)

    One shape or filler serves all tops; without fillers they are zero.
    """

    bottoms = (0, 0)
    tops = (1, None)
    differentiable = False
    reads = ("dummy_data_param",)

    def setup(self) -> None:
        config = self.config.dummy_data_param
        fillers = list(config.data_filler) or [FillerParameter()]
        self.fillers = _per_top(fillers, self.ntops, "data_filler")
        self.shapes = _per_top(_dummy_shapes(config), self.ntops, "shape")
        self.constant: dict[int, Array] = {}

    def reshape(self) -> tuple[Shape, ...]:
        return tuple(self.shapes)

    def forward(self) -> tuple[Array, ...]:
        random = self.random()
        return tuple(self._fill(i, random) for i in range(self.ntops))

    def _fill(self, i: int, random: np.random.Generator) -> Array:
        filler = self.fillers[i]
        if filler.type != "constant":
            return self.engine.asarray(fill(filler, self.shapes[i], random))
        if i not in self.constant:
            self.constant[i] = self.engine.asarray(fill(filler, self.shapes[i], random))
        return self.constant[i]


@register("Input")
class Input(Layer):
    """Arrays that the caller of the net feeds, zeros until then.

    tops: any, each of its ``shape``, or of the shape of what was fed
    """

    bottoms = (0, 0)
    tops = (1, None)
    differentiable = False
    reads = ("input_param",)

    def setup(self) -> None:
        shapes = [_shape(s) for s in self.config.input_param.shape]
        self.shapes = _per_top(shapes, self.ntops, "shape")
        self.arrays: list[Array] = [None] * self.ntops

    @property
    def array(self) -> Array:
        """Array of the first top."""
        return self.forward()[0]

    @array.setter
    def array(self, array: Array) -> None:
        self.feed(0, array)

    def feed(self, index: int, array: Array) -> None:
        """Let an array be top ``index`` from now on; its shape may differ from the declared."""
        self.arrays[index] = array
        self.shapes[index] = tuple(array.shape)

    def reshape(self) -> tuple[Shape, ...]:
        return tuple(self.shapes)

    def forward(self) -> tuple[Array, ...]:
        for i, shape in enumerate(self.shapes):
            if self.arrays[i] is None:
                self.arrays[i] = self.engine.zeros(shape)
        return tuple(self.arrays)


def _per_top(values: list[T], ntops: int, name: str) -> list[T]:
    """Return a value for each top where one or as many are given."""
    if len(values) == 1:
        return values * ntops
    if len(values) != ntops:
        raise NetError(f"{name} must be given once or for each of {ntops} tops, not {len(values)}x")
    return values


def _shape(message: BlobShape) -> Shape:
    shape = tuple(message.dim)
    if any(dim < 0 for dim in shape):
        raise NetError(f"dimensions must not be negative; given {shape}")
    return shape


def _dummy_shapes(config: DummyDataParameter) -> list[Shape]:
    """Return the shapes, from ``shape`` or from the older ``num``, ``channels``, …."""
    sizes = (config.num, config.channels, config.height, config.width)
    if not any(sizes):
        return [_shape(s) for s in config.shape]
    if config.shape:
        raise NetError("shape excludes num, channels, height and width")
    count = max(len(s) for s in sizes)
    columns = [_per_top(list(s), count, "each of num, channels, height and width") for s in sizes]
    return list(zip(*columns, strict=True))
