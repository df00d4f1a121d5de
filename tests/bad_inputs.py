"""Wrong files and arguments, each with the command that meets it.

``tools/gen_errors.py`` runs them and writes what they say into ``docs/errors.md``; the test runs
them again and compares.
"""

import contextlib
import errno
import io
import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import lmdb
import numpy as np
import pytest

from netcfg.cli.main import main
from netcfg.netcfg_pb2 import Datum

NET = """\
name: "small"
layer {
  name: "data"
  type: "Data"
  top: "data"
  top: "label"
  transform_param { scale: 0.01 }
  data_param { source: "records" backend: LMDB batch_size: 4 }
}
layer {
  name: "conv"
  type: "Convolution"
  bottom: "data"
  top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } }
}
layer {
  name: "pool"
  type: "Pooling"
  bottom: "conv"
  top: "pool"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 }
}
layer {
  name: "ip"
  type: "InnerProduct"
  bottom: "pool"
  top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } }
}
layer {
  name: "loss"
  type: "SoftmaxWithLoss"
  bottom: "ip"
  bottom: "label"
  top: "loss"
}
"""

SOLVER = """\
net: "net.prototxt"
base_lr: 0.01
lr_policy: "fixed"
max_iter: 4
display: 1
snapshot: 2
snapshot_prefix: "snap"
random_seed: 1
solver_mode: CPU
"""

TRAIN = "netcfg train solver.prototxt"
CHECK = "netcfg check net.prototxt"
CONVERT = "netcfg convert-imageset . list.txt images"
WEIGHTS = " --weights snap_iter_4.caffemodel"
CLASSIFY = f"netcfg classify net.prototxt records --out r.csv{WEIGHTS}"
FEATURES = "netcfg extract-features snap_iter_4.caffemodel net.prototxt {} features"

