"""What runs whole layers: kernels of their own, and types of their own."""

from collections.abc import Callable
from typing import Any

from netcfg.engines.cuda import forms
from netcfg.engines.cuda.functions import FUNCTIONS, OneFunction, PReLU
from netcfg.engines.cuda.images import Images
from netcfg.engines.cuda.losses import EuclideanLoss, SigmoidLoss, SoftmaxLoss
from netcfg.engines.cuda.regions import RegionPool
from netcfg.netcfg_pb2 import EltwiseParameter, PoolingParameter
from netcfg.types import Array

HOME = "netcfg.layers"
"""The package of the layers that have forms; layers of others are run as they are."""


def _eltwise(x: Any) -> Any:
    kinds = {EltwiseParameter.MAX: forms.Greatest, EltwiseParameter.PROD: forms.Product}
    return kinds.get(x.operation)


def _pooling(x: Any) -> Any:
    return forms.StochasticPool if x.method == PoolingParameter.STOCHASTIC else None


FORMS: dict[str, Callable[[Any], Any]] = {
    "activation.PReLU": lambda x: PReLU,
    "combine.Eltwise": _eltwise,
    "conv3d.Pooling3D": _pooling,
    "data.Data": lambda x: Images,
    "data.ImageData": lambda x: Images,
    "dropout.Dropout": lambda x: forms.Dropout,
    "embed.Embed": lambda x: forms.Embed,
    "loss.EuclideanLoss": lambda x: EuclideanLoss,
    "loss.SigmoidCrossEntropyLoss": lambda x: SigmoidLoss,
    "normalization.LRN": lambda x: forms.WithinLRN if x.within else None,
    "pooling.Pooling": _pooling,
    "rearrange.Flip": lambda x: forms.Moved,
    "rearrange.Permute": lambda x: forms.Moved,
    "rearrange.Reverse": lambda x: forms.Moved,
    "rearrange.Transpose": lambda x: forms.Moved,
    "roi.ROIPooling": lambda x: RegionPool,
    "softmax_loss.SoftmaxWithLoss": lambda x: SoftmaxLoss,
}
"""Modules and classes of layers → their form; None where the layer itself is as quick."""

SHORT = frozenset(
    {
        *("activation.ReLU", "attention.MatMul", "attention.MultiHeadAttention"),
        *("combine.Concat", "combine.Eltwise", "combine.Silence", "combine.Slice", "combine.Split"),
        *("conv.Convolution", "conv.ConvolutionDepthwise", "conv.Deconvolution"),
        *("conv.DepthwiseConvolution", "conv.Im2col", "conv3d.Convolution3D", "conv3d.Pooling3D"),
        *("dropout.DropPath", "dropout.SpatialDropout", "inner_product.InnerProduct"),
        *("layer_norm.LayerNorm", "layer_norm.RMSNorm", "lstm_unit.LSTMUnit"),
        *("normalization.BatchNorm", "normalization.LRN", "pooling.Pooling"),
        *("rearrange.Reorg", "rearrange.ShuffleChannel", "recurrent.LSTM", "recurrent.RNN"),
        *("scaled_norm.ScaledBatchNorm", "shape.Crop", "shape.Flatten", "shape.Reshape"),
        *("shape.Squeeze", "softmax.Softmax", "spp.SPP"),
        *FUNCTIONS,
        *FORMS,
    }
)
"""Modules and classes of layers whose sums are float32 where their blobs are 16-bit floats.

Others are given float32: their sums might overflow.
"""


class Typed:
    """The passes of a layer whose blobs are cast on their way in and out.

    Args:
        engine: whose types blobs and gradients have outside.
        runs: the layer, or what stands for it.
        layer: the layer.
        wide: whether it computes with float32; else with the types of its engine.
    """

    def __init__(self, engine: Any, runs: Any, layer: Any, wide: bool) -> None:
        self.engine, self.runs, self.layer = engine, runs, layer
        self._inner = (engine.dtype,) * 2 if wide else (engine.store, engine.grad_store)
        self._outer = engine.store, engine.grad_store
        self._tops = not layer.auto_tops  # losses are float32

    @property
    def saved(self) -> Any:
        """What the backward pass needs."""
        return self.runs.saved

    @saved.setter
    def saved(self, saved: Any) -> None:
        self.runs.saved = saved

    def forward(self, *bottoms: Array) -> Any:
        """Run the forward pass; see ``Layer.forward``."""
        count, kind = len(bottoms), type(self.layer)
        given = (
            self._cast(x, self._inner[0]) if kind.takes_gradient(i, count) else x
            for i, x in enumerate(bottoms)
        )
        tops = self.runs.forward(*given)
        return self._all(tops, self._outer[0]) if self._tops else tops

    def backward(self, *tops: Array) -> Any:
        """Run the backward pass; see ``Layer.backward``."""
        dys = (self._cast(dy, self._inner[1]) if self._tops else dy for dy in tops)
        return self._all(self.runs.backward(*dys), self._outer[1])

    def _all(self, arrays: Any, dtype: Any) -> Any:
        if isinstance(arrays, tuple):
            return tuple(self._cast(x, dtype) for x in arrays)
        return self._cast(arrays, dtype)

    def _cast(self, x: Any, dtype: Any) -> Any:
        return None if x is None else self.engine._cast(x, dtype)


def form_of(engine: Any, runs: Any) -> Any:
    """Return what runs a layer, None where the layer does it by itself.

    Args:
        engine: of the card.
        runs: a layer, set up, or what carries its arrays to the CPU.

    Losses and scores are float32 everywhere, and what reads files hands over float32.
    """
    layer = getattr(runs, "layer", runs)
    made = _form(engine, layer) if runs is layer else None
    wide = engine.store.itemsize == 2 and not is_short(layer)
    mixed = engine.floats.mixed and not layer.auto_tops
    if layer.differentiable and layer.bottoms[1] != 0 and (wide or mixed):
        return Typed(engine, made or runs, layer, wide)
    return made


def is_short(layer: Any) -> bool:
    """Return whether a layer may be given 16-bit floats."""
    name = _name(layer)
    if name == "scale.Scale":
        return bool(layer.single == 1)  # else its gradients are sums of another kind
    padded = name == "pooling.Pooling" and layer.margins is not None  # with the least float
    return name in SHORT and not padded


def _form(engine: Any, layer: Any) -> Any:
    """Return what runs a layer by kernels."""
    name = _name(layer)
    if name in FUNCTIONS:
        function = FUNCTIONS[name](layer)
        return None if function is None else OneFunction(engine, layer, function)
    form = FORMS[name](layer) if name in FORMS else None
    return None if form is None else form(engine, layer)


def _name(layer: Any) -> str:
    """Return module and class of one of netcfg's layers; nothing for others."""
    home, _, module = type(layer).__module__.rpartition(".")
    return f"{module}.{type(layer).__name__}" if home == HOME else ""
