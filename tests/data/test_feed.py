from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from netcfg.data.database import Lmdb
from netcfg.data.datum import encode_datum
from netcfg.data.draws import Draws
from netcfg.data.feed import Batch, Feed
from netcfg.data.prefetch import Prefetch
from netcfg.data.transform import Transform
from netcfg.data.write import write_lmdb
from netcfg.errors import DataError
from netcfg.netcfg_pb2 import TransformationParameter
from netcfg.types import Phase
from tests.data.databases import encoded_datum, images, make_lmdb, records

COUNT = 11
KEYED = [(b"%08d" % i, x) for i, x in enumerate(images(COUNT))]
Make = Callable[..., Feed]


@pytest.fixture
def feed(tmp_path: Path, request: pytest.FixtureRequest) -> Make:
    """Make feeds of a database of 11 images, or of the records given."""

    def make(
        size: int = 4,
        given: list[tuple[bytes, bytes]] | None = None,
        seed: int = 1,
        fields: dict[str, object] | None = None,
        **options: int,
    ) -> Feed:
        path = tmp_path / "db"
        if given is not None:
            write_lmdb(path, given)
        elif not path.exists():
            make_lmdb(path, images(COUNT))
        source = Lmdb(path)
        request.addfinalizer(source.close)
        transform = Transform(
            TransformationParameter(**(fields or {})),
            Phase.TRAIN,
            None,  # type: ignore[arg-type]
        )
        return Feed(source, transform, size, Draws(seed, "data"), **options)

    return make


def labels(batch: Batch) -> list[int]:
    return batch.arrays[1].astype(int).tolist()


def damaged(*indices: int) -> list[tuple[bytes, bytes]]:
    values = records(images(COUNT))
    return [(k, b"\xff\xff" if i in indices else v) for i, (k, v) in enumerate(values)]


def test_batches_hold_the_records_in_turn(feed: Make) -> None:
    f = feed()
    assert f.shape() == (4, 3, 6, 5)
    x = images(COUNT)
    for k in range(6):
        batch = f(k)
        want = [(4 * k + i) % COUNT for i in range(4)]
        assert labels(batch) == want
        assert np.array_equal(batch.arrays[0], x[want])
        assert all(a.dtype == np.float32 for a in batch.arrays)


def test_skip(feed: Make) -> None:
    assert labels(feed(skip=3)(1)) == [7, 8, 9, 10]


RANDOM = {"crop_size": 3, "mirror": True}


def test_the_seed_repeats_everything_and_another_changes_it(feed: Make) -> None:
    one, two, other = feed(fields=RANDOM), feed(fields=RANDOM), feed(fields=RANDOM, seed=2)
    assert np.array_equal(one(3).arrays[0], two(3).arrays[0])
    assert not np.array_equal(one(3).arrays[0], other(3).arrays[0])


def test_epochs_differ(feed: Make) -> None:
    f = feed(size=COUNT, fields=RANDOM)
    assert not np.array_equal(f(0).arrays[0], f(1).arrays[0])


def test_records_are_transformed_alike_in_batches_of_any_size(feed: Make) -> None:
    many = feed(size=12, fields=RANDOM)(1).arrays[0]
    few = [feed(size=4, fields=RANDOM)(k).arrays[0] for k in (3, 4, 5)]
    assert np.array_equal(many, np.concatenate(few))


KINDS = {
    "alike": records(images(COUNT)),
    "of two lengths": [(k, encode_datum(x, 100 * i)) for i, (k, x) in enumerate(KEYED)],
    "files": [(k, encoded_datum(x, i, "JPEG")) for i, (k, x) in enumerate(KEYED)],
}


