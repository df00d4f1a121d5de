"""An array module that is not NumPy: its arrays refuse company with NumPy's, as CuPy's do."""

from typing import Any

import numpy as np

from netcfg.engines import Engine


class There(np.ndarray):
    """An array of the module."""

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **more: Any
    ) -> Any:
        refuse_numpy([*inputs, *(out or ())], ufunc.__name__)
        here = [_here(i) for i in inputs]
        kept = tuple(_here(o) for o in out) if out else None
        result = getattr(ufunc, method)(*here, **({"out": kept} if kept else {}), **more)
        return out[0] if out else _there(result)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        refuse_numpy([*args, *kwargs.values()], func.__name__)
        return _there(func(*map(_here, args), **{k: _here(v) for k, v in kwargs.items()}))

    def __getitem__(self, key: Any) -> Any:
        return _there(_here(self)[_here(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        if type(value) is np.ndarray and value.ndim:
            raise TypeError("a NumPy array is stored in an array of the device")
        _here(self)[_here(key)] = _here(value)

    def sum(self, *args: Any, **more: Any) -> Any:
        return _there(_here(self).sum(*args, **more))

    def max(self, *args: Any, **more: Any) -> Any:
        return _there(_here(self).max(*args, **more))

    def mean(self, *args: Any, **more: Any) -> Any:
        return _there(_here(self).mean(*args, **more))

    def tolist(self) -> Any:
        raise TypeError("the values of an array of the device are asked for")

    def item(self, *args: Any) -> Any:
        raise TypeError("a value of an array of the device is asked for")

    def __float__(self) -> float:
        raise TypeError("a value of an array of the device is asked for")

    def __bool__(self) -> bool:
        raise TypeError("a value of an array of the device is asked for")

    __int__ = __index__ = __float__  # type: ignore[assignment]


def refuse_numpy(values: Any, name: str) -> None:
    for v in values:
        if isinstance(v, (list, tuple)):
            refuse_numpy(v, name)
        elif type(v) is np.ndarray:
            raise TypeError(f"{name} is given a NumPy array beside one of the device")


def _here(value: Any) -> Any:
    if isinstance(value, There):
        return value.view(np.ndarray)
    if isinstance(value, (list, tuple)):
        return type(value)(_here(v) for v in value)
    return value


def _there(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.view(There)
    if isinstance(value, np.generic):
        return np.asarray(value).view(There)
    if isinstance(value, tuple):
        return tuple(_there(v) for v in value)
    return [_there(v) for v in value] if isinstance(value, list) else value


class Module:
    """The module's functions: NumPy's, which let their own arrays in by ``asarray`` alone."""

    ndarray = There

    def __init__(self, module: Any = np, name: str = "") -> None:
        self._module, self._name = module, name

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if name in ("lib", "stride_tricks", "add", "maximum", "linalg"):
            return found if isinstance(found, np.ufunc) else Module(found, name)
        if not callable(found) or isinstance(found, type | np.ufunc):
            return found

        def call(*args: Any, **more: Any) -> Any:
            if name not in ("asarray", "array", "ascontiguousarray"):
                refuse_numpy([*args, *more.values()], name)
            return _there(found(*map(_here, args), **{k: _here(v) for k, v in more.items()}))

        return call


class Elsewhere(Engine):
    """NumPy's primitives on arrays of another module."""

    xp = Module()

    def asarray(self, array: Any) -> Any:
        return _there(np.array(_here(array), dtype=self.dtype))

    def to_numpy(self, array: Any) -> np.ndarray:
        return np.array(_here(array))
