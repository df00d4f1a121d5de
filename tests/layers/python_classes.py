"""Classes as programs for Caffe write them, for the tests of the Python layer."""

import numpy as np

import netcfg.pycaffe as caffe
from netcfg import Layer


class Times(caffe.Layer):
    """Multiplies by what param_str says."""

    def setup(self, bottom, top):
        self.factor = float(self.param_str or 10)
        self.calls = []

    def reshape(self, bottom, top):
        self.calls.append("reshape")
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        self.calls.append("forward")
        top[0].data[...] = self.factor * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            bottom[0].diff[...] = self.factor * top[0].diff


class Affine:
    """y = w * x + b, z = w²: of no base class, takes the message, learns."""

    def __init__(self, message):
        self.name = message.name

    def setup(self, bottom, top):
        self.blobs.add_blob(*bottom[0].shape[1:])
        self.blobs.add_blob(1)
        self.blobs[0].data[...] = 2

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
        top[1].reshape(*self.blobs[0].shape)

    def forward(self, bottom, top):
        w, b = self.blobs
        top[0].data[...] = w.data * bottom[0].data + b.data
        top[1].data[...] = w.data**2

    def backward(self, top, propagate_down, bottom):
        w, b = self.blobs
        w.diff[...] += (top[0].diff * bottom[0].data).sum(0) + 2 * w.data * top[1].diff
        b.diff[...] += top[0].diff.sum()
        if propagate_down[0]:
            bottom[0].diff[...] = w.data * top[0].diff


class Distance(caffe.Layer):
    """Half the squared distance of two bottoms, a loss."""

    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise Exception("Need two inputs to compute distance.")

    def reshape(self, bottom, top):
        if bottom[0].count != bottom[1].count:
            raise Exception("Inputs must have the same dimension.")
        self.diff = np.zeros_like(bottom[0].data)
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.diff[...] = bottom[0].data - bottom[1].data
        top[0].data[...] = np.sum(self.diff**2) / bottom[0].num / 2.0

    def backward(self, top, propagate_down, bottom):
        for i, sign in enumerate((1, -1)):
            if propagate_down[i]:
                bottom[i].diff[...] = top[0].diff * sign * self.diff / bottom[i].num


class Counter(caffe.Layer):
    """Data: 0, 1, 2, ... in batches that grow by one row after each."""

    def setup(self, bottom, top):
        self.next, self.rows = 0, 2

    def reshape(self, bottom, top):
        top[0].reshape(self.rows, 1)

    def forward(self, bottom, top):
        top[0].data[:, 0] = range(self.next, self.next + self.rows)
        self.next += self.rows
        self.rows += 1


class Positive(caffe.Layer):
    """The values above 0, as many as there are: the shape is known in forward only."""

    def setup(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        chosen = bottom[0].data[bottom[0].data > 0]
        top[0].reshape(*chosen.shape)
        top[0].data[...] = chosen


class Phase(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape()

    def forward(self, bottom, top):
        top[0].data[()] = self.phase


class Fails(caffe.Layer):
    """Raises in the method that param_str names."""

    def setup(self, bottom, top):
        self._fail("setup")

    def reshape(self, bottom, top):
        self._fail("reshape")
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        self._fail("forward")
        if self.param_str == "write":
            bottom[0].data[...] = 0
        if self.param_str == "shape":
            top[0].data[...] = np.zeros(7)

    def backward(self, top, propagate_down, bottom):
        self._fail("backward")

    def _fail(self, where):
        if self.param_str == where:
            raise KeyError(f"no {where} today\nnor tomorrow")


class Keeps(caffe.Layer):
    """In place: halves the values above 1 and lets the others stand."""

    def reshape(self, bottom, top):
        pass

    def forward(self, bottom, top):
        self.above = top[0].data > 1
        top[0].data[self.above] *= 0.5

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[self.above] *= 0.5


class Shapeless(caffe.Layer):
    def forward(self, bottom, top):
        pass


class Cube(Layer):
    """A layer of netcfg."""

    constant_bottoms = (1,)
    bottoms = (2, 2)

    def forward(self, x, scale):
        self.saved = x, scale
        return scale * x**3

    def backward(self, dy):
        x, scale = self.saved
        return (3 * scale * x**2 * dy if self.need[0] else None), None


class Empty:
    pass


NUMBER = 3
