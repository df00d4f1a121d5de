"""Old nets and solvers → what the schema says today.

The ages, oldest first: V0 nets nest ``layers { layer { … } }``, V1 nets have ``layers { }`` with
types in capitals, current ones ``layer { }`` with quoted types. Each change is an entry of a table
or a step of ``_STEPS``; what is upgraded keeps its place in the file.
"""

from collections.abc import Callable
from typing import Any

from netcfg.errors import SchemaError
from netcfg.forks import Finding
from netcfg.netcfg_pb2 import (
    BlobShape,
    LayerParameter,
    NetParameter,
    ParamSpec,
    SolverParameter,
    Source,
    UnknownField,
    V1LayerParameter,
)
from netcfg.places import place, place_of
from netcfg.prototxt import Parser
from netcfg.prototxt_tokens import Text
from netcfg.prototxt_values import is_repeated
from netcfg.upgrade_v0 import upgrade_v0

Findings = tuple[Finding, ...]

V1_TYPES = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "ELTWISE": "Eltwise",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "EXP": "Exp",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SLICE": "Slice",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "TANH": "TanH",
    "THRESHOLD": "Threshold",
    "WINDOW_DATA": "WindowData",
    # Types that forks added; others follow the rule SEG_ACCURACY → SegAccuracy.
    "BN": "BN",
    "CONVOLUTION3D": "Convolution3D",
    "DECONVOLUTION3D": "Deconvolution3D",
    "ELU": "ELU",
    "LSTM": "LSTM",
    "NORM": "Normalize",
    "POOLING3D": "Pooling3D",
    "VIDEO_DATA": "VideoData",
    "PRELU": "PReLU",
    "RELU6": "ReLU6",
    "ROIPOOLING": "ROIPooling",
    "ROI_POOLING": "ROIPooling",
    "SPP": "SPP",
}
"""Types of V1 layers and what they are called today."""

V1_SPECS = {
    "param": "name",
    "blob_share_mode": "share_mode",
    "blobs_lr": "lr_mult",
    "weight_decay": "decay_mult",
}
"""Lists of V1 layers, one value for each blob, and the field of ``param`` that took their place."""

_LISTS = ("blobs_lr", "weight_decay", "blob_share_mode")

TRANSFORMS = ("scale", "mean_file", "crop_size", "mirror")
"""Fields of data layers that ``transform_param`` took over."""

TRANSFORMED = {
    "DATA": "data_param",
    "IMAGE_DATA": "image_data_param",
    "WINDOW_DATA": "window_data_param",
    "VIDEO_DATA": "image_data_param",
}
"""Data layers, by V1 type, and the block that had them."""

SOLVER_TYPES = {
    "SGD": "SGD",
    "NESTEROV": "Nesterov",
    "ADAGRAD": "AdaGrad",
    "RMSPROP": "RMSProp",
    "ADADELTA": "AdaDelta",
    "ADAM": "Adam",
}
"""Values of ``solver_type`` and what they are called in ``type``."""


def upgrade_net(net: NetParameter) -> tuple[NetParameter, Findings]:
    """Return a net of any age as a current one, and what was upgraded; ``net`` stays as it is.

    Raises:
        SchemaError: the net mixes ages, or what it says has no meaning today.
    """
    if net.layer and net.layers:
        raise SchemaError(
            f"{place(net.layers[0].source)}: 'layers' and 'layer' must not stand in one net; "
            f"'layer' stands at {place(net.layer[0].source)}"
        )
    upgraded = NetParameter()
    upgraded.CopyFrom(net)
    findings: Findings = ()
    for step in _STEPS:
        findings += step(upgraded)
    return upgraded, findings


def upgrade_solver(solver: SolverParameter) -> tuple[SolverParameter, Findings]:
    """Return a solver, and the nets within, as current ones, and what was upgraded.

    Raises:
        SchemaError: ``type`` and the older ``solver_type`` are both given, or as ``upgrade_net``.
    """
    upgraded = SolverParameter()
    upgraded.CopyFrom(solver)
    findings: Findings = ()
    if solver.HasField("solver_type"):
        old = SolverParameter.SolverType.Name(solver.solver_type)
        stood = place_of(solver, "solver_type")
        if solver.HasField("type"):
            raise SchemaError(
                "a solver must have type or the older solver_type, not both; given type: "
                f'"{solver.type}" and solver_type: {old}'
            ).at(stood)
        upgraded.type = SOLVER_TYPES[old]
        upgraded.ClearField("solver_type")
        for field in upgraded.source.field:
            if field.name == "solver_type":
                field.name = "type"
        findings += (Finding("note", stood, f'solver_type: {old} read as type: "{upgraded.type}"'),)
    nets = [upgraded.net_param] if upgraded.HasField("net_param") else []
    nets += [upgraded.train_net_param] if upgraded.HasField("train_net_param") else []
    for net in [*nets, *upgraded.test_net_param]:
        current, found = upgrade_net(net)
        net.CopyFrom(current)
        findings += found
    return upgraded, findings


