"""The constraints of random programs: how large, how mixed, how nasty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from equinox_core.deploy.scenario import POLICIES

Range = tuple[int, int]  # both ends included

LEGAL: dict[str, tuple[float, float]] = {
    "services": (0, 4),
    "service_ops": (1, 60),
    "training_ops": (0, 120),
    "requests": (0, 200),
    "gap": (0, 5000),
    "batch": (1, 128),
    "timeout": (0, 100_000),
    "threshold": (0, 32),
    "iters": (1, 8),
    "iter_mod": (1, 4),
    "train_rows": (1, 64),
    "changes": (0, 20),
    "rows": (1, 64),
    "groups": (1, 8),
    "depth": (1, 12),
    "outer": (1, 64),
    "inner": (1, 32),
    "runs": (1, 8),
    "length": (1, 64),
    "edge": (0, 1),
    "far": (0, 1),
    "same_line": (0, 1),
    "own_lines": (0, 1),
    "feed": (0, 1),
    "nop": (0, 1),
    "fence": (0, 1),
    "store": (0, 1),
    "stalls": (0, 1),
}
"""Legal values of every knob but ``policies``, both ends included."""


@dataclass(frozen=True)
class Knobs:
    """Ranges that a case is drawn from, and probabilities.

    What a configuration has no room for is cut to what it has.
    """

    services: Range = (0, 3)  # services installed
    service_ops: Range = (2, 20)  # instructions of a service's program (what feeds them comes on top)
    training_ops: Range = (0, 40)  # likewise of the training program; 0: no training
    requests: Range = (1, 24)
    gap: Range = (0, 400)  # cycles between two arrivals; half of them come at once
    batch: Range = (1, 128)  # batch limit of a service (at most N)
    timeout: Range = (0, 1500)  # cycles
    threshold: Range = (0, 6)  # waiting requests, for `adaptive`
    iters: Range = (1, 4)  # iterations of the training program
    iter_mod: Range = (1, 3)  # after so many iterations its DMA addresses come again
    train_rows: Range = (1, 40)  # TRAIN_ROWS
    changes: Range = (0, 4)  # times that the policy changes on the way
    rows: Range = (1, 24)  # MATMUL
    groups: Range = (1, 4)  # MATMUL n_g
    depth: Range = (1, 5)  # MATMUL n_k
    outer: Range = (1, 12)  # VECTOR segments
    inner: Range = (1, 12)  # VECTOR lines of a segment (at most K)
    runs: Range = (1, 4)  # LOAD, STORE
    length: Range = (1, 40)  # lines or blocks of a run
    edge: float = 0.3  # an operand reaches the last line of its window
    far: float = 0.5  # a buffer's windows include the last lines that the program can have
    same_line: float = 0.15  # MATMUL with strides 0 of C: the same accumulator line over and over
    own_lines: float = 0.12  # VECTOR that reads its own results, at the shortest legal distance or near it
    feed: float = 0.3  # a service loads, converts and stores constants of its own
    nop: float = 0.06  # a NOP stands before an instruction and waits in its place
    fence: float = 0.06  # an instruction waits for all units, whether it must or not
    store: float = 0.25  # of a training program's instructions: something is stored
    stalls: float = 0.15  # the case has random stalls of the DRAM or of the response sink, so only bits are compared
    policies: tuple[str, ...] = POLICIES

    def check(self) -> Knobs:
        """Return self.

        Raises:
            ValueError: a knob is out of range; names it and what is legal.
        """
        for name, (low, high) in LEGAL.items():
            value = getattr(self, name)
            ends = value if isinstance(value, tuple) else (value,)
            if not all(low <= v <= high for v in ends) or ends[0] > ends[-1]:
                kind = "LOW..HIGH within" if isinstance(value, tuple) else "a probability in"
                shown = "..".join(map(str, ends))
                raise ValueError(f"knob {name} = {shown}: legal is {kind} {low}..{high}")
        wrong = [p for p in self.policies if p not in POLICIES]
        if wrong or not self.policies:
            raise ValueError(
                f"knob policies = {','.join(self.policies)}: legal are one or more of {', '.join(POLICIES)}"
            )
        return self

    def changed(self, words: Iterable[str]) -> Knobs:
        """A copy with knobs given as text: ``rows=1..8``, ``rows=3``, ``edge=0.5``, ``policies=fair,slack``; checked.

        Raises:
            ValueError: no such knob, or no legal value.
        """
        values: dict[str, object] = {}
        known = {f.name for f in fields(self)}
        for word in words:
            name, _, text = word.partition("=")
            if name not in known:
                raise ValueError(f"knob '{name}': none of {', '.join(sorted(known))}")
            try:
                if name == "policies":
                    values[name] = tuple(text.split(","))
                elif isinstance(getattr(self, name), tuple):
                    low, _, high = text.partition("..")
                    values[name] = (int(low), int(high or low))
                else:
                    values[name] = float(text)
            except ValueError:
                raise ValueError(
                    f"knob {name} = '{text}': legal is a number, or LOW..HIGH, of {LEGAL[name][0]}..{LEGAL[name][1]}"
                ) from None
        return replace(self, **values).check()
