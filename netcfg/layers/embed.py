"""Vectors for words: a table of learned rows."""

from netcfg.errors import NetError
from netcfg.layer import Layer, register
from netcfg.layers.labels import class_indices
from netcfg.types import Array, Shape


@register("Embed")
class Embed(Layer):
    """The row of a learned table for each index: an inner product with a one-hot vector.

    y = W[x] + b        x: any shape, whole numbers   W: (input_dim, num_output)   b: (num_output,)
    dW[k] = Σ dy where x = k,  db = Σ dy        y: x's shape and one axis more, num_output long
    """

    constant_bottoms = (0,)
    reads = ("embed_param",)

    def setup(self, x: Shape) -> None:
        param = self.config.embed_param
        for name in ("num_output", "input_dim"):
            if getattr(param, name) < 1:
                raise NetError(f"embed_param: {name} must be at least 1")
        self.param((param.input_dim, param.num_output), param.weight_filler)
        if param.bias_term:
            self.param((param.num_output,), param.bias_filler)

    def reshape(self, x: Shape) -> Shape:
        return (*x, self.config.embed_param.num_output)

    def forward(self, x: Array) -> Array:
        weight, *bias = self.params
        rows, valid = class_indices(self.xp, x, weight.shape[0], what="index", unit="rows")
        self.saved = rows.reshape(-1)
        y = weight.data[rows] * valid[..., None]
        return y + bias[0].data if bias else y

    def backward(self, dy: Array) -> Array:
        weight, *bias = self.params
        rows = dy.reshape(-1, dy.shape[-1])  # (M, num_output)
        grad = self.xp.zeros(weight.shape, dy.dtype)
        self.xp.add.at(grad, self.saved, rows)
        weight.add_grad(grad)
        if bias:
            bias[0].add_grad(rows.sum(axis=0))
