import pytest

from netcfg.errors import NetError
from netcfg.layers.param_str import read_param_str

KNOWN = {"feat_stride": 16, "scales": [8, 16, 32], "agnostic": False, "thresh": 0.7}


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("", {}),
        ("'feat_stride': 8", {"feat_stride": 8}),
        ("feat_stride: 8\nscales: [4, 8.5]\n", {"feat_stride": 8, "scales": [4, 8.5]}),
        ("{'feat_stride': 8, 'scales': [4, 8]}", {"feat_stride": 8, "scales": [4, 8]}),
        ("{'scales': !!python/tuple [2, 4, 8]}", {"scales": [2, 4, 8]}),
        ('"scales": (2, 4), "agnostic": true', {"scales": [2, 4], "agnostic": True}),
        ("scales: 4", {"scales": [4]}),
        ("thresh: 1", {"thresh": 1.0}),
        ("thresh: 5e-1\n\n agnostic : False", {"thresh": 0.5, "agnostic": False}),
    ],
)
def test_values(text, given):
    assert read_param_str(text, KNOWN) == {**KNOWN, **given}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("feat_strid: 8", r"unknown field 'feat_strid'; did you mean 'feat_stride'\?"),
        ("zzz: 8", r"unknown field 'zzz' \(known: feat_stride, scales, agnostic, thresh\)"),
        ("16", "unknown field '16'"),
        ("feat_stride: 8.5", "feat_stride must be a whole number; given 8.5"),
        ("feat_stride: eight", "feat_stride must be a whole number; given eight"),
        ("feat_stride:", "feat_stride must be a whole number; given nothing"),
        ("scales: []", r"scales must be a list of numbers; given \[\]"),
        ("scales: [a]", r"scales must be a list of numbers; given \[a\]"),
        ("agnostic: 1", "agnostic must be true or false; given 1"),
        ("thresh: true", "thresh must be a number; given true"),
        ("feat_stride: __import__('os')", "feat_stride must be a whole number; given __import__"),
        ("feat_stride: 1e999", "feat_stride must be a whole number"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(NetError, match=message):
        read_param_str(text, KNOWN)


def test_defaults_are_left_alone():
    read_param_str("scales: [1]", KNOWN)["scales"].append(2)
    assert KNOWN["scales"] == [8, 16, 32]


def test_texts():
    known = {"source": "", "num_classes": 21}
    text = "'num_classes': 4, 'source': 'data/train: 1'"
    assert read_param_str(text, known) == {"source": "data/train: 1", "num_classes": 4}
    assert read_param_str("source: data/train", known)["source"] == "data/train"
