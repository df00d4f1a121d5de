"""Batches of images from files: bytes go to the card, which cuts, mirrors and scales them there.

A quarter of the bytes of floats is carried, and the CPU has only to read and to decode.
"""

from typing import Any

import numpy as np

from netcfg.engines.cuda.arrays import LARGEST, empty
from netcfg.engines.cuda.upload import Upload
from netcfg.types import Array


class Images:
    """The passes of a layer of images and labels.

    Args:
        engine: whose kernels are called.
        layer: reads and decodes; its feed leaves the transform to the card from now on.
    """

    saved: Any = None

    def __init__(self, engine: Any, layer: Any) -> None:
        self.engine, self.layer = engine, layer
        self._feed = layer.feed
        self._feed.deferred = True
        self._mean, self._kind = self._means()
        self._ways: dict[str, tuple[Upload, Array]] = {}
        self._sizes: dict[Any, tuple[Array, Array, Array]] = {}

    def forward(self) -> tuple[Array, ...]:
        """Return images and labels of this pass."""
        batch = self.layer.next_batch()
        if batch.cuts is None or batch.arrays[0].size > LARGEST:
            arrays = self._feed.finished(batch)[: self.layer.ntops]
            return tuple(self.engine.asarray(a) for a in arrays)
        x, *labels = batch.arrays
        tops = [self._transformed(x, batch.cuts)]
        for label in labels[: self.layer.ntops - 1]:
            tops.append(self._sent("label", label).astype(self.engine.dtype))
        return tuple(tops)

    def backward(self, *tops: Array) -> Any:
        """Return nothing: there are no bottoms."""
        return ()

    def _transformed(self, x: np.ndarray, cuts: list[Any]) -> Array:
        """Return the batch of images."""
        N, C = x.shape[:2]
        _, H, W = self._feed.transform.shape(x.shape[1:])
        y = empty(self.engine.xp, (N, C, H, W), self.engine.dtype, channels_last=True)
        table = np.zeros((3, N), np.int32)
        if cuts:
            tops, _, lefts, _, turned = zip(*cuts, strict=True)
            table[:] = tops, lefts, turned
        places = self._sent("places", table)
        self.engine._each(
            y, "transform_images", y.size,
            self._sent("images", x), *self._shapes(x.shape), *places, self._mean, y,
            N, C, H, W, self._kind, float(self._feed.transform.scale), False,
        )  # fmt: skip
        return y

    def _sent(self, name: str, values: np.ndarray) -> Array:
        """Return an array of the card that gets the values, the same for all passes."""
        known = self._ways.get(name)
        if known is None or known[1].shape != values.shape:
            target = self.engine.xp.empty(values.shape, values.dtype)
            known = self._ways[name] = Upload(self.engine.device, target), target
        way, target = known
        way.send(values)
        return target

    def _shapes(self, shape: Any) -> tuple[Array, Array, Array]:
        """Return where each image starts, its height and its width."""
        if shape not in self._sizes:
            N, C, H, W = shape
            starts = np.arange(N, dtype=np.int64) * (C * H * W)
            sizes = np.full((2, N), [[H], [W]], np.int32)
            asarray = self.engine.xp.asarray
            self._sizes[shape] = asarray(starts), *asarray(sizes)
        return self._sizes[shape]

    def _means(self) -> tuple[Array | None, int]:
        """Return what is taken away, in C order, and of which kind it is."""
        transform = self._feed.transform
        acc = np.dtype(self.engine.dtype)
        if transform.mean_image is not None:
            image = np.ascontiguousarray(transform.mean_image, acc)
            return self.engine.xp.asarray(image), 3
        values = transform.mean_value
        if not values:
            return None, 0
        return self.engine.xp.asarray(np.array(values, acc)), 1 if len(values) == 1 else 2
