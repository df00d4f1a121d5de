"""Files of results: CSV, JSON lines, Parquet, HDF5 and NPZ, each written whole."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import h5py
import numpy as np

from netcfg.errors import NetError
from netcfg.io.files import write_whole
from netcfg.vision.task import Column, Record

Rows: TypeAlias = Callable[[], Iterator[Record]]
"""Goes through the rows of a table from the first on."""

Arrays: TypeAlias = dict[str, np.ndarray[Any, np.dtype[Any]]]

PIECE = 1024
"""Rows that are handled at once."""

DTYPES = {"int": np.int64, "float": np.float32}


def check_ending(path: Path) -> None:
    """Refuse a file whose format is not known or cannot be written here.

    Raises:
        NetError: the message names what can.
    """
    if path.suffix.lower() not in WRITERS:
        known = ", ".join(WRITERS)
        raise NetError(f"the ending of '{path}' must be one of {known}: it says the format")
    if path.suffix.lower() == ".parquet":
        _pyarrow()
    if path.is_dir():
        raise NetError(f"'{path}' is a folder; the results need the name of a file")


def check_columns(path: Path, columns: Sequence[Column]) -> None:
    """Refuse names of columns that have no place beside each other in HDF5.

    Raises:
        NetError: one is that of a group which another is in.
    """
    names = [column.name for column in columns] if path.suffix.lower() == ".h5" else []
    for outer in names:
        for inner in names:
            if inner.startswith(f"{outer}/"):
                raise NetError(
                    f"HDF5 has no place for '{inner}' beside '{outer}'; choose .npz, .jsonl or "
                    "another format"
                )


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise NetError(
            "Parquet files need pyarrow: pip install 'netcfg[parquet]'; or choose .csv, .jsonl, "
            ".h5 or .npz"
        ) from None
    return pyarrow


def write_results(
    path: Path, columns: Sequence[Column], rows: Rows, records: Callable[[], Iterator[Record]]
) -> None:
    """Write results, whole or not at all.

    Args:
        path: its ending says the format.
        columns: of the table.
        rows: of it; JSON lines hold the records in their place.
        records: one for each picture.

    Raises:
        NetError: the file cannot be written.
    """
    with write_whole(path) as file:
        if path.suffix.lower() == ".jsonl":
            _write_jsonl(file, records())
        else:
            WRITERS[path.suffix.lower()](file, columns, rows)


def _write_jsonl(file: BinaryIO, records: Iterable[Record]) -> None:
    for record in records:
        file.write(_json(record).encode() + b"\n")


def _json(record: Record) -> str:
    """Return a record as JSON, which has no numbers that are not finite: null stands for those."""
    try:
        return json.dumps(record, default=lambda array: array.tolist(), allow_nan=False)
    except ValueError:
        return json.dumps(_finite(record))


def _finite(value: Any) -> Any:
    """Return a value of JSON with null for what is not finite."""
    if isinstance(value, np.ndarray):
        return _finite(value.tolist())
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# Tables of text --------------------------------------------------------------------------------


def _write_csv(file: BinaryIO, columns: Sequence[Column], rows: Rows) -> None:
    text = io.TextIOWrapper(file, "utf-8", "surrogateescape", newline="")
    writer = csv.writer(text, lineterminator="\n")
    started = False
    for row in rows():
        flat = _flat(columns, row)
        if not started:
            writer.writerow(flat)
            started = True
        writer.writerow(flat.values())
    if not started:
        writer.writerow(c.name for c in columns)
    text.flush()
    text.detach()


def _flat(columns: Sequence[Column], row: Record) -> Record:
    """Return the cells of a row; those of ranks stand together rank by rank."""
    ranked = [list(_cells(c, row[c.name])) for c in columns if c.first]
    cells = [cell for rank in zip(*ranked, strict=True) for cell in rank]
    plain = [list(_cells(c, row[c.name])) for c in columns if not c.first]
    return dict([*plain[0], *cells, *(cell for part in plain[1:] for cell in part)])


def _cells(column: Column, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the cells of a value and what their columns are called."""
    if isinstance(value, list | np.ndarray):
        for i, part in enumerate(np.ravel(value).tolist(), column.first):
            yield f"{column.name}_{i}", _cell(part)
    else:
        yield column.name, _cell(value)


def _cell(value: Any) -> Any:
    return f"{value:.7g}" if isinstance(value, float) else value


# Tables of arrays ------------------------------------------------------------------------------


def _pieces(columns: Sequence[Column], rows: Rows) -> Iterator[Arrays]:
    """Yield arrays of the columns, some rows at a time; once, empty, where there are none."""
    every = rows()
    piece = list(islice(every, PIECE))
    while True:
        yield {c.name: _array(c, [row[c.name] for row in piece]) for c in columns}
        piece = list(islice(every, PIECE))
        if not piece:
            return


def _array(column: Column, values: list[Any]) -> Any:
    if column.kind == "text":
        clean = np.array(values, dtype=object)
        return np.vectorize(_clean, otypes=[object])(clean) if clean.size else clean
    return np.array(values, DTYPES[column.kind])


def _clean(text: str) -> str:
    """Return text without bytes of names that are not UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _write_hdf5(file: BinaryIO, columns: Sequence[Column], rows: Rows) -> None:
    with h5py.File(file, "w") as out:
        for arrays in _pieces(columns, rows):
            for column in columns:
                _append(out, column, arrays[column.name])


def _append(out: Any, column: Column, array: np.ndarray) -> None:
    if column.name not in out:
        dtype = h5py.string_dtype() if column.kind == "text" else array.dtype
        free = (None, *array.shape[1:])
        chunks = (max(1, min(PIECE, (1 << 20) // max(1, array[:1].nbytes))), *array.shape[1:])
        out.create_dataset(column.name, data=array, dtype=dtype, maxshape=free, chunks=chunks)
        return
    data = out[column.name]
    rows = len(data)
    data.resize(rows + len(array), axis=0)
    data[rows:] = array


def _write_npz(file: BinaryIO, columns: Sequence[Column], rows: Rows) -> None:
    pieces = list(_pieces(columns, rows))
    arrays: dict[str, Any] = {}
    for column in columns:
        array = np.concatenate([piece[column.name] for piece in pieces])
        # NumPy's text has a fixed width; as objects it would be a pickle.
        arrays[column.name] = array.astype(str) if column.kind == "text" else array
    np.savez(file, **arrays)


def _write_parquet(file: BinaryIO, columns: Sequence[Column], rows: Rows) -> None:
    pa = _pyarrow()
    kinds = {"text": pa.string(), "int": pa.int64(), "float": pa.float32()}
    writer = None
    for arrays in _pieces(columns, rows):
        fields = [
            pa.field(c.name, pa.list_(kinds[c.kind]) if arrays[c.name].ndim > 1 else kinds[c.kind])
            for c in columns
        ]
        flat = [a.reshape(len(a), -1) if a.ndim > 1 else a for a in arrays.values()]
        table = pa.table(
            [pa.array(a.tolist(), f.type) for a, f in zip(flat, fields, strict=True)],
            schema=pa.schema(fields),
        )
        writer = writer or pa.parquet.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


WRITERS: dict[str, Any] = {
    ".csv": _write_csv,
    ".jsonl": None,
    ".parquet": _write_parquet,
    ".h5": _write_hdf5,
    ".npz": _write_npz,
}
"""Endings, and what writes tables of rows there."""
