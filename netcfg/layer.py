"""The contract of a layer and the registry of layer types.

A layer sees arrays only: never names, devices, neighbours or loss weights. It never writes to what
it is given, and all that ``backward`` needs from ``forward`` is in ``self.saved``, so that the net
can drop it. ``docs/new_layer.md`` writes one from start to end.
"""

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np

from netcfg.engines import for_type, get_engine
from netcfg.engines.base import Engine
from netcfg.errors import NetError, ShapeError, nearest
from netcfg.fillers import fill
from netcfg.fork_use import refuse_forks
from netcfg.io.files import find_file
from netcfg.netcfg_pb2 import FillerParameter, LayerParameter, ParamSpec
from netcfg.param import Param
from netcfg.placement import place_of
from netcfg.places import where
from netcfg.schema import own_fields
from netcfg.types import Array, Arrays, Phase, Shape, Shapes

__all__ = [
    "Context",
    "Layer",
    "NetError",
    "Param",
    "as_arrays",
    "as_shapes",
    "layer_type",
    "located",
    "register",
    "registry",
    "total",
]


@dataclass
class Context:
    """What a net lends to its layers.

    Attributes:
        engine: where arrays live and primitives run.
        phase: TRAIN or TEST.
        seed: decides every random number of the net.
        shared: parameters by the name in ``param { name }``.
        skip_bad_data: how many unreadable records each data layer may pass over.
        outer: engine of the net, where ``engine`` is another one because the layer runs on the CPU.
    """

    engine: Engine
    phase: Phase = Phase.TEST
    seed: int = 0
    shared: dict[str, Param] = field(default_factory=dict)
    skip_bad_data: int = 0
    outer: Engine | None = None

    def of(self, kind: "LayerType", config: LayerParameter) -> "Context":
        """Return what is lent to a layer: another engine where it runs on the CPU, or asks for it.

        Args:
            kind: class of the layer.
            config: the layer.
        """
        blobs = kind.differentiable and not kind.auto_tops  # scores and losses are float32
        engine = for_type(self.engine, config) if blobs else self.engine
        if self.engine.xp is np or place_of(kind, config.type) != "host":
            return self if engine is self.engine else replace(self, engine=engine)
        return replace(self, engine=_host(self.engine.dtype), outer=engine)


