import sys

import pytest

import netcfg.pycaffe
from netcfg.pycaffe import run


@pytest.fixture(autouse=True)
def _process(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "caffe"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "argv", ["before"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "caffe"]:
        del sys.modules[name]


def test_caffes_modules_are_ours():
    run.install()
    for name in ("", ".io", ".proto.caffe_pb2", ".net_spec", ".classifier", ".coord_map"):
        assert sys.modules[f"caffe{name}"] is sys.modules[f"netcfg.pycaffe{name}"]
    for name in ("_caffe", "pycaffe"):
        assert sys.modules[f"caffe.{name}"] is netcfg.pycaffe
    assert "caffe.__main__" not in sys.modules


SCRIPT = """
import sys
import caffe
import caffe.io
import caffe.proto.caffe_pb2 as pb
from caffe import layers as L, params as P
from caffe.proto import caffe_pb2
from caffe.pycaffe import Net
from caffe.io import Transformer
import beside
assert __name__ == "__main__" and pb is caffe_pb2 and Net is caffe.Net
print(caffe.__name__, sys.argv, beside.WORD)
sys.exit(7)
"""


def test_a_script(tmp_path, capsys):
    (tmp_path / "beside.py").write_text("WORD = 'here'")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    with pytest.raises(SystemExit) as stop:
        run.main([str(script), "-x", "1"])
    sys.modules.pop("beside")
    assert stop.value.code == 7
    assert capsys.readouterr().out == f"netcfg.pycaffe {[str(script), '-x', '1']} here\n"


def test_a_module(tmp_path, capsys, monkeypatch):
    (tmp_path / "program.py").write_text("import sys, caffe; print(sys.argv[1:], caffe.TEST)")
    monkeypatch.chdir(tmp_path)
    assert run.main(["-m", "program", "a"]) == 0
    assert capsys.readouterr().out == "['a'] 1\n"


def test_usage(capsys):
    assert run.main(["--help"]) == 0
    assert "SCRIPT [ARGS ...]" in capsys.readouterr().out
    for arguments in ([], ["-m"], ["missing.py"]):
        assert run.main(arguments) == 2
    assert "there is no file 'missing.py'" in capsys.readouterr().err
    assert "caffe" not in sys.modules
