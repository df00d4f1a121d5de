"""Layers whose class a prototxt names: written for Caffe, or for netcfg."""

import importlib
import inspect
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from netcfg.errors import NetError, nearest
from netcfg.layer import Layer, register, registry
from netcfg.layers.python_blobs import BottomBlob, ParamBlob, ParamBlobs, TopBlob
from netcfg.netcfg_pb2 import FillerParameter, LayerParameter, PythonParameter
from netcfg.types import Array, Shape
from netcfg.user_code import blame, import_module

NATIVE = {
    "roi_data_layer.layer.RoIDataLayer": "RoIData",
    "rpn.anchor_target_layer.AnchorTargetLayer": "AnchorTarget",
    "rpn.proposal_layer.ProposalLayer": "Proposal",
    "rpn.proposal_target_layer.ProposalTargetLayer": "ProposalTarget",
}
"""Types that do what layers of py-faster-rcnn and its like do, by their module and class."""


@register("Python")
class Python(Layer):
    """What the class ``python_param { module layer }`` computes; its code runs as it stands.

    A subclass of ``netcfg.Layer`` takes this layer's place. Any other class is one for Caffe:
    ``setup``, ``reshape`` and ``forward`` of (bottom, top), ``backward`` of (top, propagate_down,
    bottom), with blobs that have ``data``, ``diff`` and ``reshape``. ``reshape`` runs before every
    ``forward``; ``param_str``, ``phase`` and ``blobs`` are attributes.

    Bottoms are read-only. Gradients of bottoms are zeros until ``backward`` writes them; those of
    parameters add up. What the class draws or counts is its own: snapshots do not hold it.

    Attributes:
        python: the object of the class.
    """

    bottoms = (0, None)
    tops = (0, None)
    reads = ("python_param",)

    @classmethod
    def resolve(cls, config: LayerParameter) -> type[Layer]:
        """Return the class that the prototxt names if it is a layer of netcfg, else this one.

        Well-known layers of others have a layer of netcfg that runs where theirs is not there.
        """
        named = config.python_param
        native = NATIVE.get(f"{named.module}.{named.layer}", "")
        try:
            found = find_class(named, config.source.file)
        except NetError:
            if native not in registry:
                raise
            return registry[native]
        return found if issubclass(found, Layer) else cls

    def setup(self, *bottoms: Shape) -> None:
        config = self.config.python_param
        cls = find_class(config, self.config.source.file)
        self._what = f"{config.module}.{config.layer}"
        try:
            self.python = _instance(cls, self.config)
        except Exception as error:
            raise blame(error, self._what) from error
        dtype = self.engine.dtype
        self._tops = [TopBlob(f"top {i}", dtype) for i in range(self.ntops)]
        self._bottoms = [self._bottom(i) for i in range(len(bottoms))]
        self._blobs = ParamBlobs(self._declare)
        given = {"param_str": config.param_str, "phase": int(self.phase), "blobs": self._blobs}
        # Classes for Caffe of 2014 read param_str_.
        for name, value in {**given, "param_str_": config.param_str}.items():
            setattr(self.python, name, value)
        self._promise(bottoms)
        self._call("setup", self._bottoms, self._tops)
        for blob in self._blobs:
            blob.draft = None

    def reshape(self, *bottoms: Shape) -> tuple[Shape, ...]:
        self._promise(bottoms)
        self._call("reshape", self._bottoms, self._tops)
        return tuple(top.shape for top in self._tops)

    def forward(self, *xs: Array) -> tuple[Array, ...]:
        self._blobs.closed = True
        # What NumPy keeps channels-last, the class sees as Caffe lays it out.
        arrays = [np.asarray(self.engine.to_numpy(x), order="C") for x in xs]
        self._show(arrays)
        for blob, x in zip(self._bottoms, arrays, strict=True):
            if blob in self._tops:
                blob.fill(x)
        self._call("reshape", self._bottoms, self._tops)
        self._call("forward", self._bottoms, self._tops)
        self._forget()
        self.saved = arrays
        # A copy: the class goes on writing to its own.
        return tuple(self.engine.asarray(top.data.copy()) for top in self._tops)

    def backward(self, *dys: Array | None) -> tuple[Array | None, ...]:
        if not hasattr(self.python, "backward"):
            raise NetError(
                f"{self._what} has no backward, but gradients of its bottoms or parameters are "
                "wanted; write one, or set propagate_down: false and lr_mult: 0"
            )
        self._show(self.saved)
        for top, dy in zip(self._tops, dys, strict=True):
            top.fill_diff(None if dy is None else self.engine.to_numpy(dy))
        self._call("backward", self._tops, list(self.need), self._bottoms)
        dxs = tuple(
            self.engine.asarray(blob.diff.copy()) if need else None
            for blob, need in zip(self._bottoms, self.need, strict=True)
        )
        self._forget()
        return dxs

    def feed(self, index: int, array: Array) -> None:
        """Let top ``index`` stand as ``array`` does until the class writes to it."""
        self._tops[index].fill(self.engine.to_numpy(array))

    def _bottom(self, i: int) -> TopBlob:
        """Return the blob of a bottom: in place it is that of the top, as in Caffe."""
        tops = list(self.config.top)
        name = self.config.bottom[i] if i < len(self.config.bottom) else ""
        if name and name in tops:
            return self._tops[tops.index(name)]
        return BottomBlob(f"bottom {i}", self.engine.dtype)

    def _declare(self, shape: Shape) -> ParamBlob:
        """Declare the next parameter for ``add_blob``."""
        specs, index = self.config.param, len(self.params)
        name = specs[index].name if index < len(specs) else ""
        shared = bool(name) and name in self.context.shared
        param = self.param(shape, FillerParameter())
        draft = np.zeros(shape, self.engine.dtype) if shared else None
        blob = ParamBlob(param, self.engine, draft)
        blob.fetch()  # it is declared in the middle of a call
        return blob

    def _promise(self, shapes: Sequence[Shape]) -> None:
        for blob, shape in zip(self._bottoms, shapes, strict=True):
            if isinstance(blob, BottomBlob):
                blob.promise(shape)
            else:
                blob.reshape(*shape)

    def _show(self, arrays: Sequence[np.ndarray]) -> None:
        for blob, x in zip(self._bottoms, arrays, strict=True):
            if isinstance(blob, BottomBlob):
                blob.show(x)

    def _forget(self) -> None:
        for blob in self._bottoms:
            if isinstance(blob, BottomBlob):
                blob.forget()

    def _call(self, name: str, *args: Any) -> None:
        """Run a method of the class, if it has it, and say where in it an error arose."""
        method = getattr(self.python, name, None)
        if method is None:
            return
        for blob in self._blobs:
            blob.fetch()
        try:
            method(*args)
        except Exception as error:
            raise blame(error, f"{self._what}.{name}") from error
        for blob in self._blobs:
            blob.push()


