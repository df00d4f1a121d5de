"""Text for the language model: stretches side by side, and a net that learns from them."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.net import Net
from netcfg.schema import read_net
from netcfg.types import Phase
from tests.data_scripts.scripts import run, script

ROOT = Path(__file__).resolve().parents[2]
TEXT = "To be, or not to be.\n" * 100

make_text = script("make_text")


def test_stretches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "play").write_text(TEXT)
    run(make_text, monkeypatch, tmp_path / "play", "--out", tmp_path)
    for name, part in {"train": TEXT[:1890], "test": TEXT[1890:]}.items():
        assert (tmp_path / f"{name}.txt").read_text() == f"{tmp_path}/{name}.h5\n"
        with h5py.File(tmp_path / f"{name}.h5") as file:
            data, cont, target = (file[key][:] for key in ("data", "cont", "target"))
        rows = (len(part) - 1) // 50
        assert data.shape == cont.shape == target.shape == (rows, 50)
        for i in (0, 1, 49):
            start = i * rows
            assert "".join(map(chr, data[:, i].astype(int))) == part[start : start + rows]
            assert "".join(map(chr, target[:, i].astype(int))) == part[start + 1 : start + rows + 1]
        assert not cont[0].any()
        assert cont[1:].all()
    capsys.readouterr()
    run(make_text, monkeypatch, tmp_path / "play", "--out", tmp_path)
    assert capsys.readouterr().out.count("there already") == 2


def test_the_model_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "play").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    run(make_text, monkeypatch, "play")
    config = read_net(ROOT / "models/char_lstm/train_val.prototxt").message
    with Net(config, Phase.TEST) as net:
        net.forward()
        assert net.loss == pytest.approx(np.log(128), abs=0.1)


def test_texts_that_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "play"
    path.write_text("To be,\nor not to bé.")
    with pytest.raises(NetError, match=r"play:2: the text must be ASCII; byte 0xc3 is not"):
        run(make_text, monkeypatch, path, "--out", tmp_path)
    path.write_text("To be")
    with pytest.raises(NetError, match="must have at least 510 characters"):
        run(make_text, monkeypatch, path, "--out", tmp_path)
    with pytest.raises(NetError, match="cannot read"):
        run(make_text, monkeypatch, tmp_path / "none", "--out", tmp_path)
    assert not (tmp_path / "train.h5").exists()
