from pathlib import Path

from netcfg.data.database import Lmdb
from netcfg.data.image_list import ImageList
from netcfg.data.source import Source
from tests.data.databases import encoded, images, make_lmdb


def test_sources_fit_the_protocol(tmp_path: Path) -> None:
    make_lmdb(tmp_path / "db", images(2))
    (tmp_path / "0.png").write_bytes(encoded(images(1)[0]))
    (tmp_path / "list").write_text("0.png 0\n")
    sources: list[Source] = [Lmdb(tmp_path / "db"), ImageList(tmp_path / "list")]
    for source in sources:
        raw = source.read(0, 1)[0]
        image, label = source.decode(raw)
        assert (image.shape, label) == ((3, 6, 5), 0)
        assert str(tmp_path) in source.where(raw)
        assert isinstance(source.heavy, bool)
        source.close()


def test_a_source_of_nothing_but_its_own_decodes_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(encoded(images(1)[0]))
    (tmp_path / "list").write_text("0.png 0\n")
    source: Source = ImageList(tmp_path / "list")
    with source.lend(0, 2) as raws:
        assert raws == source.read(0, 2)
        assert source.decode_alike(raws) is None