class Layer:
    """Base of all layers.

    Class attributes say what holds for the type; override what differs:

    - ``bottoms``, ``tops``: (least, most) number; None for any.
    - ``auto_tops``: whether tops that the prototxt does not name are made (losses).
    - ``default_loss_weight``: weight of the first top in the loss where the prototxt gives none.
    - ``constant_bottoms``: indices that never get a gradient (labels, sizes); negative ones
      count from the last bottom.
    - ``differentiable``: False for a layer without ``backward``.
    - ``reads``: the fields of LayerParameter that configure it.
    - ``forks``: what it implements of the fields in ``reads`` that only Caffe's forks know, such as
      ``"pooling_param.ceil_mode"`` or, of an enum, ``"pooling_param.pool: AVE_EXC_PAD"``; a config
      that sets others is refused.
    - ``dialect``: which layer of its name it is, for names that forks gave to several.
    - ``own_fields``: parameter messages that the schema lacks, with defaults, e.g.
      ``{"swirl_param": {"angle": 1.0}}``; the values stand in ``self.own["swirl_param"]``.
    """

    type: ClassVar[str] = ""
    bottoms: ClassVar[tuple[int, int | None]] = (1, 1)
    tops: ClassVar[tuple[int, int | None]] = (1, 1)
    auto_tops: ClassVar[bool] = False
    default_loss_weight: ClassVar[float] = 0.0
    constant_bottoms: ClassVar[tuple[int, ...]] = ()
    differentiable: ClassVar[bool] = True
    reads: ClassVar[tuple[str, ...]] = ()
    forks: ClassVar[tuple[str, ...]] = ()
    dialect: ClassVar[str] = ""
    own_fields: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __init__(self, config: LayerParameter, context: Context, ntops: int = 1) -> None:
        self.config = config
        self.context = context
        self.engine = context.engine
        self.xp = context.engine.xp
        self.phase = context.phase
        self.ntops = ntops
        self.params: list[Param] = []
        self.need: list[bool] = []
        """For each bottom, whether its gradient is wanted; the net sets it after ``setup``."""
        self.saved: Any = None
        """What ``backward`` needs from the last ``forward``, nothing else."""
        self.step = 0
        """Forward passes so far; the net counts."""
        self.own = own_fields(config, self.own_fields)
        refuse_forks(config, "layer", self.forks, self.reads)

    # The contract ------------------------------------------------------------------------------

    def setup(self, *bottoms: Any) -> None:
        """Turn the configuration into attributes and declare parameters, once.

        Args:
            bottoms: a Shape for each bottom.
        """

    def reshape(self, *bottoms: Any) -> Any:
        """Check shapes and return those of the tops; called when a bottom's shape changes.

        Args:
            bottoms: a Shape for each bottom.

        Returns:
            The Shape of the only top, or a tuple with one Shape per top (none: ``()``).
        """
        return bottoms[0]

    def forward(self, *bottoms: Any) -> Any:
        """Compute the tops and set ``self.saved``.

        Args:
            bottoms: an Array for each bottom, not to be written to.

        Returns:
            The only top, or a tuple with one Array per top.
        """
        raise NotImplementedError

    def backward(self, *tops: Any) -> Any:
        """Turn the gradients of the tops into those of the bottoms and parameters.

        Args:
            tops: ∂loss/∂top for each top; None for one of several tops that no loss depends on.

        Returns:
            ∂loss/∂bottom of the only bottom, or a tuple; None where ``self.need`` is False.
        """
        raise NotImplementedError

    def adapt(self, blobs: Sequence[Array | None]) -> Sequence[Array | None]:
        """Return the blobs of a file as this layer keeps them, where forks keep them otherwise."""
        return blobs

    def state(self) -> dict[str, Array]:
        """Return what outlives a forward pass besides parameters; the next pass overwrites it."""
        return {}

    def restore(self, step: int, values: Mapping[str, Array]) -> None:
        """Go on from ``step`` forward passes with what ``state`` returned then."""
        self.step = step

    def close(self) -> None:
        """Release files and workers."""

    def multiply_adds(self, bottoms: Shapes, tops: Shapes) -> int:
        """Return the multiply-adds of a forward pass; only those of matrix products are counted."""
        return 0

    @classmethod
    def resolve(cls, config: LayerParameter) -> "LayerType":
        """Return the class that runs a layer of this type: another only where ``config`` says."""
        return cls

    @classmethod
    def takes_gradient(cls, index: int, count: int) -> bool:
        """Return whether bottom ``index`` of ``count`` can have a gradient."""
        return index not in cls.constant_bottoms and index - count not in cls.constant_bottoms

    # What layers use ---------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name in the prototxt."""
        return self.config.name

    @property
    def where(self) -> str:
        """File, line, name and type, as messages begin."""
        return where(self.config)

    def param(self, shape: Shape, filler: FillerParameter) -> Param:
        """Declare the next parameter, filled as ``filler`` says or shared by its name.

        Raises:
            ShapeError: a parameter of that name exists with another shape.
        """
        index = len(self.params)
        spec = self.config.param[index] if index < len(self.config.param) else ParamSpec()
        param = self.context.shared.get(spec.name) if spec.name else None
        if param is None:
            data = self.engine.asarray(fill(filler, shape, self._generator(index)))
            param = Param(data, spec, self.engine.xp.zeros_like)
            if spec.name:
                self.context.shared[spec.name] = param
        else:
            param = self._share(param, spec, shape)
        self.params.append(param)
        return param

    def random(self) -> np.random.Generator:
        """Return the generator of this forward pass, the same whenever the pass is repeated."""
        key = [self.context.seed, zlib.crc32(self.name.encode())]
        return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, self.step, 0]))

    def axis(self, index: int, rank: int, field_name: str = "axis") -> int:
        """Return ``index`` counted from the front, checked against ``rank`` axes.

        Raises:
            ShapeError: there is no such axis.
        """
        if not -rank <= index < rank:
            raise ShapeError(f"{field_name} {index} must lie in [-{rank}, {rank}) for {rank} axes")
        return index % rank

    def find(self, path: str) -> Path:
        """Find a file named in the prototxt: from the working directory, then beside the file."""
        return find_file(path, near=self.config.source.file)

    def _generator(self, index: int) -> np.random.Generator:
        """Return the generator that fills parameter ``index``; it depends on names, not order."""
        key = [self.context.seed, zlib.crc32(self.name.encode()), index]
        return np.random.default_rng(key)

    @staticmethod
    def _share(param: Param, spec: ParamSpec, shape: Shape) -> Param:
        for mult in ("lr_mult", "decay_mult"):
            if spec.HasField(mult) and getattr(spec, mult) != getattr(param, mult):
                raise NetError(
                    f"param '{spec.name}': {mult} must be the same wherever it is shared; given "
                    f"{getattr(spec, mult):g} here and {getattr(param, mult):g} before"
                )
        if param.shape == shape:
            return param
        permissive = spec.share_mode == ParamSpec.PERMISSIVE
        if permissive and np.prod(param.shape) == np.prod(shape):
            return param.view(shape)
        hint = "" if permissive else " (share_mode: PERMISSIVE compares counts only)"
        raise ShapeError(
            f"param '{spec.name}' has shape {param.shape} where it was declared, {shape} here{hint}"
        )


