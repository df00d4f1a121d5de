"""Nets as pictures: layers are boxes, coloured by kind, blobs are arrows with their shapes.

The functions are those of ``caffe.draw``. Pictures are drawn by Graphviz's ``dot``; its input, a
``.dot`` file, is written without it.
"""

import html
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import netcfg.layers  # noqa: F401 - fills the registry
from netcfg.errors import NetError
from netcfg.io.files import write_whole
from netcfg.layer import registry
from netcfg.netcfg_pb2 import LayerParameter, NetParameter, NetState, PoolingParameter
from netcfg.phases import filter_net
from netcfg.shapes import infer_shapes
from netcfg.summary import shape_text
from netcfg.types import Phase, Shapes
from netcfg.upgrade import upgrade_net

RANKDIRS = ("LR", "TB", "RL", "BT")
"""Left to right, top to bottom, and back."""

COLORS = {
    "data": "#d6e2ee", "input": "#d6e2ee", "parameter": "#d6e2ee", "embed": "#d8caec",
    "conv": "#f5c6b4", "inner_product": "#d8caec", "recurrent": "#d8caec",
    "pooling": "#fbdfa8", "spp": "#fbdfa8",
    "activation": "#cde9cd", "softmax": "#cde9cd", "dropout": "#e4efd0",
    "normalization": "#c9e6ea", "scale": "#c9e6ea", "combine": "#ece8d5", "shape": "#ece8d5",
    "loss": "#f2b5c1", "softmax_loss": "#f2b5c1", "metrics": "#ead2bd",
}  # fmt: skip
"""Fill of a box by family, the module of the layer's class."""

Reading: TypeAlias = tuple[int, str, int]
"""A layer that wrote a blob, the blob, and a layer that reads it."""

GREY = "#e8e8e8"
LEARNING = ("Convolution", "Deconvolution", "InnerProduct")
"""Types whose learning rates Caffe shows."""

_STYLE = """\
  node [shape=box, style="rounded,filled", color="#5f6b6d", fontname="Helvetica", fontsize=11, \
margin="0.15,0.08"];
  edge [color="#5f6b6d", fontname="Helvetica", fontsize=9, fontcolor="#40484a", arrowsize=0.7];
"""


@dataclass(frozen=True)
class Drawing:
    """A graph in Graphviz's language, with the methods that programs call on pydot's graphs."""

    text: str

    def to_string(self) -> str:
        """Return the text of a .dot file."""
        return self.text

    def create(self, format: str = "png") -> bytes:
        """Return the bytes of a picture.

        Args:
            format: png, svg, pdf or another that ``dot -T`` knows; ``dot`` is the text.

        Raises:
            NetError: Graphviz is not installed or does not know the format.
        """
        if format in ("dot", "gv", "raw"):
            return self.text.encode()
        program = shutil.which("dot")
        if program is None:
            raise NetError(
                f"a .{format} is drawn by Graphviz, which is not installed: apt install graphviz, "
                "brew install graphviz or conda install graphviz; a .dot can be written without"
            )
        done = subprocess.run(
            [program, f"-T{format}"], input=self.text.encode(), capture_output=True, check=False
        )
        if done.returncode or not done.stdout:
            lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise NetError(f"Graphviz cannot draw a .{format}: {lines[0]}")
        return done.stdout


def draw_net_to_file(
    caffe_net: NetParameter,
    filename: str | Path,
    rankdir: str = "LR",
    phase: int | None = None,
    display_lrm: bool = False,
) -> None:
    """Draw a net into a file whose suffix gives the format; see ``get_pydot_graph``.

    Raises:
        NetError: Graphviz is not installed or does not know the format, or the file cannot be
            written.
    """
    suffix = Path(filename).suffix.removeprefix(".").lower()
    if not suffix:
        raise NetError(f"'{filename}' must end in a format, such as .png, .svg, .pdf or .dot")
    picture = draw_net(caffe_net, rankdir, suffix, phase, display_lrm)
    with write_whole(filename) as file:
        file.write(picture)


def draw_net(
    caffe_net: NetParameter,
    rankdir: str,
    ext: str = "png",
    phase: int | None = None,
    display_lrm: bool = False,
) -> bytes:
    """Return the picture of a net; see ``get_pydot_graph``."""
    graph = get_pydot_graph(caffe_net, rankdir, phase=phase, display_lrm=display_lrm)
    return graph.create(format=ext)


def get_pydot_graph(
    caffe_net: NetParameter,
    rankdir: str,
    label_edges: bool = True,
    phase: int | None = None,
    display_lrm: bool = False,
) -> Drawing:
    """Return the drawing of a net of any age.

    Args:
        caffe_net: the net.
        rankdir: one of ``RANKDIRS``.
        label_edges: whether arrows tell names and shapes of blobs, as far as those are known.
        phase: TRAIN or TEST; all layers where None, with the shapes at TRAIN first.
        display_lrm: whether boxes tell the learning rate multipliers.

    Raises:
        NetError: the net cannot be upgraded, or ``rankdir`` is none.
    """
    if rankdir not in RANKDIRS:
        raise NetError(f"rankdir must be one of {', '.join(RANKDIRS)}; given '{rankdir}'")
    net = upgrade_net(caffe_net)[0]
    phases = [Phase.TRAIN, Phase.TEST] if phase is None else [Phase(phase)]
    runs = [_shapes(net, each) for each in phases]
    drawn = list(range(len(net.layer))) if phase is None else sorted(runs[0])
    lines = [_box(i, net.layer[i], display_lrm) for i in drawn]
    shapes = runs[-1] | runs[0] if label_edges else None
    lines += _arrows(net, dict.fromkeys(_readings(net, drawn, runs)), drawn, shapes)
    body = "".join(f"  {line}\n" for line in lines)
    head = f"digraph {_quoted(net.name or 'net')} {{\n  rankdir={rankdir};\n{_STYLE}"
    return Drawing(f"{head}{body}}}\n")