# Steps: each changes a net in place and says what it did ---------------------------------------


def _from_v0(net: NetParameter) -> Findings:
    """V0 → V1: nested layers, padding as a layer of its own."""
    old = [layer for layer in net.layers if layer.HasField("layer")]
    if not old:
        return ()
    findings = upgrade_v0(net)
    return (_note(old[0].source, f"{len(old)} V0 layers read as V1"), *findings)


def _transforms(net: NetParameter) -> Findings:
    """Move what data layers do to images into ``transform_param``."""
    moved = []
    for layer in net.layers:
        forks = [unknown.text for unknown in layer.unknown if unknown.path == "type"]
        name = TRANSFORMED.get(*forks or [V1LayerParameter.LayerType.Name(layer.type)])
        block = getattr(layer, name) if name else None
        for field in TRANSFORMS:
            if block is not None and block.HasField(field):
                setattr(layer.transform_param, field, getattr(block, field))
                block.ClearField(field)
                moved.append(_note(layer.source, f"{name}.{field} read as transform_param.{field}"))
    return tuple(moved)


def _from_v1(net: NetParameter) -> Findings:
    """V1 → current."""
    if not net.layers:
        return ()
    findings: Findings = (
        _note(net.layers[0].source, f"{len(net.layers)} V1 'layers' read as 'layer'"),
    )
    for old in net.layers:
        findings += _upgrade_layer(old, net.layer.add())
    del net.layers[:]
    return findings


def _stray_specs(net: NetParameter) -> Findings:
    """V1 lists of learning rates and decays in current layers → ``param``."""
    findings: list[Finding] = []
    for layer in net.layer:
        stray = [unknown for unknown in layer.unknown if unknown.path in _LISTS]
        if stray and layer.param:
            raise SchemaError(
                f"{place(stray[0].source)}: a layer must have param or the older "
                f"{stray[0].path}, not both"
            )
        for unknown in stray:
            old = V1LayerParameter()
            findings += _read_again(unknown, old)
            values = getattr(old, unknown.path)
            start = sum(spec.HasField(V1_SPECS[unknown.path]) for spec in layer.param)
            _fill_specs(layer, unknown.path, values, start)
            layer.unknown.remove(unknown)
        if stray:
            message = f"{stray[0].path} read as param {{ {V1_SPECS[stray[0].path]} }}"
            findings.append(_note(stray[0].source, message))
    return tuple(findings)


def _inputs(net: NetParameter) -> Findings:
    """``input`` with its shapes → an Input layer in front."""
    if not net.input:
        return ()
    shapes = list(net.input_shape)
    if not shapes:
        dims = list(net.input_dim)
        shapes = [BlobShape(dim=dims[i : i + 4]) for i in range(0, len(dims), 4)]
    if len(shapes) != len(net.input) or (not net.input_shape and len(net.input_dim) % 4):
        raise SchemaError(
            f"{place(net.source)}: each input must have an input_shape or 4 input_dim; given "
            f"{len(net.input)} input, {len(net.input_shape)} input_shape and "
            f"{len(net.input_dim)} input_dim"
        )
    layer = LayerParameter(name=_free_name(net, "input"), type="Input", top=net.input)
    layer.input_param.shape.extend(shapes)
    layer.source.CopyFrom(net.source)
    rest = list(net.layer)
    del net.layer[:]
    net.layer.extend([layer, *rest])
    for field in ("input", "input_shape", "input_dim"):
        net.ClearField(field)
    return (_note(net.source, "input read as a layer of type Input"),)


