import numpy as np

from netcfg.data.draws import Draws


def test_numbers_belong_to_records_not_to_calls() -> None:
    draws = Draws(1, "data")
    many = draws.numbers(5, 10)
    assert many.shape == (10, 4)
    assert np.array_equal(many[3:5], Draws(1, "data").numbers(8, 2))


def test_seed_and_name_decide() -> None:
    numbers = Draws(1, "data").numbers(0, 4)
    assert not np.array_equal(numbers, Draws(2, "data").numbers(0, 4))
    assert not np.array_equal(numbers, Draws(1, "other").numbers(0, 4))


def test_orders_are_permutations() -> None:
    draws = Draws(1, "data")
    orders = [draws.order(50, epoch) for epoch in range(8)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len({tuple(order) for order in orders}) == 8
    assert np.array_equal(draws.order(50, 0), orders[0])
    assert not np.array_equal(draws.order(50, 0, part=1), orders[0])


def test_skip() -> None:
    skips = [Draws(seed, "data").skip(7) for seed in range(50)]
    assert set(skips) == set(range(7))
    assert Draws(1, "data").skip(0) == 0
    assert Draws(1, "data").skip(1) == 0
