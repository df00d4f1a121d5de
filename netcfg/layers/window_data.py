"""Windows of images, as R-CNN trains on them."""

import numpy as np

from netcfg.data.mean import Mean, read_mean
from netcfg.data.prefetch import Prefetch
from netcfg.data.warp import Warp
from netcfg.data.windows import COLOURS, WindowFeed, WindowList
from netcfg.errors import NetError
from netcfg.layer import register
from netcfg.layers.data import PREFETCH, FeedLayer, decoders
from netcfg.types import Shape

MODES = ("warp", "square")


@register("WindowData")
class WindowData(FeedLayer):
    """Windows of images that a text file lists, background and objects drawn at random.

    tops: data (N, 3, crop_size, crop_size), label (N,)

    The last ⌊N · fg_fraction⌋ of a batch are objects, the others background, of class 0. Pixels of
    the square that lie beyond the image are 0 after the mean. ``mirror`` works in every phase.

    The factor is ``window_data_param.scale``, as in Caffe, which overlooks that of
    ``transform_param``, where it puts what old files say. Here that one holds if it alone is given.
    """

    tops = (2, 2)
    reads = ("window_data_param", "transform_param")

    def setup(self) -> None:
        super().setup()
        config, transform = self.config.window_data_param, self.config.transform_param
        self._check_batch_size(config.batch_size)
        if config.crop_mode not in MODES:
            raise NetError(f"crop_mode must be 'warp' or 'square'; given '{config.crop_mode}'")
        if not 0 <= config.fg_fraction <= 1:
            raise NetError(f"fg_fraction must lie in [0, 1]; given {config.fg_fraction:g}")
        self._warp = Warp(
            transform.crop_size,
            context=config.context_pad,
            square=config.crop_mode == "square",
            mean=self._mean(),
            scale=self._scale(),
        )
        windows = WindowList(
            self._find_data(config.source),
            root=self._root(config.root_folder),
            objects=config.fg_threshold,
            background=config.bg_threshold,
        )
        self.feed = WindowFeed(
            windows,
            self._warp,
            config.batch_size,
            config.fg_fraction,
            self._draws(),
            mirror=transform.mirror,
            keep=config.cache_images,
            tolerate=self.context.skip_bad_data,
        )
        self.prefetch = Prefetch(self.feed, PREFETCH, decoders(PREFETCH))

    def reshape(self) -> tuple[Shape, ...]:
        count, edge = self.config.window_data_param.batch_size, self._warp.size
        return (count, COLOURS, edge, edge), (count,)

    def _mean(self) -> Mean | None:
        config = self.config.transform_param
        values = config.mean_value
        if config.mean_file and values:
            raise NetError("transform_param: mean_file and mean_value exclude each other")
        if config.mean_file:
            return read_mean(self._find_data(config.mean_file))
        if len(values) not in (0, 1, COLOURS):
            raise NetError(
                f"mean_value must be given once or for each of the {COLOURS} channels; "
                f"given {len(values)}"
            )
        return np.array(values, np.float32).reshape(-1, 1, 1) if values else None

    def _scale(self) -> float:
        own, transform = self.config.window_data_param, self.config.transform_param
        if own.HasField("scale") and transform.HasField("scale") and own.scale != transform.scale:
            raise NetError(
                "window_data_param.scale and transform_param.scale must be the same if both are "
                f"given; given {own.scale:g} and {transform.scale:g}"
            )
        return own.scale if own.HasField("scale") else transform.scale
