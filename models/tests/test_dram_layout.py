"""Layout of blocks and lines in DRAM."""

import numpy as np
import pytest

from equinox_core import dram_layout as lay


def test_panels_byte_by_byte() -> None:
    """Five blocks of K = 4: a full panel and a short one, written out from the text of isa.md."""
    mant = np.arange(20, dtype=np.int8).reshape(5, 4) - 10
    exp = np.array([130, 0, 255, 7, 9], np.uint8)
    want = [130, 0, 255, 7, *(m & 255 for m in range(-10, 6)), 9, 0, 0, 0, 6, 7, 8, 9]
    assert lay.pack_blocks(mant, exp, 4).tolist() == want
    assert [lay.block_beats(n, 4, 4) for n in (0, 4, 5)] == [0, 5, 7]
    want = [130, 0, *(m & 255 for m in range(-10, -2)), 255, 7, *(m & 255 for m in range(-2, 6)), 9, 0, 6, 7, 8, 9]
    assert lay.pack_blocks(mant, exp, 2).tolist() == want  # of two beats a block
    assert [lay.block_beats(n, 4, 2) for n in (0, 2, 3, 5)] == [0, 5, 8, 13]


@pytest.mark.parametrize(("k", "bus"), [(4, 4), (8, 8), (32, 16), (64, 64), (256, 128), (512, 16)])
def test_blocks_round_trip(k: int, bus: int) -> None:
    rng = np.random.default_rng(k)
    for n in (0, 1, bus - 1, bus, bus + 1, k + 1, 3 * k + 2):
        mant, exp = rng.integers(-128, 128, (n, k), np.int8), rng.integers(0, 256, n, np.uint8)
        data = lay.pack_blocks(mant, exp, bus)
        assert len(data) == lay.block_beats(n, k, bus) * bus
        again = lay.unpack_blocks(data, n, k, bus)
        assert np.array_equal(again[0], mant) and np.array_equal(again[1], exp)


def test_lines() -> None:
    lines = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)
    data = lay.pack_lines(lines)
    assert data.tobytes() == bytes.fromhex("0000803f000000c00000003f00004040")
    bits = lay.unpack_lines(data, 2, 2)
    assert bits.dtype == np.uint32 and np.array_equal(bits.view(np.float32), lines)
    assert np.array_equal(lay.pack_lines(bits), data)
    assert lay.line_beats(3, 16, 32) == 6


@pytest.mark.parametrize(
    "call",
    [
        lambda: lay.pack_blocks(np.zeros((2, 4), np.int16), np.zeros(2, np.uint8), 4),
        lambda: lay.pack_blocks(np.zeros((2, 4), np.int8), np.zeros(3, np.uint8), 4),
        lambda: lay.pack_blocks(np.zeros((2, 5), np.int8), np.zeros(2, np.uint8), 5),
        lambda: lay.unpack_blocks(np.zeros(8, np.uint8), 2, 4, 4),
        lambda: lay.pack_lines(np.zeros((2, 4), np.float64)),
        lambda: lay.unpack_lines(np.zeros(8, np.uint8), 2, 4),
        lambda: lay.block_beats(-1, 4, 4),
        lambda: lay.block_beats(1, 4, 8),
        lambda: lay.line_beats(1, 3, 8),
    ],
)
def test_bad_input(call) -> None:  # noqa: ANN001
    with pytest.raises(ValueError):
        call()
