"""Build the HDF5 files that models/char_lstm learns from, of any text in ASCII; nothing is fetched.

    python data_scripts/make_text.py FILE [--out data/text]

The last tenth of the text is for testing. Each part is cut into 50 stretches that lie side by side:
row t holds character t of each stretch, as ``data`` its code, as ``target`` that of the character
after it, and as ``cont`` 0 in the first row and 1 in all others.
"""

import io
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
from dataset import arguments, run

from netcfg.errors import NetError
from netcfg.io.files import write_whole

STREAMS = 50
TESTED = 10
"""One part of the text in so many is for testing."""

Codes = npt.NDArray[np.float32]


def main() -> None:
    """Write a file of numbers and a list with its name for each part of the text."""
    parser = arguments(__doc__ or "", "data/text")
    parser.add_argument("text", type=Path, metavar="FILE", help="the text")
    args = parser.parse_args()
    codes = read_codes(args.text)
    cut = len(codes) - len(codes) // TESTED
    for name, part in {"train": codes[:cut], "test": codes[cut:]}.items():
        path = args.out / f"{name}.h5"
        if (args.out / f"{name}.txt").is_file() and not args.force:
            print(f"{path}: there already (--force builds it again)")
            continue
        rows = write(path, side_by_side(part, args.text))
        print(f"{path}: wrote {rows} rows of {STREAMS} characters")


def read_codes(path: Path) -> Codes:
    """Return the ASCII codes of a text.

    Raises:
        NetError: it cannot be read, or holds another character; the message says where.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise NetError(f"cannot read '{path}': {error.strerror or error}") from error
    codes = np.frombuffer(text, np.uint8)
    others = np.flatnonzero(codes > 127)
    if len(others):
        line = text[: others[0]].count(b"\n") + 1
        raise NetError(f"{path}:{line}: the text must be ASCII; byte {codes[others[0]]:#x} is not")
    return codes.astype(np.float32)


def side_by_side(codes: Codes, path: Path) -> dict[str, Codes]:
    """Return the datasets of a part of the text.

    Raises:
        NetError: the part is too short.
    """
    length = (len(codes) - 1) // STREAMS
    if length < 1:
        least = TESTED * (STREAMS + 1)
        raise NetError(f"{path}: the text must have at least {least} characters")
    starts = np.arange(STREAMS) * length
    places = np.arange(length)[:, None] + starts  # (rows, streams)
    cont = np.ones(places.shape, np.float32)
    cont[0] = 0
    return {"data": codes[places], "cont": cont, "target": codes[places + 1]}


def write(path: Path, datasets: dict[str, Codes]) -> int:
    """Write the datasets and the list that names their file; return how many rows there are."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, values in datasets.items():
            file.create_dataset(name, data=values)
    with write_whole(path) as out:
        out.write(buffer.getbuffer())
    with write_whole(path.with_suffix(".txt")) as out:
        out.write(f"{path}\n".encode())
    return len(datasets["data"])


if __name__ == "__main__":
    run(main)
