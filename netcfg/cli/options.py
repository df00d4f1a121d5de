"""Options that several commands share, the same words everywhere."""

import argparse
import re
import sys
from typing import TYPE_CHECKING, TypeAlias

from netcfg.errors import NetError

if TYPE_CHECKING:
    from netcfg.engines.base import Engine
    from netcfg.netcfg_pb2 import SolverParameter
    from netcfg.types import Phase

Parser: TypeAlias = argparse._ActionsContainer
"""A parser or a group of it."""


def add_import(parser: Parser) -> None:
    """Add ``--import``: modules that register layers."""
    parser.add_argument(
        "--import",
        dest="modules",
        metavar="MODULE",
        action="append",
        default=[],
        help="a module or .py file that registers layers; may be given more than once",
    )


def add_engine(parser: Parser) -> None:
    """Add ``--engine``, ``--threads`` and what is for GPUs."""
    parser.add_argument(
        "--engine",
        default="auto",
        help="where to run (default: auto, the fastest at hand; `netcfg --version` lists them)",
    )
    parser.add_argument(
        "--precision",
        choices=["float32", "tf32", "float16", "bfloat16"],
        help="floats of blobs (default: float32, whose products a GPU rounds to tf32); weights and "
        "updates stay float32. float16 and tf32 are for GPUs, bfloat16 for GPUs and CPUs with "
        "AVX512-BF16 or AMX",
    )
    parser.add_argument(
        "--gpu",
        metavar="N",
        help="run on this NVIDIA card, the first is 0, or on the first of several or `all`; on the "
        "CPU where there is none",
    )
    parser.add_argument(
        "--autotune",
        action="store_true",
        help="on a GPU, try all of cuDNN's ways to convolve and keep the fastest, for later runs "
        "too",
    )
    parser.add_argument(
        "--deterministic",
        action="store_true",
        help="on a GPU, convolve and attend in ways only whose results have the same bits in every "
        "run, which may be slower; on a CPU they always have",
    )
    parser.add_argument(
        "--threads",
        metavar="N",
        type=positive,
        help="how many threads compute (default: NETCFG_THREADS, else one for each core); results "
        "do not depend on it",
    )


def add_state(parser: Parser, phase: str) -> None:
    """Add ``--phase``, ``--level`` and ``--stage``, which choose the layers of a net."""
    parser.add_argument(
        "--phase",
        type=str.lower,
        choices=["train", "test"],
        default=phase,
        help=f"which layers to take (default: {phase})",
    )
    parser.add_argument("--level", type=int, default=0, help="for include { min_level } rules")
    add_stage(parser)


def add_stage(parser: Parser) -> None:
    """Add ``--stage``."""
    parser.add_argument(
        "--stage",
        dest="stages",
        metavar="NAME",
        action="append",
        default=[],
        help="for include { stage } rules; may be given more than once",
    )


def add_ignore_field(parser: Parser) -> None:
    """Add ``--ignore-field``: fields of no or foreign meaning that the user does without."""
    parser.add_argument(
        "--ignore-field",
        dest="ignore_fields",
        metavar="NAME",
        action="append",
        default=[],
        help="pass over this field, unknown or known from forks only; may be given more than once",
    )


def add_ignore_mismatch(parser: Parser) -> None:
    """Add ``--ignore-mismatch`` and ``--rename``: weights that do not fit the net's layers."""
    parser.add_argument(
        "--rename",
        metavar="OLD=NEW",
        action="append",
        default=[],
        help="take the weights of layer OLD of the files for layer NEW of the net; may be given "
        "more than once",
    )
    parser.add_argument(
        "--ignore-mismatch",
        metavar="LAYER",
        action="append",
        default=[],
        help="let this layer keep its initial values where the weights do not fit; may be given "
        "more than once",
    )


def renames(given: list[str]) -> dict[str, str]:
    """Return old name → new name of each ``OLD=NEW``.

    Raises:
        NetError: one is of another form.
    """
    pairs = {}
    for text in words(given):
        old, equals, new = text.partition("=")
        if not (old and equals and new):
            raise NetError(f"--rename takes OLD=NEW, two names of layers; given '{text}'")
        pairs[old] = new
    return pairs


def add_workers(parser: Parser) -> None:
    """Add ``--workers``: threads of data layers."""
    parser.add_argument(
        "--workers",
        metavar="N",
        type=natural,
        help="threads of each data layer that make batches ahead, 0 for none (default: "
        "NETCFG_WORKERS, else by the number of cores); results do not depend on it",
    )


