import netcfg.pycaffe as caffe
from netcfg.pycaffe import mode


def test_switches(monkeypatch):
    monkeypatch.setattr(mode, "state", mode._State())
    caffe.set_mode_gpu()
    caffe.set_device(1)
    assert (mode.state.mode, mode.state.device) == ("gpu", 1)
    caffe.set_mode_cpu()
    assert mode.state.mode == "cpu"
    caffe.set_solver_count(2)
    caffe.set_solver_rank(1)
    caffe.set_multiprocess(True)
    assert (caffe.solver_count(), caffe.solver_rank(), mode.state.multiprocess) == (2, 1, True)
    assert not caffe.has_nccl()
    assert (caffe.TRAIN, caffe.TEST) == (0, 1)


def test_seeds(monkeypatch):
    monkeypatch.setattr(mode, "state", mode._State())
    assert mode.next_seed() != mode.next_seed()
    caffe.set_random_seed(3)
    assert [mode.next_seed(), mode.next_seed()] == [3, 4]
    caffe.set_random_seed(3)
    assert mode.next_seed() == 3
