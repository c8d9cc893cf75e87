"""The time rule of verif/lib/sv/axi_dram.sv once more, written from its header as a schedule of whole bursts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Times:
    """Cycles of the beats of all read and write bursts, and of the write responses, in order."""

    reads: list[int]
    writes: list[int]
    responses: list[int]


def schedule(
    reads: list[tuple[int, int]], writes: list[tuple[int, int]], *, latency: int, b_latency: int, gap: int
) -> Times:
    """Predict all beats from the transfers of the addresses.

    Args:
        reads, writes: (cycle of the address's transfer, beats) of each burst, in order.

    Data and responses are taken, and write data offered, without delay.
    """
    out = Times([], [], [])
    bus, wrote_last, r, w = 0, True, 0, 0
    while r < len(reads) or w < len(writes):
        ready_r = max(bus, reads[r][0] + latency) if r < len(reads) else None
        ready_w = max(bus, writes[w][0] + 1) if w < len(writes) else None
        if ready_w is None or (ready_r is not None and (ready_r < ready_w or (ready_r == ready_w and wrote_last))):
            beats = [ready_r + i * (gap + 1) for i in range(reads[r][1])]
            out.reads.extend(beats)
            r, wrote_last = r + 1, False
        else:
            beats = [ready_w + i * (gap + 1) for i in range(writes[w][1])]
            out.writes.extend(beats)
            earliest = out.responses[-1] + 1 if out.responses else 0
            out.responses.append(max(earliest, beats[-1] + b_latency))
            w, wrote_last = w + 1, True
        bus = beats[-1] + gap + 1
    return out
