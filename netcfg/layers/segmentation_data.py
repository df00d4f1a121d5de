"""Layers that read images with an image of labels for each."""

from typing import Any, ClassVar

import numpy as np

from netcfg.data.mean import Mean, read_mean
from netcfg.data.prefetch import Prefetch
from netcfg.data.segmentation import Cutting, SegmentationFeed, SegmentationList
from netcfg.errors import NetError
from netcfg.layer import register
from netcfg.layers.data import PREFETCH, FeedLayer, decoders
from netcfg.netcfg_pb2 import ImageDataParameter
from netcfg.types import Phase, Shape


class SegmentationLayer(FeedLayer):
    """Base of the layers with an image of labels for each image."""

    tops: ClassVar[tuple[int, int | None]] = (1, 2)

    def reshape(self) -> tuple[Shape, ...]:
        return self._segments.shapes()[: self.ntops]

    def _open(self, config: Any, labels: str, cutting: Cutting) -> None:
        """Make batches of the list that ``config`` names; workers start with the first."""
        self._check_batch_size(config.batch_size)
        if bool(config.new_height) != bool(config.new_width):
            raise NetError(
                "new_height and new_width must be set together; "
                f"given {config.new_height} and {config.new_width}"
            )
        draws = self._draws()
        source = SegmentationList(
            self._find_data(config.source),
            labels=labels,
            root=self._root(config.root_folder),
            color=config.is_color,
            size=(config.new_height, config.new_width) if config.new_height else None,
            shuffle=draws if config.shuffle else None,
            blank=cutting.fill,
        )
        self.feed = self._segments = SegmentationFeed(
            source,
            cutting,
            config.batch_size,
            draws,
            skip=draws.skip(config.rand_skip),
            tolerate=self.context.skip_bad_data,
        )
        self.prefetch = Prefetch(self.feed, PREFETCH, decoders(PREFETCH))

    def _cutting(self, crop: tuple[int, int], mirror: bool, mean_file: str, fill: int) -> Cutting:
        """Return what ``transform_param`` and the layer's own message make of images."""
        config = self.config.transform_param
        size = config.crop_size
        if (size and any(crop)) or bool(crop[0]) != bool(crop[1]):
            raise NetError("a crop is crop_size, or both a height and a width; given another mix")
        if mean_file and config.mean_value:
            raise NetError("transform_param: mean_file and mean_value exclude each other")
        mean: Mean | None = None
        if mean_file:
            mean = self.mean = read_mean(self._find_data(mean_file))
        elif config.mean_value:
            mean = np.array(config.mean_value, np.float32).reshape(-1, 1, 1)
        return Cutting(
            crop=(size, size) if size else crop,
            mirror=mirror or config.mirror,
            random=self.phase == Phase.TRAIN,
            scale=config.scale,
            mean=mean,
            fill=fill,
            factors=tuple(config.scale_factors),
        )


@register("DenseImageData")
class DenseImageData(SegmentationLayer):
    """Images and images of labels that a text file lists, ``image labels`` a line.

    tops: data (N, C, H, W), labels (N, 1, H, W) if asked for

    Both are cut and mirrored alike, as ``crop_height`` and ``crop_width`` or ``transform_param``
    say; crops are random in TRAIN and in the middle otherwise. Labels are gray values, or the
    indices of a palette. From SegNet, where crops and mirroring were not possible at first.
    """

    reads = ("dense_image_data_param", "transform_param")

    def setup(self) -> None:
        super().setup()
        config = self.config.dense_image_data_param
        mean = config.mean_file or self.config.transform_param.mean_file
        crop = config.crop_height, config.crop_width
        self._open(config, "pixel", self._cutting(crop, config.mirror, mean, fill=255))


@register("ImageSegData")
class ImageSegData(SegmentationLayer):
    """Images and images of labels that a text file lists, ``image labels`` a line.

    tops: data (N, C, H, W), labels (N, 1, H, W) and heights and widths (N, 1, 1, 2) if asked for

    ``label_type: PIXEL`` has labels in a second image; IMAGE, the default, a number that all pixels
    take; NONE no second column, and the label ``ignore_label`` everywhere. Both images are cut and
    mirrored alike, after they were resized by one of ``scale_factors``; where a crop is larger than
    the image, zeros after the mean stand below and to the right, with that label. From DeepLab.
    """

    tops = (1, 3)
    reads = ("image_data_param", "transform_param")
    forks = (
        "image_data_param.ignore_label",
        "image_data_param.label_type",
        "transform_param.crop_h",
        "transform_param.crop_w",
        "transform_param.scale_factors",
    )

    def setup(self) -> None:
        super().setup()
        config, transform = self.config.image_data_param, self.config.transform_param
        if transform.mean_file:
            raise NetError("mean_file is not for ImageSegData; use mean_value")
        if any(factor <= 0 for factor in transform.scale_factors):
            raise NetError(f"scale_factors must be positive; given {list(transform.scale_factors)}")
        crop = transform.crop_h, transform.crop_w
        cutting = self._cutting(crop, False, "", fill=config.ignore_label)
        self._open(config, ImageDataParameter.LabelType.Name(config.label_type).lower(), cutting)
