"""The programs 05 to 11 of ``examples/pycaffe`` run unchanged and do what they say."""

import re

import h5py
import numpy as np
import pytest
from PIL import Image

from tests.examples.programs import number, picture, run

pytest.importorskip("sklearn", reason="the examples need netcfg[examples]")


def test_multilabel_with_a_data_layer_in_python(tmp_path):
    said = run("pycaffe/05_multilabel_python_data.py", "--iterations", "300", folder=tmp_path)
    trained = number("iteration 300: Hamming accuracy", said)
    always_no = number("always no: *Hamming accuracy", said)
    # Three draws of ten digits leave each out with probability 0.9³.
    assert always_no == pytest.approx(0.729, abs=0.03)
    assert trained > 0.88
    assert number("all ten answers right:", said) < trained
    assert list(tmp_path.iterdir()) == []


def test_siamese(tmp_path):
    pytest.importorskip("matplotlib", reason="the picture needs netcfg[viz]")
    said = run(
        "pycaffe/06_siamese.py",
        "--iterations",
        "300",
        "--pairs",
        "3000",
        "--out",
        "out",
        folder=tmp_path,
    )
    alike, different = number("same digit:", said), number("different digit:", said)
    assert 0 < 2 * alike < different
    assert number("nearest neighbour is the same digit:", said) > 0.5
    embedding = picture(tmp_path / "out/embedding.png")
    assert embedding.shape[:2] == (600, 600)
    colours = np.unique(embedding[..., :3].reshape(-1, 3), axis=0)
    assert all((colours == rgb).all(axis=1).any() for rgb in ((31, 119, 180), (23, 190, 207)))


def test_siamese_branches_share_their_weights(tmp_path):
    pytest.importorskip("matplotlib", reason="the picture needs netcfg[viz]")
    run(
        "pycaffe/06_siamese.py",
        "--iterations",
        "5",
        "--pairs",
        "200",
        "--out",
        "out",
        folder=tmp_path,
    )
    train = (tmp_path / "out/train.prototxt").read_text()
    assert train.count('name: "conv_w"') == 2
    assert 'name: "conv_p"' in train
    assert 'name: "conv_p"' not in (tmp_path / "out/embed.prototxt").read_text()


def test_deep_dream(tmp_path):
    options = ("--iterations", "60", "--size", "64", "--octaves", "2", "--steps", "8")
    said = run("pycaffe/07_deep_dream.py", *options, "--out", "out", folder=tmp_path)
    rises = re.findall(r"(\d+) x (\d+): strength (\S+) -> (\S+)", said)
    assert [(int(w), int(h)) for w, h, _, _ in rises] == [(45, 45), (64, 64)]
    assert all(float(after) > 1.2 * float(before) for _, _, before, after in rises)
    dream = picture(tmp_path / "out/dream.png")
    assert dream.shape == (64, 64)
    # The noise that it begins with lies between 96 and 160.
    assert (dream < 90).mean() > 0.02
    assert (dream > 166).mean() > 0.2


def test_deep_dream_of_a_file_and_a_model_of_the_user(tmp_path):
    run(
        "pycaffe/07_deep_dream.py",
        "--iterations",
        "20",
        "--steps",
        "1",
        "--out",
        "out",
        folder=tmp_path,
    )
    Image.effect_noise((40, 30), 60).save(tmp_path / "start.png")
    model = ("--model", "out/dream.prototxt", "--weights", "out/digits.caffemodel")
    options = ("--image", "start.png", "--layer", "conv1", "--octaves", "1", "--steps", "3")
    said = run("pycaffe/07_deep_dream.py", *model, *options, "--out", "own", folder=tmp_path)
    assert said.endswith("dream.png, 40 x 30\n")
    assert not (tmp_path / "own/digits.h5").exists()
    start, dream = picture(tmp_path / "start.png"), picture(tmp_path / "own/dream.png")
    changed = np.abs(dream.astype(int) - start).mean()
    assert 1 < changed < 10  # three steps of 3 at most


