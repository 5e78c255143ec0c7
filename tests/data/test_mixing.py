"""Numbers that look random and are fixed by their seeds."""

from __future__ import annotations

import numpy as np

from gemma_mlx.data.mixing import mixed, shuffled


def test_an_order_holds_every_index_once_and_depends_on_each_seed() -> None:
    order = shuffled(1000, 1, 2)
    assert sorted(order.tolist()) == list(range(1000))
    assert order.tolist() == shuffled(1000, 1, 2).tolist()
    for other in ((2, 1), (1, 3), (1, 2, 0), (1,)):
        assert order.tolist() != shuffled(1000, *other).tolist()


def test_the_order_is_the_same_in_every_version() -> None:
    assert shuffled(8, 0, 0).tolist() == ORDER
    assert shuffled(8, 2**63 - 1, 5).tolist() == ORDER_OF_LARGE_SEED


ORDER = [2, 0, 3, 4, 7, 5, 1, 6]
ORDER_OF_LARGE_SEED = [7, 2, 0, 1, 4, 5, 3, 6]


def test_bits_are_mixed() -> None:
    values = mixed(np.arange(4096, dtype=np.uint64), 0)
    assert len(np.unique(values)) == 4096
    for bit in range(64):
        share = float(np.mean((values >> np.uint64(bit)) & np.uint64(1)))
        assert 0.45 < share < 0.55
