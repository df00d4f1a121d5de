"""The comments of the schema as netcfg reads them."""

import pytest

from netcfg.field_docs import FieldDoc, field_docs, message_doc


def by_name(message: str) -> dict[str, FieldDoc]:
    return {doc.name: doc for doc in field_docs(message)}


def test_a_field_has_type_label_default_and_comment():
    docs = by_name("ConvolutionParameter")
    assert docs["num_output"].type == "uint32"
    assert docs["num_output"].default == ""
    assert docs["bias_term"].default == "true"
    assert docs["dilation"].label == "repeated"
    assert docs["dilation"].comment.endswith("Unset: 1.")
    assert docs["weight_filler"].type == "FillerParameter"
    assert docs["engine"].type == "Engine (DEFAULT, CAFFE, CUDNN, MKL2017, MKLDNN)"
    assert docs["engine"].default == "DEFAULT"


def test_defaults_are_written_as_people_write_them():
    assert by_name("SolverParameter")["delta"].default == "1e-08"
    assert by_name("SolverParameter")["momentum2"].default == "0.999"
    assert by_name("SolverParameter")["type"].default == "SGD"
    assert by_name("BatchNormParameter")["eps"].default == "1e-05"


def test_fields_stand_in_the_order_of_the_schema():
    assert [doc.name for doc in field_docs("LRNParameter")] == [
        "local_size", "alpha", "beta", "norm_region", "k", "engine",
    ]  # fmt: skip


def test_comments_of_several_lines_are_joined():
    comment = by_name("PoolingParameter")["global_pooling"].comment
    assert "  " not in comment
    assert "\n" not in comment
    assert message_doc("PoolingParameter").startswith("Pooling: one number for each window")


def test_a_comment_belongs_to_what_follows_it_only():
    assert "----" not in message_doc("Source")
    assert message_doc("Source").startswith("The place in a text file")


def test_values_of_enums_are_described_as_well():
    docs = by_name("FillerParameter.VarianceNorm")
    assert docs["FAN_OUT"].default == "1"
    assert docs["FAN_OUT"].comment.startswith("Outputs fed by one input")
    assert set(by_name("Phase")) == {"TRAIN", "TEST"}


def test_messages_inside_messages_are_found():
    assert set(by_name("DetectNetGroundTruthParameter.ClassMapping")) == {"src", "dst"}


def test_the_list_is_the_callers_own():
    field_docs("ClipParameter").clear()
    assert len(field_docs("ClipParameter")) == 2


def test_an_unknown_message_is_an_error():
    with pytest.raises(KeyError):
        field_docs("NoSuchParameter")
