"""A data layer in Python: images with several digits, and which digits are on them."""

import json

import caffe
import numpy as np
from sklearn.datasets import load_digits


class DigitsLayer(caffe.Layer):
    """Tops: images (N, 1, 8, 8·D) of D digits side by side, and labels (N, 10) of 0 and 1.

    ``param_str`` is JSON: ``{"batch_size": N, "digits": D, "split": "train" or "test"}``.
    """

    def setup(self, bottom, top):
        params = json.loads(self.param_str)
        self.batch_size, self.digits = params["batch_size"], params["digits"]
        test = params["split"] == "test"
        digits = load_digits()
        chosen = slice(1437, None) if test else slice(1437)
        self.images = (digits.images[chosen] / 16).astype(np.float32)
        self.labels = digits.target[chosen]
        self.random = np.random.default_rng(2 if test else 1)
        top[0].reshape(self.batch_size, 1, 8, 8 * self.digits)
        top[1].reshape(self.batch_size, 10)

    def reshape(self, bottom, top):
        """The shapes never change."""

    def forward(self, bottom, top):
        chosen = self.random.integers(len(self.images), size=(self.batch_size, self.digits))
        top[0].data[:, 0] = np.concatenate(
            [self.images[chosen[:, i]] for i in range(self.digits)], axis=2
        )
        top[1].data[...] = 0
        for i in range(self.digits):
            top[1].data[np.arange(self.batch_size), self.labels[chosen[:, i]]] = 1

    def backward(self, top, propagate_down, bottom):
        """Data has nothing below it."""
