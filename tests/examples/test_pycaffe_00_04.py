"""The programs 00 to 04 of ``examples/pycaffe`` run unchanged and do what they say."""

import gzip
import re

import numpy as np
import pytest
from PIL import Image

from netcfg.io.caffemodel import read_weights
from tests.examples.programs import number, picture, run, start
from tests.shared import shared

pytest.importorskip("sklearn", reason="the examples need netcfg[examples]")
pytest.importorskip("matplotlib", reason="the pictures need netcfg[viz]")

BLUE, ORANGE, GREEN, RED = (31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40)
"""Matplotlib's first colours."""


def pixels_of(colour: tuple[int, int, int], drawn: np.ndarray) -> int:
    return int((drawn[..., :3] == colour).all(axis=-1).sum())


def colours(drawn: np.ndarray) -> int:
    return len(np.unique(drawn[..., :3].reshape(-1, 3), axis=0))


def top_five(said: str) -> list[tuple[float, str]]:
    return [(float(p), name) for p, name in re.findall(r"^(-?[\d.]+)  (.+)$", said, re.M)]


def test_classification_of_a_digit(tmp_path):
    said = run("pycaffe/00_classification.py", "--iterations", "60", "--out", "o", folder=tmp_path)
    assert "shows a 0" in said
    assert re.search(r"blob conv1 +\(1, 16, 24, 24\)", said)
    assert re.search(r"params of score +\(10, 512\), \(10,\)", said)
    answers = top_five(said)
    assert len(answers) == 5
    assert answers[0][1] == "0"
    assert answers[0][0] > 0.9
    assert sorted(answers, reverse=True)[0] == answers[0]
    assert sum(p for p, _ in answers) == pytest.approx(1, abs=0.05)

    drawn = picture(tmp_path / "o/classification.png")
    assert drawn.shape[:2] == (800, 800)
    image, bars = drawn[50:370, 30:370], drawn[:400, 400:]
    filters, maps = drawn[440:780, 20:360], drawn[440:780, 420:760]
    assert image[..., :3].max() > 200
    assert image[..., :3].min() == 0
    assert pixels_of(BLUE, bars) > 0.9 * 363 * 40  # of the likeliest class, about 51 pixels high
    for grid in (filters, maps):
        assert (np.ptp(grid[..., :3], axis=-1) == 0).all()  # gray
        assert colours(grid) > 50


def test_classification_with_the_lenet_of_caffe(tmp_path):
    lenet, mnist = shared("data/models/lenet"), shared("data/mnist/t10k-images-idx3-ubyte.gz")
    with gzip.open(mnist) as file:
        digit = np.frombuffer(file.read(16 + 28 * 28)[16:], np.uint8).reshape(28, 28)
    Image.fromarray(digit).save(tmp_path / "seven.png")
    names = "zero one two three four five six seven eight nine"
    (tmp_path / "names.txt").write_text(names.replace(" ", "\n"))
    model = ("--model", lenet / "lenet.prototxt")
    model += ("--weights", lenet / "lenet_iter_10000.caffemodel", "--scale", "0.00390625")
    options = ("--image", "seven.png", "--labels", "names.txt", "--out", "o")
    answers = top_five(run("pycaffe/00_classification.py", *model, *options, folder=tmp_path))
    assert answers[0] == (1, "seven")


def test_classification_prepares_colours_as_told(tmp_path):
    (tmp_path / "net.prototxt").write_text(
        "layer { name: 'in' type: 'Input' top: 'in' input_param { shape { dim: [4, 3, 6, 6] } } }\n"
        "layer { name: 'c' type: 'Convolution' bottom: 'in' top: 'c'\n"
        "  convolution_param { num_output: 3 kernel_size: 1 } }\n"
        "layer { name: 'p' type: 'Pooling' bottom: 'c' top: 'p'\n"
        "  pooling_param { pool: AVE global_pooling: true } }"
    )
    (tmp_path / "make.py").write_text(
        "import caffe, numpy as np\n"
        "net = caffe.Net('net.prototxt', caffe.TEST)\n"
        "net.params['c'][0].data.flat = np.eye(3)\n"
        "net.save('net.caffemodel')\n"
    )
    run(str(tmp_path / "make.py"), folder=tmp_path)
    Image.new("RGB", (9, 9), (200, 100, 50)).save(tmp_path / "plain.png")
    model = ("--model", "net.prototxt", "--weights", "net.caffemodel", "--image", "plain.png")
    options = ("--mean", "10", "20", "30", "--scale", "0.5", "--out", "o")
    said = run("pycaffe/00_classification.py", *model, *options, folder=tmp_path)
    # Blue first: (50 - 10) / 2, (100 - 20) / 2, (200 - 30) / 2.
    assert top_five(said) == [(85, "2"), (40, "1"), (20, "0")]


def test_learning_lenet(tmp_path):
    program = "pycaffe/01_learning_lenet.py"
    options = ("--iterations", "40", "--every", "20", "--test-batches", "3")
    said = run(program, *options, "--out", "o", folder=tmp_path)
    assert re.search(r"conv2 +\(64, 50, 8, 8\)", said)
    first, middle, last = (number(f"iteration {i}: accuracy", said) for i in (0, 20, 40))
    assert first < 0.3 < middle < last
    assert last > 0.8
    assert number("loss of the first step", said) == pytest.approx(np.log(10), abs=0.3)
    assert number("of the last", said) < 1

    drawn = picture(tmp_path / "o/learning.png")
    assert drawn.shape[:2] == (320, 1200)
    curves, filters, scores = drawn[:, :400], drawn[30:262, 470:760], drawn[35:265, 850:1180]
    assert pixels_of(BLUE, curves) > 100
    assert pixels_of(RED, curves) > 100
    assert (np.ptp(filters[..., :3], axis=-1) == 0).all()  # gray
    assert colours(filters) > 50
    assert colours(scores) > 100

    again = run(
        program, *options, "--train", "o/train", "--test", "o/test", "--out", "p", folder=tmp_path
    )
    assert again.replace("p/learning.png", "o/learning.png") == said


