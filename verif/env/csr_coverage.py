"""Covergroup of register accesses (``csr_cg``): which register was reached through which door, and what writes met in
fields of each policy.
"""

from __future__ import annotations

from pyuvm import uvm_door_e

from equinox_core.csr_map import REGS
from verif.agents.backdoor_reg import BackdoorReg
from verif.lib import coverage
from verif.lib.covergroup import Covergroup, Cross

ACCESSES = ("front read", "front write", "back read", "back write")
POLICIES = ("RW", "RO", "W1C", "WO", "WP")
WRITES = ("0 over 0", "0 over 1", "1 over 0", "1 over 1")
STORED = {  # registers with a field that keeps its value in the register block itself
    path
    for path, (_, layout) in REGS.items()
    if any(kind in ("RW", "W1C", "WO", "WP") for *_, kind in layout.values()) or path.startswith("CNT_")
}
CONSTANT = {"ID"}  # neither storage nor a signal: the back door has nothing to look at


def csr_cg() -> Covergroup:
    """``csr_cg``: registers by door and direction; field policies by the bit written and the bit that was there.

    Commands (WP) hold their bit for a cycle only: nothing is written over a 1.
    """
    none = [(path, "back write") for path in REGS if path not in STORED] + [(path, "back read") for path in CONSTANT]
    return Covergroup(
        "csr_cg",
        {"cp_register": REGS, "cp_access": ACCESSES, "cp_policy": POLICIES, "cp_write": WRITES},
        {
            "cr_register_access": Cross("cp_register", "cp_access", illegal=none),
            "cr_policy_write": Cross(
                "cp_policy", "cp_write", illegal=[("WP", how) for how in WRITES if how.endswith("1")]
            ),
        },
    )


def covergroups() -> coverage.Groups:
    """The group with all its bins."""
    return {csr_cg().name: coverage.cocotb_groups()["csr_cg"]}


class CsrCoverage:
    """Samples every access of a register model; pass :meth:`sample` to it as observer.
    A combination is sampled once.
    """

    def __init__(self) -> None:
        self.group = csr_cg()
        self.accesses: set[tuple[str, str]] = set()
        self.writes: set[tuple[str, str]] = set()

    def sample(self, reg: BackdoorReg, door: uvm_door_e, write: bool, value: int) -> None:
        """Note an access that has been made."""
        path = reg.get_full_name().split(".", 1)[1]
        access = f"{'back' if door is uvm_door_e.UVM_BACKDOOR else 'front'} {'write' if write else 'read'}"
        if (path, access) not in self.accesses and not self.group.crosses["cr_register_access"].forbids((path, access)):
            self.accesses.add((path, access))
            self.group.sample(cp_register=path, cp_access=access)

    def policy(self, path: str, before: int, written: int) -> None:
        """Note a front door write of ``written`` to a register that held ``before``: each bit,
        by its field's policy.
        """
        for lsb, width, _, kind in REGS[path][1].values():
            for bit in range(lsb, lsb + width):
                how = f"{written >> bit & 1} over {before >> bit & 1}"
                if (kind, how) not in self.writes and not self.group.crosses["cr_policy_write"].forbids((kind, how)):
                    self.writes.add((kind, how))
                    self.group.sample(cp_policy=kind, cp_write=how)

    def missing(self) -> list[str]:
        """Accesses that were never made: of each register through each door that it has, and of each policy."""
        points = covergroups()["csr_cg"]
        return [
            name
            for cross in ("cr_register_access", "cr_policy_write")
            for name, hits in points[cross].items()
            if not hits
        ]

    def dump(self) -> None:
        """Leave the group where the coverage report finds it."""
        coverage.dump(covergroups(), "csr")
