"""The table of forks, and verdicts on what the schema lacks."""

from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FieldOptions

from netcfg import netcfg_pb2
from netcfg.forks import HARMLESS, Finding, fork_fields, judge_field, judge_value, known_from
from netcfg.netcfg_pb2 import (
    LayerParameter,
    PoolingParameter,
    SolverParameter,
    V1LayerParameter,
)


def test_the_table_names_fields_that_the_schema_lacks() -> None:
    table = fork_fields()
    assert len(table) > 100
    assert all(forks for forks in table.values())
    messages = netcfg_pb2.DESCRIPTOR.message_types_by_name
    known = {
        (message, field)
        for message, field in table
        if message in messages and field in messages[message].fields_by_name
    }
    assert not known


def test_known_from() -> None:
    assert known_from(PoolingParameter.DESCRIPTOR, "torch_pooling") == "NVCaffe"
    assert known_from(PoolingParameter.DESCRIPTOR, "frobnicate") == ""
    assert known_from(SolverParameter.SolverType.DESCRIPTOR, "SAG") == "NVCaffe"


def test_harmless_fields_are_fields_of_forks() -> None:
    names = {name for _, name in fork_fields()}
    for message in netcfg_pb2.DESCRIPTOR.message_types_by_name.values():
        options = {f.name: f.GetOptions().SerializeToString() for f in message.fields}
        read = {name: FieldOptions.FromString(data) for name, data in options.items()}
        names |= {name for name, option in read.items() if option.Extensions[netcfg_pb2.fork]}
    assert names >= HARMLESS


@pytest.mark.parametrize("word", ["output", "size", "ratio", "weight", "scale", "relu", "filler"])
def test_no_harmless_field_has_to_do_with_values(word: str) -> None:
    assert not [name for name in HARMLESS if word in name]


def test_a_finding_reads_as_a_line() -> None:
    assert str(Finding("note", "net.prototxt:1:2", "said")) == "net.prototxt:1:2: said"


def test_names_alike_by_their_ending_only_are_no_misspellings() -> None:
    message = LayerParameter.DESCRIPTOR
    assert judge_field(message, "swirl_param", "", is_block=True) == (
        "warning",
        "unknown field 'swirl_param' (known from no fork)",
    )
    assert judge_field(message, "pooling_parm", "", is_block=False) == (
        "error",
        "unknown field 'pooling_parm'; did you mean 'pooling_param'?",
    )


@pytest.mark.parametrize(
    ("message", "name", "meant"),
    [
        ("SolverParameter", "gama", "gamma"),
        ("SolverParameter", "max_itr", "max_iter"),
        ("SolverParameter", "baselr", "base_lr"),
        ("ConvolutionParameter", "num_outputs", "num_output"),
        ("ConvolutionParameter", "wieght_filler", "weight_filler"),
        ("ParamSpec", "lr_mul", "lr_mult"),
    ],
)
def test_slips_are_errors(message: str, name: str, meant: str) -> None:
    descriptor = getattr(netcfg_pb2, message).DESCRIPTOR
    verdict = judge_field(descriptor, name, "", is_block=False)
    assert verdict == ("error", f"unknown field '{name}'; did you mean '{meant}'?")


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("ConvolutionParameter", "kernel_d"),
        ("ConvolutionParameter", "stride_shape"),
        ("DistortionParameter", "brightness"),
        ("NonMaximumSuppressionParameter", "theta"),
        ("ParamSpec", "force_mult"),
    ],
)
def test_fields_of_unknown_forks_are_no_errors(message: str, name: str) -> None:
    descriptor = getattr(netcfg_pb2, message).DESCRIPTOR
    severity, text = judge_field(descriptor, name, "", is_block=False)
    assert severity == "warning"
    assert text.startswith(f"unknown field '{name}'; did you mean '")


@pytest.mark.parametrize("message", [LayerParameter, V1LayerParameter])
def test_blocks_of_layers_may_belong_to_a_type_of_the_user(message: Any) -> None:
    verdict = judge_field(message.DESCRIPTOR, "poling_param", "", is_block=True)
    assert verdict == ("warning", "unknown field 'poling_param'; did you mean 'pooling_param'?")


def test_what_a_fork_knows_is_no_misspelling() -> None:
    message = PoolingParameter.DESCRIPTOR
    verdict = judge_field(message, "pooling_param.kernal_size", "MyCaffe", is_block=False)
    assert verdict == (
        "warning",
        "unknown field 'pooling_param.kernal_size' (known from MyCaffe)",
    )


def test_harmless_fields_stay_so_where_no_fork_is_known_to_have_them() -> None:
    verdict = judge_field(PoolingParameter.DESCRIPTOR, "pooling_param.debug", "", is_block=False)
    assert verdict == ("note", "unknown field 'pooling_param.debug'")


def test_harmless_values() -> None:
    field = PoolingParameter.DESCRIPTOR.fields_by_name["engine"]
    severity, message = judge_value(field, "pooling_param.engine", '"MKLDNN2"', "")
    assert severity == "note"
    assert message.startswith("unknown value \"MKLDNN2\" of field 'pooling_param.engine'")
