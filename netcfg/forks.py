"""What Caffe's forks know beyond the schema, and the verdict on a field that the schema lacks."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from netcfg.errors import nearest
from netcfg.netcfg_pb2 import LayerParameter, SolverParameter, V1LayerParameter
from netcfg.places import place
from netcfg.prototxt_values import fields_of

Severity = Literal["note", "warning", "error"]

HARMLESS = frozenset(
    {
        "cache", "compile_net_state", "conv_algorithm", "conv_algos_override",
        "cudnn_convolution_algo_seeker", "cudnn_math_override", "debug", "debug_params",
        "default_conv_algos_override", "default_cudnn_math_override", "display",
        "eltwise_mem_sharing", "engine", "mem_param", "multinode", "parser_threads", "precache",
        "reduce_buckets", "show_data", "solver_data_type", "split_param",
        "store_blobs_in_old_format", "threads", "use_gpu_transform",
    }
)  # fmt: skip
"""Fields of forks that steer speed, memory or the choice of a library, never a result."""


_MISSPELT = 0.88
"""Words this alike are one word and a slip; fields of unknown forks are seldom so near."""


@dataclass(frozen=True)
class Finding:
    """Something a file holds that its reader should know of.

    Attributes:
        severity: ``note`` for what changes nothing, ``warning`` for what netcfg passes over,
            ``error`` for what must be mended.
        where: ``file:line:column``.
        message: one sentence.
        ignored: the user's names of a field to ignore where it says that one was ignored.
    """

    severity: Severity
    where: str
    message: str
    ignored: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


@lru_cache
def fork_fields() -> dict[tuple[str, str], str]:
    """Return the forks that know a field or a value, by message or enum and its name."""
    text = Path(__file__).with_name("fork_fields.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines()[1:]]
    return {(message, name): forks for message, name, forks in rows}


def known_from(owner: Descriptor | EnumDescriptor, name: str) -> str:
    """Return the forks whose message or enum of that name has the field or value, or nothing."""
    return fork_fields().get((owner.full_name.partition(".")[2], name), "")


def beside_layers(findings: Iterable[Finding], layers: Iterable[LayerParameter]) -> list[Finding]:
    """Return the findings but for unknown fields of layers.

    Those are for the layer to judge: its class may know the field, and where it does not, the
    layer is refused when it is to run.
    """
    judged = {place(unknown.source) for layer in layers for unknown in layer.unknown}
    return [finding for finding in findings if finding.where not in judged]


def judge_field(
    descriptor: Descriptor, path: str, origin: str, *, is_block: bool
) -> tuple[Severity, str]:
    """Say how grave it is that a message lacks a field, and why.

    Args:
        descriptor: the message.
        path: the field, with the blocks around it.
        origin: forks that know it.
        is_block: whether its value is a block.
    """
    name = path.rpartition(".")[2]
    fact = f"unknown field '{path}'"
    if origin:
        return "note" if name in HARMLESS else "warning", f"{fact} (known from {origin})"
    if name in HARMLESS:
        return "note", fact
    near, sure = _meant(name, fields_of(descriptor))
    # A layer type registered by the user may declare a block: schema.own_fields decides.
    own = is_block and descriptor in (LayerParameter.DESCRIPTOR, V1LayerParameter.DESCRIPTOR)
    # Layers refuse what they do not know when they are built; nothing else would for a solver.
    last_chance = bool(near) and descriptor is SolverParameter.DESCRIPTOR
    grave = (sure and not own) or last_chance
    return "error" if grave else "warning", fact + (near or " (known from no fork)")


def judge_value(field: FieldDescriptor, path: str, text: str, origin: str) -> tuple[Severity, str]:
    """Say how grave it is that a field cannot hold a value, and why."""
    shown = text if text[0] in "\"'[" else f"'{text}'"
    fact = f"unknown value {shown} of field '{path}'"
    if text.startswith("["):
        return "warning", f"{fact}: it holds one value"
    known = [value.name for value in field.enum_type.values] if field.enum_type else []
    near, sure = ("", False) if origin else _meant(text.strip("\"'"), known)
    source = f"known from {origin}" if origin else f"known: {', '.join(known)}"
    message = fact + (near or f" ({source})")
    if field.name in HARMLESS:
        return "note", message
    # Layers refuse what they do not know when they are built; nothing else would for a solver.
    last_chance = field.containing_type is SolverParameter.DESCRIPTOR
    return "error" if sure or last_chance else "warning", message


def _meant(word: str, known: Iterable[str]) -> tuple[str, bool]:
    """Return ``; did you mean 'x'?`` or nothing, and whether ``word`` must be a misspelling.

    Names that are alike only because both end in ``_param`` do not count.
    """
    known = list(known)
    hint = nearest(word, known)
    if word.endswith("_param"):
        word, known = (word.removesuffix("_param"), [k.removesuffix("_param") for k in known])
        hint = hint if nearest(word, known) else ""
    return hint, bool(difflib.get_close_matches(word, known, n=1, cutoff=_MISSPELT))
