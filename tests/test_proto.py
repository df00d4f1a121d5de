"""The schema: it holds all of Caffe's, every field is described, and generated files are fresh."""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from netcfg import netcfg_pb2
from netcfg.field_docs import field_docs, message_doc

ROOT = Path(__file__).parent.parent
PROTO = ROOT / "proto" / "netcfg.proto"
FORK_FIELDS = ROOT / "netcfg" / "fork_fields.tsv"
LINES = (Path(__file__).parent / "data" / "bvlc_fields.tsv").read_text("utf-8").splitlines()
ROWS = [dict(zip(LINES[0].split("\t"), line.split("\t"), strict=True)) for line in LINES[1:]]

Message = descriptor_pb2.DescriptorProto
Enum = descriptor_pb2.EnumDescriptorProto
Field = descriptor_pb2.FieldDescriptorProto
OPTIONAL_HERE = {("ClipParameter", "min"), ("ClipParameter", "max")}  # Caffe requires them


def walk(message: Message, scope: str = "") -> Iterator[tuple[str, Message | Enum]]:
    for enum in message.enum_type:
        yield scope + enum.name, enum
    for nested in message.nested_type:
        yield scope + nested.name, nested
        yield from walk(nested, f"{scope}{nested.name}.")


def schema() -> dict[str, Message | Enum]:
    file = descriptor_pb2.FileDescriptorProto()
    netcfg_pb2.DESCRIPTOR.CopyToProto(file)
    return dict(walk(Message(nested_type=file.message_type, enum_type=file.enum_type)))


SCHEMA = schema()
MESSAGES = {name: item for name, item in SCHEMA.items() if isinstance(item, Message)}
ENUMS = {name: item for name, item in SCHEMA.items() if isinstance(item, Enum)}


def facts(message: str, field: Field) -> dict[str, str]:
    """Return the field as a row of the table of Caffe's fields."""
    kind = Field.Type.Name(field.type).removeprefix("TYPE_").lower()
    default = field.default_value
    if default and kind in {"float", "double"}:
        default = f"{float(default):g}"  # runtimes say 9.99999994e-09 for 1e-08
    return {
        "message": message,
        "kind": "field",
        "name": field.name,
        "number": str(field.number),
        "label": Field.Label.Name(field.label).removeprefix("LABEL_").lower(),
        "type": field.type_name.removeprefix(".netcfg.") or kind,
        "default": default,
        "options": "packed" if field.options.packed else "",
    }


@pytest.mark.parametrize("message", sorted({row["message"] for row in ROWS}))
def test_holds_what_caffe_knows(message):
    rows = [row for row in ROWS if row["message"] == message]
    if message in ENUMS:
        values = {value.name: str(value.number) for value in ENUMS[message].value}
        assert {row["name"]: row["number"] for row in rows}.items() <= values.items()
        return
    known = {field.name: facts(message, field) for field in MESSAGES[message].field}
    for row in rows:
        label = "optional" if (message, row["name"]) in OPTIONAL_HERE else row["label"]
        assert known[row["name"]] == row | {"label": label}


def test_the_table_of_caffes_fields_is_complete():
    assert len(ROWS) == 534
    assert sum(row["message"] == "LayerParameter" for row in ROWS) == 60


def test_nothing_is_required():
    required = [
        f"{name}.{field.name}"
        for name, message in MESSAGES.items()
        for field in message.field
        if field.label == Field.LABEL_REQUIRED
    ]
    assert required == []


@pytest.mark.parametrize("name", SCHEMA)
def test_everything_is_described(name):
    assert message_doc(name), f"{name} has no comment"
    for doc in field_docs(name):
        assert doc.comment, f"{name}.{doc.name} has no comment"
        assert doc.comment.endswith((".", ":")), f"{name}.{doc.name}: {doc.comment}"


@pytest.mark.parametrize("name", MESSAGES)
def test_numbers_are_unique(name):
    numbers = [field.number for field in MESSAGES[name].field]
    assert len(numbers) == len(set(numbers))


