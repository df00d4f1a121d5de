"""Windows of images in, scores of classes out, as R-CNN does it."""

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from netcfg.errors import NetError
from netcfg.pycaffe import io
from netcfg.pycaffe.classifier import ImageNet
from netcfg.pycaffe.net import Path

Window = Sequence[float] | np.ndarray


class Detector(ImageNet):
    """Classifies windows of images.

    Args:
        model_file: prototxt of a net with one square input and one output.
        pretrained_file: its weights.
        mean, input_scale, raw_scale, channel_swap: as ``Transformer`` takes them.
        context_pad: pixels of the input that show what surrounds a window; 0 for none.
    """

    def __init__(
        self,
        model_file: Path,
        pretrained_file: Path,
        mean: np.ndarray | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
        context_pad: int | None = None,
    ) -> None:
        super().__init__(model_file, pretrained_file, mean, input_scale, raw_scale, channel_swap)
        self.configure_crop(context_pad)

    def configure_crop(self, context_pad: int | None) -> None:
        """Choose how much context surrounds a window; outside of an image lies the mean."""
        name = self.inputs[0]
        _, channels, height, width = self.blobs[name].shape
        self.crop_dims = np.array([height, width, channels])
        self.context_pad = context_pad or 0
        # What the transformer makes zeros of, as an image.
        plain = np.zeros((channels, height, width), np.float32)
        self.crop_mean = self.transformer.deprocess(name, plain).reshape(self.crop_dims)

    def detect_windows(
        self, images_windows: Iterable[tuple[str, Iterable[Window]]]
    ) -> list[dict[str, Any]]:
        """Classify windows.

        Args:
            images_windows: for each image its file and windows: top, left, bottom, right.

        Returns:
            For each window a dict of ``window``, ``prediction`` and ``filename``.
        """
        crops: list[np.ndarray] = []
        found: list[dict[str, Any]] = []
        for filename, windows in images_windows:
            image = io.load_image(filename)
            for window in windows:
                crops.append(self.crop(image, window))
                found.append({"window": window, "prediction": None, "filename": filename})
        if not crops:
            return []
        scores = self.predict_images(crops)
        for entry, row in zip(found, scores.reshape(len(scores), -1), strict=True):
            entry["prediction"] = row
        return found

    def detect_selective_search(self, image_fnames: Iterable[str]) -> list[dict[str, Any]]:
        """Classify the windows that selective search proposes.

        Raises:
            NetError: the package ``selective_search_ijcv_with_python`` is not at hand.
        """
        files = [str(name) for name in image_fnames]
        try:
            search = import_module("selective_search_ijcv_with_python")
        except ModuleNotFoundError as error:
            raise NetError(
                "selective search needs the package 'selective_search_ijcv_with_python' and "
                "MATLAB; propose windows by other means and use detect_windows"
            ) from error
        windows = search.get_windows(files, cmd="selective_search_rcnn")
        return self.detect_windows(zip(files, windows, strict=True))

    def crop(self, im: np.ndarray, window: Window) -> np.ndarray:
        """Return a window of an image, with its context in the size of the input if asked for."""
        top, left, bottom, right = (int(v) for v in window)
        if not self.context_pad:
            return im[top:bottom, left:right]
        size = int(self.blobs[self.inputs[0]].width)
        box = self._with_context(np.array([top, left, bottom, right], float), size)
        limits = np.tile(im.shape[:2], 2)
        inside = np.clip(box, 0, limits).astype(int)
        scale = size / (box[2:] - box[:2] + 1)
        offset = np.rint(np.maximum(0, -box[:2]) * scale).astype(int)
        extent = np.rint((inside[2:] - inside[:2] + 1) * scale).astype(int)
        extent = np.minimum(extent, size - offset)
        part = io.resize_image(im[inside[0] : inside[2], inside[1] : inside[3]], extent.tolist())
        crop = self.crop_mean.copy()
        crop[offset[0] : offset[0] + extent[0], offset[1] : offset[1] + extent[1]] = part
        return crop

    def _with_context(self, box: np.ndarray, size: int) -> np.ndarray:
        """Grow a window so that ``context_pad`` pixels of the input surround it."""
        scale = size / (size - 2 * self.context_pad)
        half = (box[2:] - box[:2] + 1) / 2
        center = box[:2] + half
        return np.rint(np.concatenate([center - scale * half, center + scale * half]))