def test_filters_and_feature_maps(tmp_path):
    said = run(
        "pycaffe/08_filter_visualization.py", "--iterations", "50", "--out", "out", folder=tmp_path
    )
    assert said.count("wrote") == 4
    # Tiles a pixel apart, enlarged by a whole number to at most 400 pixels.
    shapes = {
        "conv1_filters": (17 * 23, 17 * 23),  # 4 x 4 of 3 x 3
        "conv1_maps": (37 * 10, 37 * 10),  # 4 x 4 of 8 x 8
        "conv2_filters": (97 * 4, 65 * 4),  # 24 x 16 of 3 x 3
        "conv2_maps": (26 * 15, 26 * 15),  # 5 x 5 of 4 x 4
    }
    for name, shape in shapes.items():
        drawn = picture(tmp_path / f"out/{name}.png")
        assert drawn.shape == shape
        assert (drawn[:4] == 255).all()  # the gap above the tiles
        assert (int(drawn.min()), len(np.unique(drawn)) > 30) == (0, True)


def test_filters_in_colour(tmp_path):
    (tmp_path / "net.prototxt").write_text(
        "layer { name: 'in' type: 'Input' top: 'in' input_param { shape { dim: [1, 3, 9, 9] } } }\n"
        "layer { name: 'a/b' type: 'Convolution' bottom: 'in' top: 'c'\n"
        "  convolution_param { num_output: 1 kernel_size: 2 weight_filler { type: 'xavier' } } }"
    )
    script = (
        "import caffe\n"
        "net = caffe.Net('net.prototxt', caffe.TEST)\n"
        "net.params['a/b'][0].data[...] = 0\n"
        "net.params['a/b'][0].data[0, 2, 0, 1] = 1\n"
        "net.save('net.caffemodel')\n"
    )
    (tmp_path / "make.py").write_text(script)
    run(str(tmp_path / "make.py"), folder=tmp_path)
    Image.new("RGB", (9, 9), "red").save(tmp_path / "red.png")
    options = ("--model", "net.prototxt", "--weights", "net.caffemodel", "--image", "red.png")
    run("pycaffe/08_filter_visualization.py", *options, "--out", "out", folder=tmp_path)
    drawn = picture(tmp_path / "out/a_b_filters.png")
    assert drawn.shape == (400, 400, 3)
    # Channels are BGR: a weight for the third is red. It stands in the upper right of the tile.
    assert drawn[150, 250].tolist() == [255, 0, 0]
    assert drawn[250, 150].tolist() == [0, 0, 0]


def test_features_to_hdf5(tmp_path):
    said = run(
        "pycaffe/09_features_to_hdf5.py", "--iterations", "400", "--out", "out", folder=tmp_path
    )
    assert "features of 1797 images, 100 of each" in said
    with h5py.File(tmp_path / "out/features_train.h5") as file:
        assert file["data"].shape == (1000, 100)
        assert file["label"].shape == (1000,)
        features = np.asarray(file["data"])
        # The ReLU in place has the last word on 'hidden'.
        assert features.min() == 0
        assert features.std() > 0.1
    pixels = number("linear classifier on pixels:", said)
    assert number("linear classifier on features:", said) > pixels + 0.01
    assert pixels > 0.85


def test_a_loss_layer_in_python_equals_caffes(tmp_path):
    said = run("pycaffe/10_euclidean_python_layer.py", "--iterations", "80", folder=tmp_path)
    for what in ("loss", "gradient", "weights"):
        assert number(f"greatest difference in {what}:", said) < 1e-5
    assert number("iteration 0: loss", said) > 10 * number("iteration 64: loss", said) > 0
    assert number("the line is found to within", said) < 0.1


def test_callbacks_and_a_restart(tmp_path):
    said = run("pycaffe/11_solver_callbacks.py", "--iterations", "40", folder=tmp_path)
    assert "snapshot at iteration 20, learning rate 0.025" in said
    rates = re.findall(r"learning rate (\S+) from iteration (\d+)", said)
    assert rates == [("0.1", "0"), ("0.05", "10"), ("0.025", "20"), ("0.0125", "30")]
    assert "restored at iteration 20, learning rate 0.025" in said
    assert said.endswith("after 40 iterations the weights are equal\n")
    assert list(tmp_path.iterdir()) == []