def _shapes(net: NetParameter, phase: Phase) -> dict[int, Shapes]:
    """Return the index of each layer that runs in a phase, and the shapes of its tops."""
    state = NetState(phase=int(phase))
    alone = [NetParameter(layer=[layer]) for layer in net.layer]
    ran = [i for i, one in enumerate(alone) if filter_net(one, state).layer]
    return dict(zip(ran, infer_shapes([net.layer[i] for i in ran], phase), strict=True))


# Boxes -----------------------------------------------------------------------------------------


def _box(i: int, layer: LayerParameter, display_lrm: bool) -> str:
    lines = [f"<b>{_text(layer.name)}</b>", _text(layer.type), *_settings(layer)]
    if display_lrm and layer.type in LEARNING:
        rates = [f"{spec.lr_mult:g}" for spec in layer.param] or ["1"]
        lines.append(f"lr_mult {', '.join(rates)}")
    color = COLORS.get(_family(layer.type), GREY)
    return f'n{i} [label=<{"<br/>".join(lines)}>, fillcolor="{color}"];'


def _family(type_: str) -> str:
    """Return the last name of the module that holds a type, nothing for an unknown one."""
    return registry[type_].__module__.rpartition(".")[2] if type_ in registry else ""


def _settings(layer: LayerParameter) -> Iterator[str]:
    """Yield what a box tells of the sizes of a layer."""
    if layer.type in ("Convolution", "Deconvolution"):
        conv = layer.convolution_param
        yield f"{conv.num_output} outputs" + (f", group {conv.group}" if conv.group > 1 else "")
        yield _window(conv)
    elif layer.type == "InnerProduct":
        yield f"{layer.inner_product_param.num_output} outputs"
    elif layer.type == "Pooling":
        pool = layer.pooling_param
        method = PoolingParameter.PoolMethod.Name(pool.pool)
        yield f"{method}, all of the image" if pool.global_pooling else method
        if not pool.global_pooling:
            yield _window(pool)


def _window(config: Any) -> str:
    """Return kernel, stride and pad, and dilation where it is not 1."""
    words = [
        f"kernel {_sizes(config, 'kernel_size', 'kernel', 1)}",
        f"stride {_sizes(config, 'stride', 'stride', 1)}",
        f"pad {_sizes(config, 'pad', 'pad', 0)}",
    ]
    dilation = [d for d in getattr(config, "dilation", ()) if d != 1]
    return ", ".join([*words, *(f"dilation {d}" for d in dilation[:1])])


def _sizes(config: Any, name: str, stem: str, default: int) -> str:
    """Return a size: one number, or one for each axis as in 3×5.

    >>> from netcfg.netcfg_pb2 import ConvolutionParameter
    >>> _sizes(ConvolutionParameter(kernel_h=3, kernel_w=5), "kernel_size", "kernel", 1)
    '3×5'
    """
    if config.HasField(f"{stem}_h") or config.HasField(f"{stem}_w"):
        sizes = [getattr(config, f"{stem}_{side}") for side in "hw"]
    else:
        given = getattr(config, name)
        sizes = [given] if isinstance(given, int) else list(given)
    return shape_text(tuple(sizes or [default]))


# Arrows ----------------------------------------------------------------------------------------


def _readings(
    net: NetParameter, drawn: Sequence[int], runs: Sequence[Mapping[int, Shapes]]
) -> Iterator[Reading]:
    """Yield who wrote each blob that a layer reads, phase by phase."""
    for ran in runs:
        writers: dict[str, list[int]] = {}
        for i in drawn:
            layer = net.layer[i]
            if i not in ran and any(i in other for other in runs):
                continue
            for name in layer.bottom:
                yield from ((writer, name, i) for writer in writers.get(name, ()))
            for name in layer.top:
                # What stages choose runs in no phase by itself: it does not hide other writers.
                writers[name] = [i] if i in ran else [*writers.get(name, ()), i]


def _arrows(
    net: NetParameter,
    readings: Iterable[Reading],
    drawn: Sequence[int],
    shapes: Mapping[int, Shapes] | None,
) -> Iterator[str]:
    """Yield an arrow for each blob that a layer reads, and an end for each that none reads."""
    read = set()
    for writer, name, reader in readings:
        read.add((writer, name))
        yield f"n{writer} -> n{reader}{_label(net, writer, name, shapes)};"
    for i in drawn:
        for k, name in enumerate(net.layer[i].top):
            if (i, name) not in read:
                yield f'o{i}_{k} [shape=plaintext, style="", label=<{_text(name)}>];'
                yield f"n{i} -> o{i}_{k}{_label(net, i, name, shapes)};"


def _label(net: NetParameter, writer: int, blob: str, shapes: Mapping[int, Shapes] | None) -> str:
    """Return the label of an arrow: the blob's shape, and its name if it is not the layer's."""
    if shapes is None:
        return ""
    layer = net.layer[writer]
    known = dict(zip(layer.top, map(shape_text, shapes.get(writer, ())), strict=False))
    words = ["" if blob == layer.name else html.escape(blob), known.get(blob, "")]
    label = "<br/>".join(f" {word}" for word in words if word)  # the space keeps off the arrow
    return f" [label=<{label}>]" if label else ""


def _text(text: str) -> str:
    """Return a word as HTML, in which Graphviz takes nothing for an error."""
    return html.escape(text) or "&#160;"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
