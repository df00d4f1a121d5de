from netcfg.pycaffe import timer


def test_time_between_start_and_stop(monkeypatch):
    clock = iter([1.0, 1.25, 3.0, 3.5])
    monkeypatch.setattr(timer, "perf_counter", lambda: next(clock))
    watch = timer.Timer()
    assert watch.ms == 0
    watch.start()
    watch.start()
    watch.stop()
    watch.stop()
    assert watch.ms == 250
    watch.start()
    assert watch.ms == 500
