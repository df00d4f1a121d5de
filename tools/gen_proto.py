"""Write netcfg/netcfg_pb2.py and netcfg/netcfg_pb2.pyi from proto/netcfg.proto.

    python tools/gen_proto.py           write both files
    python tools/gen_proto.py --check   exit 1 if they are stale, and write nothing

protoc (of the package grpcio-tools, any version) only translates the schema into a descriptor; the
two files are written here. So they are the same whichever protoc is installed, and they run with
every protobuf from 5.29 on, while the modules that protoc writes refuse runtimes older than
themselves or two major versions newer.
"""

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto" / "netcfg.proto"
MODULE = ROOT / "netcfg" / "netcfg_pb2.py"
STUB = MODULE.with_suffix(".pyi")
LITERAL_WIDTH = 92

HEADER = '"""Generated from proto/netcfg.proto by tools/gen_proto.py; do not edit."""\n\n'
MODULE_HEAD = """\
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.internal import builder

DESCRIPTOR = descriptor_pool.Default().AddSerializedFile(
"""
MODULE_TAIL = """\
)

builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "netcfg.netcfg_pb2", globals())
"""
STUB_HEAD = """\
import builtins
from collections.abc import Iterable
from typing import ClassVar

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import EnumValueOptions, FieldOptions
from google.protobuf.internal.containers import (
    RepeatedCompositeFieldContainer,
    RepeatedScalarFieldContainer,
)
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.internal.extension_dict import _ExtensionFieldDescriptor
from google.protobuf.message import Message

DESCRIPTOR: FileDescriptor
"""

Field = FieldDescriptorProto
PYTHON_TYPES = {
    Field.TYPE_BOOL: "bool",
    Field.TYPE_BYTES: "bytes",
    Field.TYPE_DOUBLE: "float",
    Field.TYPE_FLOAT: "float",
    Field.TYPE_STRING: "str",
    Field.TYPE_INT32: "int",
    Field.TYPE_INT64: "int",
    Field.TYPE_UINT32: "int",
    Field.TYPE_UINT64: "int",
}


def compile_schema() -> FileDescriptorProto:
    """Run protoc and return the descriptor of the schema, without what versions of protoc add."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "descriptor.bin"
        command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTO.parent}"]
        subprocess.run([*command, f"--descriptor_set_out={target}", PROTO.name], check=True)
        schema = FileDescriptorSet.FromString(target.read_bytes()).file[0]
    for message in all_messages(schema.message_type):
        for field in message.field:
            field.ClearField("json_name")
    return schema


def all_messages(messages: Iterable[DescriptorProto]) -> Iterator[DescriptorProto]:
    """Yield messages and the messages inside them."""
    for message in messages:
        yield message
        yield from all_messages(message.nested_type)


def module_text(schema: FileDescriptorProto) -> str:
    """Return the Python module: the descriptor as bytes, and the classes built from it."""
    escaped = [escape(byte) for byte in schema.SerializeToString(deterministic=True)]
    lines, line = [], ""
    for char in escaped:
        if len(line) + len(char) > LITERAL_WIDTH:
            lines.append(f'    b"{line}"\n')
            line = ""
        line += char
    lines.append(f'    b"{line}"\n')
    return HEADER + MODULE_HEAD + "".join(lines) + MODULE_TAIL


def escape(byte: int) -> str:
    """Return the byte as it stands in a bytes literal."""
    char = chr(byte)
    return char if char.isascii() and char.isprintable() and char not in '"\\' else f"\\x{byte:02x}"


def stub_text(schema: FileDescriptorProto) -> str:
    """Return the types of the module's classes, for mypy and editors."""
    lines = [f"{extension.name}: {extension_type(extension)}" for extension in schema.extension]
    for enum in schema.enum_type:
        lines += ["", *enum_lines(enum, "")]
        lines += [f"{value.name}: {enum.name}" for value in enum.value]
    for message in schema.message_type:
        lines += ["", *message_lines(message, "")]
    return HEADER + STUB_HEAD + "\n".join(lines) + "\n"


def enum_lines(enum: EnumDescriptorProto, scope: str) -> list[str]:
    """Return the stub of an enum: a kind of int whose class knows names and numbers."""
    name = scope + enum.name
    lines = [
        f"class _{enum.name}Meta(EnumTypeWrapper[{name}], builtins.type): ...",
        "",
        f"class {enum.name}(int, metaclass=_{enum.name}Meta):",
    ]
    return lines + [f"    {value.name}: ClassVar[{name}]" for value in enum.value] + [""]


def message_lines(message: DescriptorProto, scope: str) -> list[str]:
    """Return the stub of a message with all that is nested in it."""
    inner = f"{scope}{message.name}."
    body: list[str] = []
    for enum in message.enum_type:
        body += enum_lines(enum, inner)
        body += [f"{value.name}: ClassVar[{inner}{enum.name}]" for value in enum.value]
    for nested in message.nested_type:
        body += [*message_lines(nested, inner), ""]
    body += [f"{field.name.upper()}_FIELD_NUMBER: ClassVar[int]" for field in message.field]
    body += [f"{field.name}: {attribute_type(field)}" for field in message.field]
    body += ["def __init__(", "    self,", "    *,"]
    body += [f"    {field.name}: {argument_type(field)} | None = ...," for field in message.field]
    body += [") -> None: ..."]
    return [f"class {message.name}(Message):", *(f"    {line}".rstrip() for line in body)]


def value_type(field: FieldDescriptorProto) -> str:
    """Return the Python type of one value."""
    return PYTHON_TYPES.get(field.type) or field.type_name.removeprefix(".netcfg.")


def attribute_type(field: FieldDescriptorProto) -> str:
    """Return the type of the field as an attribute."""
    if field.label != Field.LABEL_REPEATED:
        return value_type(field)
    kind = "Composite" if field.type == Field.TYPE_MESSAGE else "Scalar"
    return f"Repeated{kind}FieldContainer[{value_type(field)}]"


def argument_type(field: FieldDescriptorProto) -> str:
    """Return the type of the field as an argument of the constructor."""
    value = "int | str" if field.type == Field.TYPE_ENUM else value_type(field)
    return f"Iterable[{value}]" if field.label == Field.LABEL_REPEATED else value


def extension_type(field: FieldDescriptorProto) -> str:
    """Return the type of an extension, by which its value is looked up."""
    return f"_ExtensionFieldDescriptor[{field.extendee.rpartition('.')[2]}, {value_type(field)}]"


def main() -> int:
    """Write the files, or with --check say whether they are fresh."""
    parser = argparse.ArgumentParser(description="Write netcfg_pb2 from proto/netcfg.proto.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    check = parser.parse_args().check
    if importlib.util.find_spec("grpc_tools") is None:
        print("gen_proto: needs protoc: pip install grpcio-tools", file=sys.stderr)
        return 2
    schema = compile_schema()
    texts = {MODULE: module_text(schema), STUB: stub_text(schema)}
    stale = [p for p, text in texts.items() if not p.exists() or p.read_text("utf-8") != text]
    if check and stale:
        names = ", ".join(path.name for path in stale)
        print(f"{names}: stale; run python tools/gen_proto.py", file=sys.stderr)
    elif not check:
        for path in stale:
            path.write_text(texts[path], "utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
