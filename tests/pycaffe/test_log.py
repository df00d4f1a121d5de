import pytest

import netcfg.pycaffe as caffe
from netcfg.pycaffe.log import LEVEL_VARIABLE, Log


@pytest.fixture(autouse=True)
def _level(monkeypatch):
    monkeypatch.setattr(Log, "level", 0)
    monkeypatch.delenv(LEVEL_VARIABLE, raising=False)


def test_a_line_looks_like_caffes(capsys):
    caffe.log("Using devices [0]")
    assert capsys.readouterr().err.endswith("pycaffe:1] Using devices [0]\n")


@pytest.mark.parametrize("quiet", [{"level": 2}, {"stderr": False}])
def test_the_log_may_be_silent(capsys, quiet):
    caffe.init_log(**quiet)
    caffe.log("nothing")
    assert capsys.readouterr().err == ""
    caffe.init_log()
    caffe.log("something")
    Log().flush()
    assert capsys.readouterr().err


def test_the_environment_may_silence_it(capsys, monkeypatch):
    monkeypatch.setenv(LEVEL_VARIABLE, "2")
    caffe.log("nothing")
    assert capsys.readouterr().err == ""
