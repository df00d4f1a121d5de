"""Learned arrays, their gradients, and who may be looking at them."""

from collections.abc import Callable, Iterable

from netcfg.netcfg_pb2 import ParamSpec
from netcfg.types import Array, Shape


class _Storage:
    """The values of a parameter, which nets may share.

    Attributes:
        array: the values.
        version: grows when netcfg changes them.
        exposed: whether somebody may hold the array and change it at any time.
    """

    __slots__ = ("array", "exposed", "version")

    def __init__(self, array: Array) -> None:
        self.array = array
        self.version = 0
        self.exposed = False


class Param:
    """A learned array and its gradient; layers that share it hold the same object.

    ``data`` is written in place only, never replaced, so that views of it stay true.

    Attributes:
        cleared: whether nothing has been added to the gradient since it was cleared.
    """

    def __init__(self, data: Array, spec: ParamSpec, zeros_like: Callable[[Array], Array]) -> None:
        self._storage = _Storage(data)
        self.name = spec.name
        self.lr_mult = spec.lr_mult
        self.decay_mult = spec.decay_mult
        self._zeros_like = zeros_like
        self._diff: Array = None
        self.cleared = True

    @property
    def owner(self) -> "Param":
        """The parameter that holds the storage: itself, unless this is a view."""
        return self

    @property
    def data(self) -> Array:
        """The array itself, to read and to write, now and later."""
        self._storage.exposed = True
        return self._storage.array

    @data.setter
    def data(self, values: Array) -> None:
        if values is not self._storage.array:  # what ``data += 1`` gives back
            self.assign(values)

    @property
    def value(self) -> Array:
        """The array, to read now: what is derived from it can be kept until ``version`` grows."""
        return self._storage.array

    @property
    def version(self) -> int:
        """How often ``assign`` and ``changed`` were called."""
        return self._storage.version

    @property
    def exposed(self) -> bool:
        """Whether ``data`` was asked for, so that the values may change at any time."""
        return self._storage.exposed

    def assign(self, values: Array) -> None:
        """Replace the values."""
        self.value[...] = values
        self.changed()

    def changed(self) -> None:
        """Say that the values were written to by way of ``value``."""
        self._storage.version += 1

    def share(self, other: "Param") -> None:
        """Use the values of another parameter from now on."""
        self._storage = other._storage

    def move(self, data: Array, diff: Array) -> None:
        """Keep values and gradient in other memory from now on, for all that share them."""
        data[...] = self.value
        self._storage.array = data
        if self._diff is not None:
            diff[...] = self._diff
        self._diff = diff
        self.changed()

    @property
    def shape(self) -> Shape:
        """Shape of ``data``."""
        return tuple(self._storage.array.shape)

    @property
    def diff(self) -> Array:
        """∂loss/∂data summed since the last ``clear_grad``, zeros when nothing was added."""
        if self._diff is None:
            self._diff = self._zeros_like(self.value)
        elif self.cleared:
            self._diff[...] = 0
        self.cleared = False
        return self._diff

    def add_grad(self, grad: Array) -> None:
        """Add ``grad``, shaped like ``data`` (or with axes of length 1 more or less)."""
        grad = grad.reshape(self.shape)
        if self._diff is not None and self.cleared:
            self._diff[...] = grad
            self.cleared = False
        else:
            diff = self.diff
            diff += grad

    def clear_grad(self) -> None:
        """Forget the gradient; costs nothing until it is read."""
        self.cleared = True

    def view(self, shape: Shape) -> "Param":
        """Return a Param of another shape on the same storage (``share_mode: PERMISSIVE``)."""
        return _ParamView(self, shape)


class _ParamView(Param):
    """The same parameter under another shape: data and gradient are the owner's."""

    def __init__(self, owner: Param, shape: Shape) -> None:
        self._owner = owner
        self._shape = shape
        self._storage = owner._storage
        self.name, self.lr_mult, self.decay_mult = owner.name, owner.lr_mult, owner.decay_mult

    @property
    def owner(self) -> Param:
        return self._owner

    @property
    def data(self) -> Array:
        return self._owner.data.reshape(self._shape)

    @data.setter
    def data(self, values: Array) -> None:
        self._owner.data = values.reshape(self._owner.shape)

    @property
    def value(self) -> Array:
        return self._owner.value.reshape(self._shape)

    @property
    def shape(self) -> Shape:
        return self._shape

    @property
    def diff(self) -> Array:
        return self._owner.diff.reshape(self.shape)

    def add_grad(self, grad: Array) -> None:
        self._owner.add_grad(grad.reshape(self._owner.shape))

    def clear_grad(self) -> None:
        self._owner.clear_grad()


def unique(params: Iterable[Param]) -> list[Param]:
    """Return each parameter once, views of one replaced by their owner."""
    return list({id(p.owner): p.owner for p in params}.values())
