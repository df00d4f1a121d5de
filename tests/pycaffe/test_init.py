import netcfg.pycaffe as caffe


def test_every_public_name_is_there():
    assert [name for name in caffe.__all__ if not hasattr(caffe, name)] == []
    assert caffe.__version__.startswith("1.")