def find_class(config: PythonParameter, file: str = "") -> type:
    """Import the module that a prototxt names and return the class that it names there.

    Args:
        config: ``python_param``.
        file: the prototxt.

    Raises:
        NetError: the module or the class is missing, or the class is no layer.
    """
    for field in ("module", "layer"):
        if not getattr(config, field):
            raise NetError(f"python_param must name a {field}: module: 'file' layer: 'Class'")
    _offer_caffe()
    module = import_module(config.module, file)
    found = getattr(module, config.layer, None)
    if isinstance(found, type) and callable(getattr(found, "forward", None)):
        return found
    place = f"module '{config.module}' ({getattr(module, '__file__', None) or 'a package'})"
    if found is not None:
        raise NetError(
            f"'{config.layer}' in {place} must be a class with forward(bottom, top); "
            f"it is a {type(found).__name__}" + (" without one" if isinstance(found, type) else "")
        )
    layers = [name for name, value in vars(module).items() if hasattr(value, "forward")]
    known = f"; its layers: {', '.join(layers)}" if layers else ""
    raise NetError(
        f"{place} has no class '{config.layer}'{nearest(config.layer, vars(module)) or known}"
    )


def _instance(cls: type, config: LayerParameter) -> Any:
    """Make an object of a class for Caffe, which hands the message over if it is taken."""
    try:
        inspect.signature(cls).bind(config)
    except TypeError:
        return cls()
    return cls(config)


def _offer_caffe() -> None:
    """Let ``import caffe`` in the code of users find netcfg's own, unless they have another."""
    # By name, as pycaffe stands above the layers, and only who names a class pays for it.
    if "caffe" not in sys.modules:
        importlib.import_module("netcfg.pycaffe.run").install()