Prepare = Callable[[Path, pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Answer:
    """What a command did with a wrong input."""

    status: int
    line: str
    """The error; of several, the first."""
    errors: int


@dataclass(frozen=True)
class Bad:
    """One wrong input.

    Attributes:
        topic: heading on the page.
        what: is wrong, as the page says it.
        command: that is run.
        net, solver: (old, new) in the file.
        prepare: does to the folder what an edit cannot.
    """

    topic: str
    what: str
    command: str = CHECK
    net: tuple[str, str] = ("", "")
    solver: tuple[str, str] = ("", "")
    prepare: Prepare | None = None

    def build(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Write the files into a folder and go there."""
        write_records(folder / "records")
        for name, text, (old, new) in (
            ("net.prototxt", NET, self.net),
            ("solver.prototxt", SOLVER, self.solver),
        ):
            assert old in text
            (folder / name).write_text(text.replace(old, new, 1) if old else text + new)
        monkeypatch.chdir(folder)
        monkeypatch.setenv("NETCFG_ZOO", str(folder / "cache"))
        if self.prepare:
            self.prepare(folder, monkeypatch)

    def run(self, folder: Path) -> Answer:
        """Run the command in a folder and return what it says."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as monkeypatch:
            self.build(folder, monkeypatch)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = main(shlex.split(self.command)[1:])
        lines = (out.getvalue() + err.getvalue()).splitlines()
        errors = [line.replace(f"{folder}/", "") for line in lines if "error: " in line]
        # Trained weights differ in their last bits from machine to machine, and so do hashes.
        errors = [re.sub(r"SHA-256 [0-9a-f]+", "SHA-256 50f0a2745ed3", line) for line in errors]
        assert "Traceback" not in err.getvalue()
        return Answer(status, errors[0] if errors else "", len(errors))


def write_records(path: Path, **fields: Any) -> None:
    """Write an LMDB of 10 records of 3 × 8 × 8; ``fields`` replace those of record 5."""
    env = lmdb.open(str(path), map_size=1 << 22)
    rng = np.random.default_rng(0)
    with env.begin(write=True) as txn:
        for i in range(10):
            pixels = rng.integers(0, 256, 192, np.uint8).tobytes()
            values = {"channels": 3, "height": 8, "width": 8, "data": pixels, "label": i % 3}
            if i == 5:
                values |= fields
            txn.put(b"%08d" % i, Datum(**values).SerializeToString())
    env.close()


def records(**fields: Any) -> Prepare:
    return lambda folder, _: write_records(folder / "records", **fields)


def raw_record(value: bytes) -> Prepare:
    def prepare(folder: Path, _: pytest.MonkeyPatch) -> None:
        env = lmdb.open(str(folder / "records"), map_size=1 << 22)
        with env.begin(write=True) as txn:
            txn.put(b"00000005", value)
        env.close()

    return prepare


def file(name: str, content: bytes) -> Prepare:
    return lambda folder, _: (folder / name).write_bytes(content) and None


def remove(name: str) -> Prepare:
    return lambda folder, _: (folder / name).unlink()


def damaged_database(folder: Path, _: pytest.MonkeyPatch) -> None:
    (folder / "records" / "data.mdb").write_bytes(b"not a database" * 1000)


def image_list(text: str) -> Prepare:
    def prepare(folder: Path, _: pytest.MonkeyPatch) -> None:
        (folder / "list.txt").write_text(text)
        (folder / "bad.jpg").write_bytes(b"\xff\xd8 no picture")

    return prepare


def hdf5_without_label(folder: Path, _: pytest.MonkeyPatch) -> None:
    with h5py.File(folder / "part.h5", "w") as f:
        f["data"] = np.zeros((4, 3), np.float32)
    (folder / "list.txt").write_text("part.h5\n")


def trained(then: Prepare | None = None) -> Prepare:
    """Train once, so that snapshots of iterations 2 and 4 lie in the folder."""

    def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from netcfg.solver import Solver

        with Solver("solver.prototxt") as solver:
            solver.solve()
        if then:
            then(folder, monkeypatch)

    return prepare


def cut(name: str, size: int) -> Prepare:
    def prepare(folder: Path, _: pytest.MonkeyPatch) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[:size])

    return prepare


def other_weights(folder: Path, _: pytest.MonkeyPatch) -> None:
    weights = (folder / "snap_iter_4.caffemodel").read_bytes()
    (folder / "snap_iter_2.caffemodel").write_bytes(weights)


def solver_type(name: str) -> Prepare:
    def prepare(folder: Path, _: pytest.MonkeyPatch) -> None:
        path = folder / "solver.prototxt"
        path.write_text(path.read_text() + f'type: "{name}" momentum: 0.9\n')

    return prepare


def full_disk(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)


def environment(name: str, value: str) -> Prepare:
    return lambda _, monkeypatch: monkeypatch.setenv(name, value)


def model(card: str) -> Prepare:
    """Make a model folder ``mine`` with a card."""

    def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NETCFG_MODELS", ".")
        (folder / "mine").mkdir()
        (folder / "mine/card.toml").write_text(card)

    return prepare


def other_run(folder: Path, _: pytest.MonkeyPatch) -> None:
    from netcfg.vision.journal import Journal

    head = {"command": "Classifier", "inputs": "2 pictures"}
    Journal(folder / "r.csv.journal", head).close()


def layer(body: str) -> tuple[str, str]:
    """Append a layer on line 39 of the net."""
    return ("", f"layer {{ {body} }}\n")


IMAGES = (
    'type: "Data"\n  top: "data"\n  top: "label"\n  transform_param { scale: 0.01 }\n'
    '  data_param { source: "records" backend: LMDB batch_size: 4 }',
    'type: "ImageData"\n  top: "data"\n  top: "label"\n'
    '  image_data_param { source: "list.txt" batch_size: 1 }',
)
HDF5 = (IMAGES[0], IMAGES[1].replace("ImageData", "HDF5Data").replace("image_data", "hdf5_data"))

ROWS = [
    # Syntax -------------------------------------------------------------------------------------
    Bad("Syntax", "a block is never closed", net=('  top: "loss"\n}\n', '  top: "loss"\n')),
    Bad("Syntax", "a brace too many", net=("", "}\n")),
    Bad("Syntax", "a string is not closed", net=('name: "small"', 'name: "small')),
    Bad("Syntax", "a value is missing", net=("num_output: 4", "num_output:")),
    Bad("Syntax", "a colon is missing", net=("num_output: 4", "num_output 4")),
    Bad("Syntax", "text where a number belongs", net=("num_output: 4", 'num_output: "4"')),
    Bad("Syntax", "a number out of range", net=("num_output: 4", "num_output: -4")),
    Bad("Syntax", "a field given twice", net=("num_output: 4", "num_output: 4 num_output: 5")),
    Bad("Syntax", "the file is not text", prepare=file("net.prototxt", b"\x00\xff\xfe\x01" * 9)),
    # Words --------------------------------------------------------------------------------------
    Bad("Words", "a misspelt field", net=("kernel_size: 3", "kernal_size: 3")),
    Bad("Words", "a misspelt block", net=("convolution_param", "convolution_params")),
    Bad(
        "Words",
        "a misspelt field of the solver",
        solver=("base_lr", "base_Ir"),
        command="netcfg check solver.prototxt",
    ),
    Bad("Words", "an unknown value", net=("pool: MAX", "pool: MAXIMUM")),
    Bad("Words", "a misspelt layer type", net=("InnerProduct", "InnerProdct")),
    Bad(
        "Words",
        "a field of a fork that changes the result",
        net=("stride: 2", "stride: 2 kernel_depth: 2"),
    ),
    Bad("Words", "an unknown filler", net=('type: "xavier"', 'type: "xaver"')),
    Bad(
        "Words",
        "an unknown lr_policy",
        solver=('"fixed"', '"steps"'),
        command="netcfg check solver.prototxt",
    ),
    Bad(
        "Words",
        "a policy without its fields",
        solver=('"fixed"', '"step"'),
        command="netcfg check solver.prototxt",
    ),
    Bad(
        "Words",
        "an unknown solver type",
        solver=("", 'type: "Adamm"\n'),
        command="netcfg check solver.prototxt",
    ),
    Bad("Words", "an unknown command", command="netcfg trian solver.prototxt"),
    Bad("Words", "an unknown option", command="netcfg train solver.prototxt --max-iters 5"),
    Bad("Words", "an unknown engine", command="netcfg train solver.prototxt --engine nunpy"),
    Bad("Words", "--set names no field", command="netcfg train solver.prototxt --set bas_lr=1"),
    # Names --------------------------------------------------------------------------------------
    Bad("Names", "a bottom that nobody writes", net=('bottom: "pool"', 'bottom: "pol"')),
    Bad("Names", "layers in a circle", net=('bottom: "data"', 'bottom: "ip"')),
    Bad("Names", "two layers write one blob", net=('top: "ip"', 'top: "conv"')),
    Bad("Names", "two layers with parameters have one name", net=('name: "ip"', 'name: "conv"')),
    Bad("Names", "too few bottoms", net=('  bottom: "label"\n', "")),
    Bad(
        "Names",
        "both include and exclude",
        net=('name: "pool"', 'name: "pool" include { phase: TRAIN } exclude { phase: TEST }'),
    ),
    Bad(
        "Names",
        "a layer left out in this phase is needed",
        net=('name: "pool"', 'name: "pool" include { phase: TRAIN }'),
    ),
    Bad(
        "Names",
        "old and new layers in one file",
        net=("", 'layers { name: "r" type: RELU bottom: "ip" top: "ip" }\n'),
    ),
    Bad(
        "Names",
        "a shared parameter with two shapes",
        net=(
            "",
            'layer { name: "a" type: "InnerProduct" bottom: "ip" top: "a" '
            'param { name: "w" } inner_product_param { num_output: 2 } }\n'
            'layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" '
            'param { name: "w" } inner_product_param { num_output: 2 } }\n',
        ),
    ),
    # Shapes -------------------------------------------------------------------------------------
    Bad("Shapes", "a kernel larger than its input", net=("kernel_size: 3", "kernel_size: 9")),
    Bad("Shapes", "no outputs", net=("num_output: 3", "num_output: 0")),
    Bad(
        "Shapes",
        "group does not divide the channels",
        net=("num_output: 4", "num_output: 4 group: 2"),
    ),
    Bad("Shapes", "kernel_size and kernel_h", net=("kernel_size: 3", "kernel_size: 3 kernel_h: 3")),
    Bad("Shapes", "padding as wide as the window", net=("stride: 2", "stride: 2 pad: 2")),
    Bad(
        "Shapes",
        "labels that do not fit the scores",
        net=('bottom: "ip"\n  bottom: "label"', 'bottom: "conv"\n  bottom: "label"'),
    ),
    Bad(
        "Shapes",
        "blobs of different shapes are added",
        net=layer('name: "sum" type: "Eltwise" bottom: "conv" bottom: "pool" top: "sum"'),
    ),
    Bad(
        "Shapes",
        "blobs that differ beside the axis are joined",
        net=layer('name: "cat" type: "Concat" bottom: "conv" bottom: "pool" top: "cat"'),
    ),
    Bad(
        "Shapes",
        "a reshape to another count",
        net=layer(
            'name: "r" type: "Reshape" bottom: "ip" top: "r" '
            "reshape_param { shape { dim: 5 dim: 5 } }"
        ),
    ),
    Bad(
        "Shapes",
        "an axis that is not there",
        net=layer('name: "s" type: "Softmax" bottom: "ip" top: "s" softmax_param { axis: 2 }'),
    ),
    Bad(
        "Shapes",
        "slices that do not fit",
        net=layer(
            'name: "s" type: "Slice" bottom: "conv" top: "s1" top: "s2" '
            "slice_param { slice_point: 4 }"
        ),
    ),
    # Data ---------------------------------------------------------------------------------------
    Bad("Data", "the database is missing", command=TRAIN, net=('"records"', '"record"')),
    Bad("Data", "the database is not one", command=TRAIN, prepare=damaged_database),
    Bad("Data", "a record is cut short", command=TRAIN, prepare=records(data=b"short")),
    Bad("Data", "a record is no Datum", command=TRAIN, prepare=raw_record(b"\xff" * 30)),
    Bad(
        "Data",
        "an encoded image cannot be read",
        command=TRAIN,
        prepare=records(data=b"no picture", encoded=True),
    ),
    Bad(
        "Data",
        "records of two sizes in one batch",
        command=TRAIN,
        prepare=records(height=4, width=16),
    ),
    Bad("Data", "a label out of range", command=TRAIN, prepare=records(label=7)),
    Bad(
        "Data",
        "crop_size larger than the image",
        command=TRAIN,
        net=("scale: 0.01", "scale: 0.01 crop_size: 20"),
    ),
    Bad(
        "Data",
        "mean_value for other channels",
        command=TRAIN,
        net=("scale: 0.01", "mean_value: 1 mean_value: 2"),
    ),
    Bad(
        "Data",
        "mean_file is missing",
        command=TRAIN,
        net=("scale: 0.01", 'mean_file: "mean.binaryproto"'),
    ),
    Bad(
        "Data",
        "mean_file is damaged",
        command=TRAIN,
        net=("scale: 0.01", 'mean_file: "mean.binaryproto"'),
        prepare=file("mean.binaryproto", b"\x2a\xff\xff\xff"),
    ),
    Bad(
        "Data",
        "a list names a missing image",
        command=TRAIN,
        net=IMAGES,
        prepare=image_list("no.jpg 0\n"),
    ),
    Bad(
        "Data",
        "an image of a list cannot be read",
        command=TRAIN,
        net=IMAGES,
        prepare=image_list("bad.jpg 0\n"),
    ),
    Bad(
        "Data",
        "a line of a list has no label",
        command=TRAIN,
        net=IMAGES,
        prepare=image_list("bad.jpg\n"),
    ),
    Bad(
        "Data", "an HDF5 file lacks a data set", command=TRAIN, net=HDF5, prepare=hdf5_without_label
    ),
    Bad(
        "Data",
        "draft without the size that images become",
        command=TRAIN,
        net=(IMAGES[0], IMAGES[1].replace("batch_size: 1", "batch_size: 1 draft: true")),
        prepare=image_list("bad.jpg 0\n"),
    ),
    Bad(
        "Data",
        "NETCFG_WORKERS is no number",
        command=TRAIN,
        prepare=environment("NETCFG_WORKERS", "many"),
    ),
    # Solver and snapshots -----------------------------------------------------------------------
    Bad("Training", "the solver is missing", command="netcfg train solvr.prototxt"),
    Bad("Training", "a net is given for a solver", command="netcfg train net.prototxt"),
    Bad("Training", "the solver's net is missing", command=TRAIN, prepare=remove("net.prototxt")),
    Bad("Training", "the solver names no net", command=TRAIN, solver=('net: "net.prototxt"\n', "")),
    Bad(
        "Training", "test_iter without test_interval", command=TRAIN, solver=("", "test_iter: 2\n")
    ),
    Bad("Training", "the loss becomes NaN", command=TRAIN, solver=("0.01", "1e30")),
    Bad("Training", "the disk is full", command=TRAIN, prepare=full_disk),
    Bad(
        "Training",
        "a GPU is asked for with --strict",
        command=TRAIN + " --strict",
        solver=("CPU", "GPU"),
    ),
    Bad("Training", "the weights are missing", command=TRAIN + " --weights no.caffemodel"),
    Bad(
        "Training",
        "the weights are cut short",
        command=TRAIN + " --weights snap_iter_4.caffemodel",
        prepare=trained(cut("snap_iter_4.caffemodel", 300)),
    ),
    Bad(
        "Training",
        "the weights have another shape",
        command=TRAIN + " --weights snap_iter_4.caffemodel --set layer[ip].inner_product_param."
        "num_output=5",
        prepare=trained(),
    ),
    Bad(
        "Training",
        "weights are given for a snapshot",
        command=TRAIN + " --snapshot snap_iter_4.caffemodel",
        prepare=trained(),
    ),
    Bad(
        "Training",
        "a snapshot is cut short",
        command=TRAIN + " --snapshot snap_iter_2.solverstate",
        prepare=trained(cut("snap_iter_2.solverstate", 200)),
    ),
    Bad(
        "Training",
        "a snapshot without its weights",
        command=TRAIN + " --snapshot snap_iter_2.solverstate",
        prepare=trained(remove("snap_iter_2.caffemodel")),
    ),
    Bad(
        "Training",
        "a snapshot with other weights",
        command=TRAIN + " --snapshot snap_iter_2.solverstate",
        prepare=trained(other_weights),
    ),
    Bad(
        "Training",
        "a snapshot of another solver type",
        command=TRAIN + " --snapshot snap_iter_2.solverstate",
        prepare=trained(solver_type("Adam")),
    ),
    Bad(
        "Training",
        "a snapshot of another net",
        command=TRAIN + " --snapshot snap_iter_2.solverstate --set layer[ip].inner_product_param."
        "num_output=5",
        prepare=trained(),
    ),
    Bad(
        "Tools", "an image is none", command=CONVERT, prepare=file("list.txt", b"net.prototxt 1\n")
    ),
    Bad("Tools", "an image is missing", command=CONVERT, prepare=file("list.txt", b"cat.jpg 1\n")),
    Bad("Tools", "a line without a label", command=CONVERT, prepare=file("list.txt", b"cat.jpg\n")),
    Bad(
        "Tools",
        "a label of 11 digits",
        command=CONVERT,
        prepare=file("list.txt", b"cat.jpg 30000000000\n"),
    ),
    Bad(
        "Tools",
        "the new database is there already",
        command="netcfg convert-imageset . list.txt records",
        prepare=file("list.txt", b"cat.jpg 1\n"),
    ),
    Bad("Tools", "one side of a size only", command=CONVERT + " --resize-width=8"),
    Bad(
        "Tools",
        "images to average differ in size",
        command="netcfg compute-mean records",
        prepare=records(height=4, data=bytes(96)),
    ),
    Bad("Tools", "a mean of what is no database", command="netcfg compute-mean net.prototxt"),
    Bad(
        "Tools",
        "features of an unknown blob",
        command=FEATURES.format("pol"),
        prepare=trained(),
    ),
    Bad(
        "Tools",
        "features that are no rows of images",
        command=FEATURES.format("loss"),
        prepare=trained(),
    ),
    Bad("Tools", "no images to resize", command="netcfg resize-images records small"),
    Bad("Tools", "results among the images", command="netcfg resize-images . small"),
    # Models and pictures ------------------------------------------------------------------------
    Bad("Models", "an unknown model", command="netcfg show zoo:resnet51"),
    Bad("Models", "a file that a model has not", command="netcfg show zoo:lenet/deploy.prototx"),
    Bad(
        "Models",
        "weights that are not there, without the network",
        command="netcfg zoo download squeezenet1.1 --dir . --offline",
    ),
    Bad("Models", "weights without an address", command="netcfg zoo download yolov2 --dir ."),
    Bad(
        "Models",
        "a card with an unknown key",
        command="netcfg zoo show mine",
        prepare=model("names = 'mine'\n"),
    ),
    Bad(
        "Models",
        "a net to deploy whose data is not there",
        command="netcfg deploy net.prototxt",
        net=('source: "records"', 'source: "other"'),
    ),
    Bad(
        "Models",
        "a net to deploy that answers nothing",
        command="netcfg deploy net.prototxt --shape data=1,3,8,8",
        net=(NET[NET.index('layer {\n  name: "conv"') :], ""),
    ),
    Bad(
        "Models",
        "weights to deploy that would go nowhere",
        command="netcfg deploy net.prototxt --weights snap_iter_4.caffemodel",
        prepare=trained(),
    ),
    Bad("Pictures", "a net without weights", command=CLASSIFY.replace(WEIGHTS, "")),
    Bad("Pictures", "an unknown format of results", command=CLASSIFY.replace(".csv", ".xls")),
    Bad("Pictures", "no such picture", command=CLASSIFY.replace("records", "cat.png")),
    Bad("Pictures", "a folder without pictures", command=CLASSIFY.replace("records", ".")),
    Bad(
        "Pictures",
        "results are there already",
        command=CLASSIFY,
        prepare=trained(file("r.csv", b"image\n")),
    ),
    Bad("Pictures", "results of another run", command=CLASSIFY, prepare=trained(other_run)),
    Bad(
        "Pictures",
        "a mean for other channels",
        command=f"{CLASSIFY} --mean 1,2",
        prepare=trained(),
    ),
    Bad(
        "Pictures",
        "a picture that cannot be read, with --on-error stop",
        command=f"{CLASSIFY.replace('records', 'list.txt')} --on-error stop",
        prepare=trained(image_list("bad.jpg\n")),
    ),
]