def test_logistic_regression_and_a_hidden_layer(tmp_path):
    program = "pycaffe/02_brewing_logistic_regression.py"
    options = ("--rows", "4000", "--iterations", "800")
    said = run(program, *options, "--out", "o", folder=tmp_path)
    guess = number("always the same answer: *accuracy", said)
    logistic = number("logistic regression: *accuracy", said)
    hidden = number("one hidden layer: *accuracy", said)
    assert 0.5 <= guess < 0.6
    assert abs(logistic - guess) < 0.1
    assert hidden > 0.85

    drawn = picture(tmp_path / "o/planes.png")[..., :3].astype(int)
    assert drawn.shape == (400, 800, 3)
    # Points of the planes: in the middle of the ring, on it on either side, and outside of it.
    panels = {"hidden": slice(432, 784), "logistic": slice(38, 390)}

    def blueness(panel: str, x: float, y: float) -> float:
        inside = drawn[23:376, panels[panel]]
        row, column = round((3 - y) / 6 * 352), round((x + 3) / 6 * 351)
        patch = inside[row - 4 : row + 5, column - 4 : column + 5]
        return float(np.median(patch[..., 2] - patch[..., 0]))

    assert blueness("hidden", 0, 0.6) > 50
    assert blueness("hidden", 0, -1.6) > 50
    assert blueness("hidden", 2.5, 2.5) < -50
    assert blueness("hidden", 0, -0.5) < 0
    # Nothing but a slope: the far corners are not alike, which a ring would make them.
    slope = [blueness("logistic", x, y) for x in (-2.5, 2.5) for y in (-2.5, 2.5)]
    assert min(slope) < 0 < max(slope)


def test_fine_tuning(tmp_path):
    options = ("--pretraining", "200", "--iterations", "40", "--out", "o")
    said = run("pycaffe/03_fine_tuning.py", *options, folder=tmp_path)
    assert number("ten digits after 200 steps: accuracy", said) > 0.95
    tuned = number("fine-tuned: *accuracy", said)
    alone = number("last layer alone: *accuracy", said)
    scratch = number("from scratch: *accuracy", said)
    assert tuned > scratch + 0.03
    assert alone > 0.75
    moved = [float(n) for n in re.findall(r"conv1 moved by ([\d.]+)", said)]
    assert [n > 0 for n in moved] == [True, False, True]

    drawn = picture(tmp_path / "o/fine_tuning.png")
    assert drawn.shape[:2] == (500, 700)
    assert all(pixels_of(colour, drawn) > 100 for colour in (BLUE, ORANGE, GREEN))


def test_net_surgery(tmp_path):
    options = ("--iterations", "150", "--size", "64", "--out", "o")
    said = run("pycaffe/04_net_surgery.py", *options, folder=tmp_path)
    assert "hidden (64, 512) becomes hidden_conv (64, 32, 4, 4)" in said
    assert number("100 windows, greatest difference", said) < 1e-4
    answers = re.findall(r"stands a (\d); found (\w+)", said)
    assert [there for there, _ in answers] == ["1", "2", "3", "4"]
    assert sum(there == found for there, found in answers) >= 3

    trained = read_weights(str(tmp_path / "o/digits.caffemodel"))
    full = read_weights(str(tmp_path / "o/full.caffemodel"))
    for old, new in (("hidden", "hidden_conv"), ("score", "score_conv")):
        before, after = np.asarray(trained[old][0]), np.asarray(full[new][0])
        assert after.ndim == 4
        np.testing.assert_array_equal(before.ravel(), after.ravel())

    drawn = picture(tmp_path / "o/surgery.png")[..., :3].astype(int)
    assert drawn.shape == (490, 980, 3)
    disc, blurred, right, down = (drawn[24:222, x : x + 200, 0] for x in (42, 283, 524, 765))
    assert np.abs(np.diff(blurred)).max() < np.abs(np.diff(disc)).max()
    # Bright where the picture brightens to the right, dark where it darkens; and downwards.
    assert right[99, :60].max() > 250
    assert right[99, 140:].min() < 5
    assert down[:60, 99].max() > 250
    assert down[140:, 99].min() < 5


@pytest.mark.parametrize(
    ("program", "options", "message"),
    [
        ("00_classification.py", ["--model", "a"], "--model needs --weights and --image"),
        ("01_learning_lenet.py", ["--train", "a"], "--train and --test go together"),
        (
            "02_brewing_logistic_regression.py",
            ["--rows", "10"],
            "--rows is 1000 or more; given 10",
        ),
        ("03_fine_tuning.py", ["--examples", "3"], "--examples is a multiple of 2; given 3"),
        ("04_net_surgery.py", ["--size", "58"], "--size is 56 plus a multiple of 4; given 58"),
    ],
)
def test_options_that_do_not_fit(program, options, message, tmp_path):
    done = start(f"pycaffe/{program}", *options, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f"error: {message}")
