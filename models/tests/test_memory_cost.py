"""The model of memories' area and access time."""

from __future__ import annotations

import pytest

from equinox_core.cost import memory


@pytest.mark.parametrize(("width", "depth"), [(1, 1), (64, 2048), (65, 2049), (264, 4096), (384, 512), (16, 64)])
def test_macros_hold_the_memory(width: int, depth: int) -> None:
    """All bits, in no macro that is too large, and in no more macros than needed."""
    macros = memory.macros(width, depth)
    assert sum(words * bits for words, bits in macros) == width * depth
    assert all(words <= memory.ROWS and bits <= memory.COLUMNS for words, bits in macros)
    assert len(macros) == -(-width // memory.COLUMNS) * -(-depth // memory.ROWS)


def test_area_is_what_was_published() -> None:
    """A large memory takes what CACTI's figure gives, scaled; a small one more a bit."""
    cacti = 1.87e6 / (8 * 2**20) * (45 / 32) ** 2 * 1.4  # µm² a bit
    bits = 264 * 4096
    assert memory.area_um2(264, 4096) / bits == pytest.approx(cacti, rel=0.03)
    assert memory.area_um2(16, 64) / (16 * 64) > 1.5 * cacti
    assert memory.area_um2(1, 1) == pytest.approx((1 + 16) * (1 + 10) * 0.374 * 1.4)


def test_access_grows_with_words() -> None:
    assert memory.access_ns(64, 2048) == pytest.approx(0.70)
    assert memory.access_ns(64, 4096) == pytest.approx(0.76)
    assert memory.access_ns(512, 2048) == memory.access_ns(1, 2048)
    times = [memory.access_ns(8, 1 << n) for n in range(17)]
    assert times == sorted(times)


@pytest.mark.parametrize(("width", "depth"), [(0, 1), (1, 0), (-1, 5)])
def test_sizes_that_are_none(width: int, depth: int) -> None:
    with pytest.raises(ValueError, match="legal are 1 or more of each"):
        memory.area_um2(width, depth)
