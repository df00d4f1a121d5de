"""The Euclidean loss as a layer in Python: ``python_param { module: "pyloss" layer: ... }``."""

import caffe
import numpy as np


class EuclideanLossLayer(caffe.Layer):
    """loss = Σ (a − b)² / 2N, with N the size of the batch; both bottoms get gradients."""

    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise ValueError(f"two bottoms are compared; given {len(bottom)}")

    def reshape(self, bottom, top):
        if bottom[0].count != bottom[1].count:
            raise ValueError(f"bottoms differ in size: {bottom[0].shape} and {bottom[1].shape}")
        self.difference = np.zeros(bottom[0].shape, np.float32)
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.difference[...] = bottom[0].data - bottom[1].data.reshape(bottom[0].shape)
        top[0].data[...] = np.sum(self.difference**2) / bottom[0].num / 2

    def backward(self, top, propagate_down, bottom):
        for i, sign in enumerate((1, -1)):
            if propagate_down[i]:
                gradient = sign * top[0].diff[0] * self.difference / bottom[i].num
                bottom[i].diff[...] = gradient.reshape(bottom[i].shape)
