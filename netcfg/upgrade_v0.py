"""V0 layers, ``layers { layer { type: "conv" … } }``, → V1 layers."""

from collections.abc import Sequence
from typing import Any

from netcfg.errors import SchemaError, nearest
from netcfg.forks import Finding
from netcfg.netcfg_pb2 import NetParameter, V0LayerParameter, V1LayerParameter
from netcfg.places import place
from netcfg.prototxt_printer import to_text
from netcfg.prototxt_values import is_repeated, print_scalar

V0_TYPES = {
    "accuracy": "ACCURACY",
    "bnll": "BNLL",
    "concat": "CONCAT",
    "conv": "CONVOLUTION",
    "data": "DATA",
    "dropout": "DROPOUT",
    "euclidean_loss": "EUCLIDEAN_LOSS",
    "flatten": "FLATTEN",
    "hdf5_data": "HDF5_DATA",
    "hdf5_output": "HDF5_OUTPUT",
    "im2col": "IM2COL",
    "images": "IMAGE_DATA",
    "infogain_loss": "INFOGAIN_LOSS",
    "innerproduct": "INNER_PRODUCT",
    "lrn": "LRN",
    "multinomial_logistic_loss": "MULTINOMIAL_LOGISTIC_LOSS",
    "pool": "POOLING",
    "relu": "RELU",
    "sigmoid": "SIGMOID",
    "softmax": "SOFTMAX",
    "softmax_loss": "SOFTMAX_LOSS",
    "split": "SPLIT",
    "tanh": "TANH",
    "window_data": "WINDOW_DATA",
}
"""Types of V0 layers as V1 has them; ``padding`` became a field of the next layer."""

PARAMS = {
    "concat": "concat_param",
    "conv": "convolution_param",
    "data": "data_param",
    "dropout": "dropout_param",
    "hdf5_data": "hdf5_data_param",
    "hdf5_output": "hdf5_output_param",
    "images": "image_data_param",
    "infogain_loss": "infogain_loss_param",
    "innerproduct": "inner_product_param",
    "lrn": "lrn_param",
    "pool": "pooling_param",
    "window_data": "window_data_param",
}
"""The block that took the fields of a V0 type."""

V0_FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "num_output": ("num_output", ("conv", "innerproduct")),
    "biasterm": ("bias_term", ("conv", "innerproduct")),
    "weight_filler": ("weight_filler", ("conv", "innerproduct")),
    "bias_filler": ("bias_filler", ("conv", "innerproduct")),
    "pad": ("pad", ("conv", "pool")),
    "kernelsize": ("kernel_size", ("conv", "pool")),
    "group": ("group", ("conv",)),
    "stride": ("stride", ("conv", "pool")),
    "pool": ("pool", ("pool",)),
    "dropout_ratio": ("dropout_ratio", ("dropout",)),
    "local_size": ("local_size", ("lrn",)),
    "alpha": ("alpha", ("lrn",)),
    "beta": ("beta", ("lrn",)),
    "k": ("k", ("lrn",)),
    "source": ("source", ("data", "hdf5_data", "images", "window_data", "infogain_loss")),
    "batchsize": ("batch_size", ("data", "hdf5_data", "images", "window_data")),
    "rand_skip": ("rand_skip", ("data", "images")),
    "shuffle_images": ("shuffle", ("images",)),
    "new_height": ("new_height", ("images",)),
    "new_width": ("new_width", ("images",)),
    "concat_dim": ("concat_dim", ("concat",)),
    "det_fg_threshold": ("fg_threshold", ("window_data",)),
    "det_bg_threshold": ("bg_threshold", ("window_data",)),
    "det_fg_fraction": ("fg_fraction", ("window_data",)),
    "det_context_pad": ("context_pad", ("window_data",)),
    "det_crop_mode": ("crop_mode", ("window_data",)),
}
"""Fields of V0 layers: their name today, and the types whose block has them."""

TRANSFORMS = {
    "scale": "scale",
    "meanfile": "mean_file",
    "cropsize": "crop_size",
    "mirror": "mirror",
}
"""Fields of V0 layers that went to ``transform_param``."""

