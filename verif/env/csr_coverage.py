"""Coverage of register accesses: which register was reached through which door, and which bits of which policy changed how."""
from __future__ import annotations

from pyuvm import uvm_door_e

from models.csr_map import REGS
from verif.agents.backdoor_reg import BackdoorReg
from verif.lib import coverage

ACCESSES = ("front read", "front write", "back read", "back write")
POLICIES = ("RW", "RO", "W1C", "WO", "WP")
WRITES = ("0 over 0", "0 over 1", "1 over 0", "1 over 1")
STORED = {  # registers with a field that keeps its value in the register block itself
    path for path, (_, layout) in REGS.items() if any(kind in ("RW", "W1C", "WO", "WP") for *_, kind in layout.values()) or path.startswith("CNT_")}
CONSTANT = {"ID"}  # neither storage nor a signal: the back door has nothing to look at


def _bins() -> dict[str, dict[str, int]]:
    reached = [f"{path} {access}" for path in REGS for access in ACCESSES
               if not (access == "back write" and path not in STORED) and not (access == "back read" and path in CONSTANT)]
    written = [f"{kind} {how}" for kind in POLICIES for how in WRITES if not (kind in ("WO", "WP") and how.endswith("1"))]
    return {"cp_access": dict.fromkeys(reached, 0), "cp_policy": dict.fromkeys(written, 0)}


def covergroups() -> coverage.Groups:
    """The group with all bins. Fields that read 0 (WO, WP) have no written 1 to be seen under a write."""
    return {"csr_cg": _bins()}


class CsrCoverage:
    """Samples every access of a register model; pass :meth:`sample` to it as observer."""

    def __init__(self) -> None:
        self.bins = _bins()

    def sample(self, reg: BackdoorReg, door: uvm_door_e, write: bool, value: int) -> None:
        """Count an access that has been made."""
        path = reg.get_full_name().split(".", 1)[1]
        name = f"{path} {'back' if door is uvm_door_e.UVM_BACKDOOR else 'front'} {'write' if write else 'read'}"
        if name in self.bins["cp_access"]:
            self.bins["cp_access"][name] += 1

    def policy(self, path: str, before: int, written: int) -> None:
        """Count a front door write of ``written`` to a register that held ``before``: each bit, by its field's policy."""
        for lsb, width, _, kind in REGS[path][1].values():
            for bit in range(lsb, lsb + width):
                name = f"{kind} {written >> bit & 1} over {before >> bit & 1}"
                if name in self.bins["cp_policy"]:
                    self.bins["cp_policy"][name] += 1

    def untouched(self) -> list[str]:
        """Registers that some door which they have was never used for, with the access that is missing."""
        return [name for name, hits in self.bins["cp_access"].items() if not hits]

    def dump(self) -> None:
        """Leave the group where the coverage report finds it."""
        coverage.dump({"csr_cg": self.bins}, "csr")