def _batch_norms(net: NetParameter) -> Findings:
    """Keep solvers away from the statistics of BatchNorm, which stand where parameters do."""
    findings = []
    for layer in net.layer:
        if layer.type != "BatchNorm" or len(layer.param) not in (0, 3):
            continue
        if any(spec.lr_mult or spec.decay_mult for spec in layer.param):
            findings.append(_note(layer.source, "lr_mult and decay_mult of BatchNorm read as 0"))
        while len(layer.param) < 3:
            layer.param.add()
        for spec in layer.param:
            spec.lr_mult = spec.decay_mult = 0
    return tuple(findings)


def _idle_transforms(net: NetParameter) -> Findings:
    """Say which fields have had no effect since ``transform_param`` took them over."""
    findings = []
    for layer in net.layer:
        for name in ("data_param", "image_data_param", "window_data_param"):
            block = getattr(layer, name) if layer.HasField(name) else None
            for field in TRANSFORMS:
                # Caffe's WindowData alone still reads its own scale.
                if block is None or not block.HasField(field) or _reads_scale(name, field):
                    continue
                message = (
                    f"{name}.{field} has no effect in 'layer'; write transform_param {{ {field} }}"
                )
                findings.append(Finding("warning", place(layer.source), message))
    return tuple(findings)


def _reads_scale(block: str, field: str) -> bool:
    return block == "window_data_param" and field == "scale"


_STEPS: tuple[Callable[[NetParameter], Findings], ...] = (
    _from_v0,
    _transforms,
    _from_v1,
    _stray_specs,
    _inputs,
    _batch_norms,
    _idle_transforms,
)


# V1 layers -------------------------------------------------------------------------------------


def _upgrade_layer(old: V1LayerParameter, layer: LayerParameter) -> Findings:
    """Fill ``layer`` with what the V1 layer says."""
    layer.type = _type_name(V1LayerParameter.LayerType.Name(old.type))
    for field, value in old.ListFields():
        if field.name in V1_SPECS:
            _fill_specs(layer, field.name, value)
        elif field.name not in ("type", "layer", "unknown"):
            target: Any = getattr(layer, field.name)
            if is_repeated(field):
                target.extend(value)
            elif field.message_type is not None:
                target.CopyFrom(value)
            else:
                setattr(layer, field.name, value)
    findings: Findings = ()
    for unknown in old.unknown:
        findings += _place_unknown(unknown, layer)
    return findings


def _fill_specs(layer: LayerParameter, field: str, values: Any, start: int = 0) -> None:
    """Put the values of a V1 list into ``param``, one after the other from ``start`` on."""
    for i, value in enumerate(values, start):
        if i == len(layer.param):
            layer.param.add()
        if field == "blob_share_mode":
            value = ParamSpec.DimCheckMode.Value(V1LayerParameter.DimCheckMode.Name(value))
        setattr(layer.param[i], V1_SPECS[field], value)


def _place_unknown(unknown: UnknownField, layer: LayerParameter) -> Findings:
    """Give a field that V1 layers lack to a layer of today, which may know it."""
    if unknown.path == "type":
        old = unknown.text.strip("\"'")
        quoted = old != unknown.text
        layer.type = old if quoted else _type_name(old)
        return (_note(unknown.source, f'type: {unknown.text} read as "{layer.type}"'),)
    if unknown.path not in LayerParameter.DESCRIPTOR.fields_by_name:
        layer.unknown.add().CopyFrom(unknown)
        return ()
    return _read_again(unknown, layer)


def _read_again(unknown: UnknownField, into: LayerParameter | V1LayerParameter) -> Findings:
    """Read the text of an unknown field into a message that knows it."""
    source = Source()
    source.CopyFrom(into.source)
    colon = "" if unknown.text[0] in "{<" else ":"
    at = unknown.source
    parser = Parser(Text(f"{unknown.path}{colon} {unknown.text}", at.file, at.line, at.column))
    parser.read(into)
    into.source.CopyFrom(source)
    return parser.findings


def _type_name(v1: str) -> str:
    """Return what a V1 type is called today.

    >>> _type_name("SOFTMAX_LOSS"), _type_name("SEG_ACCURACY")
    ('SoftmaxWithLoss', 'SegAccuracy')
    """
    if v1 in V1_TYPES:
        return V1_TYPES[v1]
    return "".join(word.capitalize() for word in v1.split("_"))


# Words and places ------------------------------------------------------------------------------


def _free_name(net: NetParameter, name: str) -> str:
    taken = {layer.name for layer in net.layer}
    while name in taken:
        name += "_"
    return name


def _note(source: Source, message: str) -> Finding:
    return Finding("note", place(source), message)
