"""Whether cards are true."""

from pathlib import Path

import pytest

from netcfg.net import Net
from netcfg.zoo.store import find_model
from netcfg.zoo.verify import Finding, counts, verify
from tests.zoo.folders import Make, weights_of


def found(name: str = "small") -> list[Finding]:
    return list(verify(find_model(name)))


def test_a_model_without_weights(mine: Make) -> None:
    mine()
    assert found() == [Finding("deploy.prototxt", True, "as the card says")]


def test_counts_are_those_of_one_image(mine: Make) -> None:
    with Net(mine() / "deploy.prototxt") as net:
        assert net.top_shapes[0][0][0] == 2
        assert counts(net) == (28, 24)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("parameters = 28", "parameters = 29", "has 28 parameters and 24 multiply-adds; the card "),
        ("multiply_adds = 24", "multiply_adds = 48", "multiply-adds; the card says 28 and 48"),
        ('blob = "prob"', 'blob = "pro"', "the net has no blob 'pro'; did you mean 'prob'?"),
    ],
)
def test_cards_that_are_wrong(mine: Make, old: str, new: str, text: str) -> None:
    card = mine() / "card.toml"
    card.write_text(card.read_text().replace(old, new))
    (finding,) = found()
    assert (finding.file, finding.ok) == ("deploy.prototxt", False)
    assert text in finding.text


def test_a_net_that_is_wrong(mine: Make) -> None:
    (mine() / "deploy.prototxt").write_text("layer { type: 'ReLu' }")
    (finding,) = found()
    assert finding.ok is False
    assert "did you mean 'ReLU'" in finding.text


def test_weights(mine: Make, tmp_path: Path) -> None:
    def one(entry: str, layer: str = "ip", outputs: int = 4) -> Finding:
        folder = mine("small", f'file = "w"\n{entry}')
        weights_of(folder / "w", layer, outputs)
        return found()[1]

    folder = mine("small", 'file = "w"', 'file = "v"\nurls = ["http://127.0.0.1:1/v"]')
    assert [(f.ok, f.text) for f in found()[1:]] == [
        (None, "not there, and no address is known"),
        (None, "not downloaded: `netcfg zoo download small`"),
    ]
    assert one("") == Finding("w", True, "no hash is known; it fits")
    size = (folder / "w").stat().st_size
    assert one(f"size = {size}").ok is True
    assert f"has {size} bytes, not 5" in one("size = 5").text
    wrong = one(f'sha1 = "{"0" * 40}"')
    assert wrong.ok is False
    assert "is not the file it should be: sha1" in wrong.text
    assert "holds no weights for it" in one("", "other").text
    assert "has shape (4, 6); the weights hold (5, 6)" in one("", "ip", 5).text
