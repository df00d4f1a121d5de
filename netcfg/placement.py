"""Where layers run on an engine of another memory than the CPU's, and what cuts recorded steps.

Layers that are not named here, of plugins too, run on the CPU, with their arrays carried over: that
is right for any layer. One that computes with ``self.engine`` and ``self.xp`` alone may say so with
a class attribute, ``place = "device"``, or ``place = "recorded"`` where its passes also never wait
for the device, draw no numbers of their own and keep nothing from one pass to the next, except in
arrays that ``state`` returns and that each pass writes to in place.
"""

from typing import Any, Literal

Place = Literal["host", "device", "recorded"]

_RECORDED = (
    "AbsVal Accuracy Axpy BNLL BatchNorm Bias ChannelScale Clip Concat ContrastiveLoss "
    "Convolution Convolution3D ConvolutionDepthwise Crop Deconvolution Deconvolution3D "
    "DepthwiseConvolution "
    "DropPath Dropout ELU Eltwise Embed EuclideanLoss Exp Flatten Flip GELU GroupNorm HardSwish "
    "HingeLoss Im2col InnerProduct L1Loss LRN LSTM LSTMUnit LayerNorm Log MVN MatMul "
    "MultiHeadAttention MultinomialLogisticLoss PReLU Parameter Permute Pooling Pooling3D Power "
    "RMSNorm RNN ReLU ReLU6 Reduction Reshape Reverse SPP Scale ShuffleChannel SiLU Sigmoid "
    "SigmoidCrossEntropyLoss Silence Slice SmoothL1Loss Softmax SoftmaxWithLoss SpatialDropout "
    "Split Squeeze Swish TanH Threshold Tile Transpose"
)

RECORDED = frozenset(_RECORDED.split())
"""Types whose passes are only work queued on the device."""

UNKNOWN = "is not known to be recordable"

DEVICE = {
    "AnnotatedData": "reads files",
    "ArgMax": "sorts",
    "BN": "waits for statistics",
    "BatchReindex": "reads which rows to take",
    "CenterLoss": UNKNOWN,
    "Data": "reads files",
    "DenseImageData": "reads files",
    "DummyData": "draws its values on the CPU",
    "Filter": "has as many items as its selector says",
    "FocalLoss": UNKNOWN,
    "HDF5Data": "reads files",
    "ImageData": "reads files",
    "ImageSegData": "reads files",
    "InfogainLoss": UNKNOWN,
    "Input": "is fed by the program",
    "Interp": UNKNOWN,
    "LabelSpecificAdd": UNKNOWN,
    "MarginInnerProduct": UNKNOWN,
    "MemoryData": "is fed by the program",
    "Normalize": UNKNOWN,
    "ROIPooling": "checks its regions on the CPU",
    "Reorg": UNKNOWN,
    "SegAccuracy": UNKNOWN,
    "TripletLoss": UNKNOWN,
    "VideoData": "reads files",
    "WindowData": "reads files",
}
"""Types that run on the device but cannot be recorded, and why."""

HOST = "has no form for the device and runs on the CPU"


def place_of(kind: Any, name: str) -> Place:
    """Return where a layer runs.

    Args:
        kind: its class.
        name: its type, as the prototxt has it.
    """
    own: Place | None = getattr(kind, "place", None)
    if own is not None:
        return own
    if name in RECORDED:
        return "recorded"
    return "device" if name in DEVICE else "host"


def reason_of(layer: Any) -> str:
    """Return why a layer cuts recorded steps; nothing where it does not."""
    name = layer.type
    place = place_of(type(layer), name)
    if place == "host":
        return HOST
    if place == "device":
        return DEVICE.get(name, "says that it cannot be recorded")
    pools = name in ("Pooling", "Pooling3D") and getattr(layer, "method", 0) == STOCHASTIC
    if pools and len(layer.stride) > KERNEL_AXES:
        return "draws its places on the CPU"
    if name == "Accuracy" and layer.ntops > 1:
        return "counts its classes on the CPU"
    return ""


KERNEL_AXES = 3
"""Spatial axes that kernels know."""

STOCHASTIC = 2
"""``PoolingParameter.STOCHASTIC``."""