@pytest.mark.parametrize("given", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("workers", [0, 1, 4])
def test_workers_change_nothing(feed: Make, given: list[tuple[bytes, bytes]], workers: int) -> None:
    f = feed(given=given, fields=RANDOM)
    prefetch = Prefetch(f, 4, workers)
    for k in [*range(12), 5, 6, 40]:
        got, want = prefetch.get(k), f(k)
        assert all(np.array_equal(a, b) for a, b in zip(got.arrays, want.arrays, strict=True))
    prefetch.close()


def test_records_are_decoded_alike_together_and_one_by_one(
    feed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    f = feed(fields=RANDOM | {"mean_value": [3.0], "scale": 0.3})
    together = [f(k).arrays for k in range(3)]
    monkeypatch.setattr(Lmdb, "decode_alike", lambda self, raws: None)
    for k, arrays in enumerate(together):
        assert all(np.array_equal(a, b) for a, b in zip(f(k).arrays, arrays, strict=True))


@pytest.mark.parametrize("kind", ["alike", "files"])
def test_memory_does_not_grow(feed: Make, kind: str) -> None:
    f = feed(given=KINDS[kind], fields=RANDOM)
    prefetch = Prefetch(f, 4, 2)
    for k in range(300):
        prefetch.get(k)
    prefetch.close()
    # Batches that wait, are made and are looked at; and what workers copy parts of images to.
    assert 0 < f.transform.memory.allocated <= (4 + 2 + 2) + 2 * 2


def test_a_damaged_record_is_named(feed: Make) -> None:
    f = feed(given=damaged(5))
    assert labels(f(0)) == [0, 1, 2, 3]
    with pytest.raises(DataError, match=r"/db: record '00000005': the record is no Datum$"):
        f(1)


def test_a_damaged_first_record(feed: Make) -> None:
    with pytest.raises(DataError, match="record '00000000'"):
        feed(given=damaged(0)).shape()
    assert feed(given=damaged(0), tolerate=1).shape() == (4, 3, 6, 5)


def test_damaged_records_are_replaced_by_the_next_good_one(feed: Make) -> None:
    f = feed(given=damaged(1, 2, 10), tolerate=3)
    batch = f(0)
    assert labels(batch) == [0, 3, 3, 3]
    assert {where[-10:] for where, _ in batch.bad} == {"'00000001'", "'00000002'"}
    assert {message for _, message in batch.bad} == {"the record is no Datum"}
    assert labels(f(2)) == [8, 9, 0, 0]
    assert [f(1).bad, labels(f(1))] == [[], [4, 5, 6, 7]]


def test_too_many_damaged_records_in_a_row(feed: Make) -> None:
    f = feed(given=damaged(*range(COUNT)), tolerate=3)
    with pytest.raises(DataError, match=r"more than the 3 records that skip_bad_data passes over"):
        f(0)


def odd() -> list[tuple[bytes, bytes]]:
    values = records(images(COUNT))
    values[2] = (values[2][0], encode_datum(images(1, (3, 8, 7))[0], 2))
    return values


def test_another_shape_in_a_batch_is_refused(feed: Make) -> None:
    message = (
        r"record '00000002': the image has shape \(3, 8, 7\), the first of the batch "
        r"\(3, 6, 5\); images of one batch must have one shape"
    )
    with pytest.raises(DataError, match=message):
        feed(given=odd())(0)
    assert labels(feed(given=odd(), tolerate=1)(0)) == [0, 1, 3, 3]


def test_shapes_may_change_between_batches_of_one_and_under_a_crop(feed: Make) -> None:
    f = feed(size=1, given=odd())
    assert [f(k).arrays[0].shape for k in range(3)] == [(1, 3, 6, 5), (1, 3, 6, 5), (1, 3, 8, 7)]
    assert feed(fields={"crop_size": 4})(0).arrays[0].shape == (4, 3, 4, 4)


def test_an_image_smaller_than_the_crop_is_named(feed: Make) -> None:
    with pytest.raises(DataError, match="record '00000000': crop_size 7 exceeds the image, 6 x 5"):
        feed(fields={"crop_size": 7}).shape()


def test_close(feed: Make) -> None:
    f = feed()
    f.close()
    with pytest.raises(DataError, match="cannot be read"):
        f(0)


@pytest.mark.parametrize("fields", [{}, {"crop_size": 4, "mirror": True, "scale": 0.5}])
def test_a_transform_that_is_put_off_gives_the_same(feed: Make, fields: dict[str, object]) -> None:
    now, later = feed(fields=fields), feed(fields=fields)
    later.deferred = True
    for k in range(3):
        batch, other = now(k), later(k)
        assert batch.cuts is None
        assert other.cuts is not None
        assert (other.arrays[0].dtype, other.arrays[0].shape) == (np.uint8, (4, 3, 6, 5))
        for a, b in zip(later.finished(other), now.finished(batch), strict=True):
            np.testing.assert_array_equal(a, b)


def test_floats_would_be_fewer_bytes(feed: Make) -> None:
    later = feed(fields={"crop_size": 2})
    later.deferred = True
    assert later(0).cuts is None


MIXED = [*records(images(2)), (b"9", encode_datum(images(1, (3, 9, 9))[0], 1))]


@pytest.mark.parametrize(
    ("given", "size"), [(records(images(9)), (6, 5)), (MIXED, ()), (damaged(0), ())]
)
def test_the_size_that_the_first_images_have_in_common(
    feed: Make, given: list[tuple[bytes, bytes]], size: tuple[int, ...]
) -> None:
    assert feed(given=given).common_size() == size