COPIED = ("name", "blobs", "blobs_lr", "weight_decay", "hdf5_output_param")
"""Fields of V0 layers that V1 layers have as they were."""


def upgrade_v0(net: NetParameter) -> tuple[Finding, ...]:
    """Turn the V0 layers of a net into V1 layers, in place.

    Raises:
        SchemaError: a layer is of no V0 type, or padding stands where it cannot be folded.
    """
    _fold_padding(net)
    findings: list[Finding] = []
    for layer in net.layers:
        if layer.HasField("layer"):
            findings += _upgrade(layer)
    return tuple(findings)


def _fold_padding(net: NetParameter) -> None:
    """Let the reader of a padding layer pad, and drop the padding layer."""
    maker: dict[str, V1LayerParameter] = {}
    for layer in net.layers:
        for i, bottom in enumerate(layer.bottom):
            source = maker.get(bottom)
            if source is None or source.layer.type != "padding":
                continue
            if layer.layer.type not in ("conv", "pool") or len(layer.bottom) != 1:
                raise SchemaError(
                    "padding must lead to a conv or pool layer with one bottom; it leads to "
                    f"'{layer.layer.name or layer.name}' ({layer.layer.type}) with "
                    f"{len(layer.bottom)}"
                ).at(place(source.source))
            if len(source.bottom) != 1 or len(source.top) != 1:
                raise SchemaError(
                    "padding must have one bottom and one top; given "
                    f"{len(source.bottom)} and {len(source.top)}"
                ).at(place(source.source))
            layer.layer.pad = source.layer.pad
            layer.bottom[i] = source.bottom[0]
        maker.update(dict.fromkeys(layer.top, layer))
    kept = [layer for layer in net.layers if layer.layer.type != "padding"]
    del net.layers[:]
    net.layers.extend(kept)


def _upgrade(layer: V1LayerParameter) -> list[Finding]:
    """Turn one layer into V1; what its type has no place for becomes an unknown field."""
    old = V0LayerParameter()
    old.CopyFrom(layer.layer)
    layer.ClearField("layer")
    for unknown in layer.unknown:
        unknown.path = unknown.path.removeprefix("layer.")
    if old.HasField("type"):
        if old.type not in V0_TYPES:
            raise SchemaError(
                f"{place(layer.source)}: layer '{old.name}': unknown V0 type '{old.type}'"
                f"{nearest(old.type, [*V0_TYPES, 'padding'])}"
            )
        layer.type = V1LayerParameter.LayerType.Value(V0_TYPES[old.type])  # type: ignore[assignment]
    findings = []
    for field, value in old.ListFields():
        if field.name == "type":
            continue
        target, name = _destination(layer, old.type, field.name)
        if target is None:
            findings.append(_misplaced(layer, old, field, value))
        else:
            _assign(target, name, value if is_repeated(field) else [value])
    return findings


def _destination(layer: V1LayerParameter, kind: str, field: str) -> tuple[Any, str]:
    """Return where a V0 field goes, a message and a field of it; None if nowhere."""
    if field in COPIED:
        return layer, field
    if field in TRANSFORMS:
        return layer.transform_param, TRANSFORMS[field]
    name, kinds = V0_FIELDS.get(field, ("", ()))
    return (getattr(layer, PARAMS[kind]), name) if kind in kinds else (None, "")


def _assign(target: Any, name: str, values: Sequence[Any]) -> None:
    field = target.DESCRIPTOR.fields_by_name[name]
    if is_repeated(field):
        getattr(target, name).extend(values)
    elif field.message_type is not None:
        getattr(target, name).CopyFrom(values[0])
    else:
        setattr(target, name, values[0])


def _misplaced(layer: V1LayerParameter, old: V0LayerParameter, field: Any, value: Any) -> Finding:
    """Keep a field that a layer of this type has no use for."""
    text = f"{{ {to_text(value)} }}" if field.message_type else print_scalar(field, value)
    unknown = layer.unknown.add(path=field.name, text=text, origin="V0 layers of other types")
    unknown.source.CopyFrom(layer.source)
    return Finding(
        "warning",
        place(layer.source),
        f"V0 layer '{old.name}' ({old.type}) has no use for '{field.name}'",
    )