def add_skip_bad_data(parser: Parser) -> None:
    """Add ``--skip-bad-data``: how many records may be unreadable."""
    parser.add_argument(
        "--skip-bad-data",
        metavar="N",
        type=natural,
        default=0,
        help="unreadable records that each data layer may pass over (default: 0)",
    )


def add_shapes(parser: Parser) -> None:
    """Add ``--shape``, which stands in for data that is not there."""
    parser.add_argument(
        "--shape",
        dest="shapes",
        metavar="TOP=N,C,H,W",
        action="append",
        default=[],
        type=shape,
        help="replace the layer that writes TOP by an Input of this shape, so that no data is "
        "read; once for each top of the layer",
    )


def shape(text: str) -> tuple[str, tuple[int, ...]]:
    """Parse ``data=64,1,28,28``.

    >>> shape("data=64,1,28,28")
    ('data', (64, 1, 28, 28))
    """
    match = re.fullmatch(r"([^=]+)=(\d+(?:[,x]\d+)*)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"'{text}' must look like data=64,1,28,28")
    return match[1], tuple(int(n) for n in re.split("[,x]", match[2]))


def positive(text: str) -> int:
    """Parse a whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0; given '{text}'")
    return int(text)


def natural(text: str) -> int:
    """Parse a whole number, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number, 0 or more; given '{text}'")
    return int(text)


def words(values: list[str]) -> list[str]:
    """Split values at commas and drop what is empty.

    >>> words(["a,b", "c"])
    ['a', 'b', 'c']
    """
    return [word for value in values for word in value.split(",") if word]


def phase_of(args: argparse.Namespace) -> "Phase":
    """Return the phase that ``--phase`` names."""
    from netcfg.types import Phase

    return Phase[args.phase.upper()]


def engine_of(args: argparse.Namespace, param: "SolverParameter | None" = None) -> "Engine":
    """Return the engine that is asked for, after setting ``--threads`` and ``--workers``.

    Args:
        args: the command line.
        param: a solver whose ``solver_mode`` and ``device_id`` count where there is no ``--gpu``.
    """
    from netcfg.data import prefetch
    from netcfg.engines import get_engine, threads
    from netcfg.engines.cuda.device import MissingError

    threads.set_count(args.threads)
    prefetch.set_workers(getattr(args, "workers", None))
    gpu, asked = card_of(args, param)
    storage, reason = getattr(args, "precision", None), ""
    if gpu is not None and args.engine in ("auto", "cuda"):
        try:
            engine = tuned(get_engine("cuda", storage=storage, gpu=gpu), args)
            if asked is not None and not asked.isdecimal():
                print(f"netcfg: --gpu {asked}: one card is used, GPU {gpu}", file=sys.stderr)
            return engine
        except MissingError as error:
            if args.engine == "cuda":
                raise
            reason = f": {error}"
    engine = tuned(get_engine(args.engine, storage=storage), args)
    if asked is not None and engine.name != "cuda":
        print(
            f"netcfg: warning: --gpu {asked} is passed over; this runs on engine "
            f"{engine.name}{reason}",
            file=sys.stderr,
        )
    return engine


def tuned(engine: "Engine", args: argparse.Namespace) -> "Engine":
    """Tell an engine on a GPU which plans ``--autotune`` and ``--deterministic`` ask for."""
    graphs = getattr(getattr(engine, "device", None), "graphs", None)
    if graphs is not None:
        graphs.autotune = getattr(args, "autotune", False)
        graphs.deterministic = getattr(args, "deterministic", False)
    return engine


def card_of(
    args: argparse.Namespace, param: "SolverParameter | None"
) -> tuple[int | None, str | None]:
    """Return the card that ``--gpu`` or else a solver asks for, and what ``--gpu`` says.

    Raises:
        NetError: ``--gpu`` is neither a number, numbers with commas, nor ``all``.
    """
    asked: str | None = getattr(args, "gpu", None)
    if asked is not None:
        first = asked.partition(",")[0]
        if not (asked == "all" or re.fullmatch(r"\d+(,\d+)*", asked)):
            raise NetError(f"--gpu takes the number of a card; given '{asked}'")
        return (0 if asked == "all" else int(first)), asked
    if param is not None and param.HasField("solver_mode") and param.solver_mode == param.GPU:
        return param.device_id, None
    return None, None


def one_of(positional: str | None, option: str | None, what: str) -> str:
    """Return a value that may be given with or without its option.

    Raises:
        NetError: it is given twice or not at all.
    """
    if positional and option:
        raise NetError(f"{what} is given twice: '{positional}' and '{option}'")
    value = positional or option
    if not value:
        raise NetError(f"{what} is missing")
    return value