def test_lines_fit():
    long = [line for line in PROTO.read_text("utf-8").splitlines() if len(line) > 100]
    assert long == []


def test_names_are_usable_in_python():
    names = [field.name for message in MESSAGES.values() for field in message.field]
    assert all(re.fullmatch(r"[A-Za-z]\w*", name) and name != "lambda" for name in names)


def test_generated_files_are_fresh():
    if importlib.util.find_spec("grpc_tools") is None:
        pytest.skip("needs protoc: pip install grpcio-tools")
    command = [sys.executable, str(ROOT / "tools" / "gen_proto.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_packed_values_are_written_as_caffe_writes_them():
    blob = netcfg_pb2.BlobProto(data=[1.0], shape=netcfg_pb2.BlobShape(dim=[1]))
    assert blob.SerializeToString() == b"\x2a\x04\x00\x00\x80?" + b"\x3a\x03\x0a\x01\x01"


def test_classes_belong_to_the_package():
    assert netcfg_pb2.NetParameter.__module__ == "netcfg.netcfg_pb2"


CAFFES = {(row["message"], row["name"]) for row in ROWS}
FIELD_OPTIONS, VALUE_OPTIONS = descriptor_pb2.FieldOptions, descriptor_pb2.EnumValueOptions


def marks(name: str) -> dict[str, str]:
    """Return what the options of a message's fields or an enum's values say of forks."""
    item = SCHEMA[name]
    if isinstance(item, Enum):
        options = {v.name: v.options.SerializeToString() for v in item.value}
        read = {k: VALUE_OPTIONS.FromString(o) for k, o in options.items()}
        return {k: o.Extensions[netcfg_pb2.fork_value] for k, o in read.items()}
    options = {f.name: f.options.SerializeToString() for f in item.field}
    read = {k: FIELD_OPTIONS.FromString(o) for k, o in options.items()}
    return {k: o.Extensions[netcfg_pb2.fork] for k, o in read.items()}


@pytest.mark.parametrize("name", SCHEMA)
def test_what_forks_brought_to_caffe_is_marked(name):
    known = {field for message, field in CAFFES if message == name}
    added = {doc.name for doc in field_docs(name)} - known if known else set()
    assert {field for field, fork in marks(name).items() if fork} == added


@pytest.mark.parametrize("name", SCHEMA)
def test_a_mark_says_what_the_comment_says(name):
    comments = {doc.name: doc.comment for doc in field_docs(name)}
    for field, fork in marks(name).items():
        assert fork in ("", "netcfg") or comments[field].startswith(f"{fork}: "), field


def test_marks():
    assert marks("PoolingParameter")["pad_l"] == "synopsys-caffe"
    assert marks("PoolingParameter.PoolMethod")["AVE_EXC_PAD"] == "synopsys-caffe"
    assert marks("LayerParameter")["permute_param"] == "SSD"
    assert marks("LayerParameter")["unknown"] == marks("SolverState")["metadata"] == "netcfg"
    assert marks("LayerParameter")["pooling_param"] == marks("PermuteParameter")["order"] == ""


def fork_rows() -> list[list[str]]:
    return [line.split("\t") for line in FORK_FIELDS.read_text("utf-8").splitlines()]


def test_the_table_of_fork_fields_holds_only_what_the_schema_lacks():
    head, *rows = fork_rows()
    assert head == ["message", "field", "forks"]
    for message, field, forks in rows:
        item = SCHEMA[message]
        held = item.value if isinstance(item, Enum) else item.field
        assert field not in {entry.name for entry in held}, (message, field)
        assert forks


def test_the_table_of_fork_fields_is_sorted_and_without_repetitions():
    keys = [(message, field) for message, field, _ in fork_rows()[1:]]
    assert keys == sorted(set(keys))


def test_the_table_of_fork_fields_names_the_fork_of_a_known_field():
    forks = {(message, field): forks for message, field, forks in fork_rows()}
    assert forks["SolverParameter", "larc_turbo"] == "NVCaffe"
