import threading

import pytest

from netcfg.data.ordered import in_order


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_items(threads: int) -> None:
    assert list(in_order(lambda i: i * i, range(50), threads)) == [i * i for i in range(50)]
    assert list(in_order(lambda i: i, [], threads)) == []


def test_several_threads_work_at_once() -> None:
    both = threading.Barrier(2, timeout=30)
    assert len(list(in_order(lambda _: both.wait(), range(2), 2))) == 2


def test_an_error_comes_in_its_turn() -> None:
    def work(i: int) -> int:
        if i == 3:
            raise ValueError(str(i))
        return i

    results = in_order(work, range(9), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="3"):
        next(results)


def test_threads_end_with_the_iterator() -> None:
    before = threading.active_count()
    results = in_order(lambda i: i, range(100), 2)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
