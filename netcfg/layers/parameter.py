"""A learned blob as a layer of its own."""

from netcfg.errors import NetError
from netcfg.layer import Layer, register
from netcfg.types import Array, Shape


@register("Parameter")
class Parameter(Layer):
    """A learned array, zeros at first, that layers above read like any blob.

    y = w        w, y: ``parameter_param.shape``
    dw = dy

    caffe-windows' ``blob_filler`` gives it other values to begin with.
    """

    bottoms = (0, 0)
    reads = ("parameter_param",)
    forks = ("parameter_param.blob_filler",)

    def setup(self) -> None:
        param = self.config.parameter_param
        shape = tuple(param.shape.dim)
        if any(n < 1 for n in shape):
            raise NetError(f"parameter_param.shape must have positive dims; given {shape}")
        self.param(shape, param.blob_filler)

    def reshape(self) -> Shape:
        return self.params[0].shape

    def forward(self) -> Array:
        # A copy: what is handed out must not change when the solver updates the parameter.
        return self.params[0].data.copy()

    def backward(self, dy: Array) -> tuple[()]:
        if self.params[0].lr_mult != 0:
            self.params[0].add_grad(dy)
        return ()
