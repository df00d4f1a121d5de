"""Images in, probabilities of classes out."""

from collections.abc import Iterable, Sequence

import numpy as np

from netcfg.pycaffe import io
from netcfg.pycaffe.mode import TEST
from netcfg.pycaffe.net import Net, Path
from netcfg.pycaffe.transformer import Transformer


class ImageNet(Net):
    """A net whose first input is an image, with the transformer that prepares it.

    Args:
        model_file: its prototxt.
        pretrained_file: its weights.
        mean, input_scale, raw_scale, channel_swap: as ``Transformer`` takes them.
    """

    def __init__(
        self,
        model_file: Path,
        pretrained_file: Path,
        mean: np.ndarray | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
    ) -> None:
        super().__init__(model_file, TEST, weights=pretrained_file)
        name = self.inputs[0]
        self.transformer = Transformer({name: self.blobs[name].shape for name in self.inputs})
        self.transformer.set_transpose(name, (2, 0, 1))
        if mean is not None:
            self.transformer.set_mean(name, mean)
        if input_scale is not None:
            self.transformer.set_input_scale(name, input_scale)
        if raw_scale is not None:
            self.transformer.set_raw_scale(name, raw_scale)
        if channel_swap is not None:
            self.transformer.set_channel_swap(name, channel_swap)

    def predict_images(self, images: Iterable[np.ndarray]) -> np.ndarray:
        """Return the first output for images of the net's size, one row each."""
        name = self.inputs[0]
        prepared = np.array([self.transformer.preprocess(name, image) for image in images])
        return self.forward_all(**{name: prepared})[self.outputs[0]]


class Classifier(ImageNet):
    """Classifies whole images.

    Args:
        model_file: prototxt of a net with one input and one output.
        pretrained_file: its weights.
        image_dims: height and width to which images are resized before they are cropped to the
            size of the input; that size by default.
        mean, input_scale, raw_scale, channel_swap: as ``Transformer`` takes them.
    """

    def __init__(
        self,
        model_file: Path,
        pretrained_file: Path,
        image_dims: Sequence[int] | None = None,
        mean: np.ndarray | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
    ) -> None:
        super().__init__(model_file, pretrained_file, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims = np.array(self.blobs[self.inputs[0]].shape[2:])
        self.image_dims = np.array(self.crop_dims if image_dims is None else image_dims)

    def predict(self, inputs: Iterable[np.ndarray], oversample: bool = True) -> np.ndarray:
        """Return class probabilities, a row for each image.

        Args:
            inputs: images (H, W, K).
            oversample: whether to take the mean of ten crops, else only the center.
        """
        images = [io.resize_image(image, self.image_dims) for image in inputs]
        if oversample:
            scores = self.predict_images(io.oversample(images, self.crop_dims))
            return scores.reshape(len(images), 10, -1).mean(axis=1)
        height, width = self.crop_dims
        y, x = (self.image_dims - self.crop_dims) // 2
        return self.predict_images(image[y : y + height, x : x + width] for image in images)
