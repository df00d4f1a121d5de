"""Where layers and the fields of solvers stand, as messages begin."""

from pathlib import Path

from netcfg.errors import NetError
from netcfg.io.files import find_file, of_zoo
from netcfg.netcfg_pb2 import LayerParameter, SolverParameter, Source


def place(source: Source) -> str:
    """Return ``file:line:column``.

    >>> place(Source(file="net.prototxt", line=3, column=1))
    'net.prototxt:3:1'
    """
    return f"{source.file}:{source.line}:{source.column}"


def where(layer: LayerParameter) -> str:
    """Return file, line, name and type.

    >>> where(LayerParameter(name="a", type="ReLU"))
    "layer 'a' (ReLU)"
    """
    front = f"{place(layer.source)}: " if layer.source.file else ""
    return f"{front}layer '{layer.name}' ({layer.type})"


def place_of(solver: SolverParameter, *fields: str) -> str:
    """Return where the first of ``fields`` that is set stands.

    It is the file alone where that field was set by other means, the start of the solver where none
    is set, and nothing where the solver was made in code.
    """
    source = solver.source
    if not source.file:
        return ""
    stood = {field.name: f"{source.file}:{field.line}:{field.column}" for field in source.field}
    given = {field.name for field, _ in solver.ListFields()}
    for name in fields:
        if name in given:
            return stood.get(name, source.file)
    return place(source)


def field_error(solver: SolverParameter, message: str, *fields: str) -> NetError:
    """Return an error about fields of a solver, with the place of the first that is set."""
    return NetError(message).at(place_of(solver, *fields))


def find_named(solver: SolverParameter, field: str, path: str, near: str) -> Path:
    """Find a file that a field of a solver names; see ``find_file``.

    Raises:
        NetError: there is no such file.
    """
    try:
        return find_file(str(of_zoo(path, "weights")) if field == "weights" else path, near)
    except NetError as error:
        raise error.at(place_of(solver, field)) from None
