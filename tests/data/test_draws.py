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


def test_generators_belong_to_records() -> None:
    draws = Draws(1, "data")
    first = draws.generator(5).random(100)
    assert np.array_equal(Draws(1, "data").generator(5).random(100), first)
    others = [draws.generator(n).random(100) for n in (0, 4, 6)]
    others.append(Draws(2, "data").generator(5).random(100))
    assert not any(np.intersect1d(first, other).size for other in others)


def test_choices_belong_to_batches() -> None:
    draws = Draws(1, "data")
    choices = [draws.choice(k, 3) for k in range(60)]
    assert {*choices} == {0, 1, 2}
    assert choices == [Draws(1, "data").choice(k, 3) for k in range(60)]
    assert choices != [Draws(1, "other").choice(k, 3) for k in range(60)]
    assert draws.choice(4, 1) == 0
    assert choices == [draws.choice(k, 3, [0.5] * 3) for k in range(60)]


def test_choices_by_weight() -> None:
    draws = Draws(1, "data")
    counts = np.bincount([draws.choice(k, 3, [0.6, 0, 0.2]) for k in range(400)], minlength=3)
    assert counts[1] == 0
    assert abs(counts[0] / 400 - 0.75) < 0.07