@cache
def _host(dtype: Any) -> Engine:
    """Return the engine of layers that run on the CPU beside a device."""
    return get_engine(dtype=dtype)


def located(error: NetError, config: LayerParameter) -> NetError:
    """Put the place of a layer in front of a message, unless the message names it there already."""
    layer = re.escape(f"layer '{config.name}' ({config.type}): ")
    named = re.match(rf"(\S+:\d+:\d+: )?{layer}", str(error))
    return error if named else error.at(where(config))


def as_shapes(shapes: object, count: int) -> Shapes:
    """Return the result of ``Layer.reshape`` as a tuple of shapes, also where it is a single one.

    >>> as_shapes((2, 3), 1), as_shapes(((2,), ()), 2), as_shapes((), 1)
    (((2, 3),), ((2,), ()), ((),))
    """
    assert isinstance(shapes, tuple)  # noqa: S101 - what layers return is ours to get right
    if count == 1 and not (shapes and isinstance(shapes[0], tuple)):
        return (shapes,)
    return shapes


def as_arrays(arrays: Array) -> Arrays:
    """Return the result of ``forward`` or ``backward`` as a tuple, also where it is one array."""
    return arrays if isinstance(arrays, tuple) else (arrays,)


def total(top: Array) -> Any:
    """Return the sum of a blob; on a GPU an array of it, so that nobody waits.

    >>> total(np.array([1.0, 2.0], np.float32))
    3.0
    """
    found = top.sum()
    return float(found) if isinstance(found, np.generic | np.ndarray) else found


LayerType: TypeAlias = type[Layer]

registry: dict[str, type[Layer]] = {}
"""Layer classes by the type that prototxts name."""

LayerClass = TypeVar("LayerClass", bound=type[Layer])


def register(name: str) -> Callable[[LayerClass], LayerClass]:
    """Register a layer class under the type that prototxts name.

    Raises:
        NetError: another class has that name already.
    """

    def add(cls: LayerClass) -> LayerClass:
        known = registry.get(name)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise NetError(f"layer type '{name}' is registered already, by {known.__module__}")
        cls.type = name
        registry[name] = cls
        return cls

    return add


def layer_type(name: str) -> type[Layer]:
    """Return the class of a layer type.

    Raises:
        NetError: the type is unknown; the message names the nearest one.
    """
    if name not in registry:
        raise NetError(
            f"unknown layer type '{name}'{nearest(name, registry)} "
            "(`netcfg layers` lists the types, `--import MODULE` adds your own)"
        )
    return registry[name]
