"""Illegal instructions of every class that the static checks know (models/equinox_core/isa/check.py), at random places,
in training and inference.
"""

from __future__ import annotations

from dataclasses import replace

import cocotb

from equinox_core.isa.check import Fault, check_fields
from equinox_core.isa.encoding import LAYOUT, SEM_MAX, SEMAPHORES, UNIT_OF_OP, Err, Instr, Op, Status, Unit, encode
from equinox_core.isa.program import with_fields
from verif.agents.axis import cycles
from verif.agents.train_agent import ERROR
from verif.sequences.boot import PatchSeq, StartTrainingSeq
from verif.tests.faults.base import FaultTest

BROKEN = frozenset({Status.CTX_ERROR})
BEYOND = 0xFFFF  # an address beyond every buffer
HEADER = ("op", "wait", "signal", "last", "step", "rsvd")


def classes(ins: Instr, unit: Unit, training: bool, k: int) -> dict[str, int]:
    """Words with one fault each that depend on sizes, by name: opcodes of no meaning and of other units, addresses
    beyond a memory, odd DRAM addresses.
    """
    legal = {Op.NOP, *(op for op, u in UNIT_OF_OP.items() if u == unit)}
    out = {f"opcode {code}": encode(ins) & ~0xF | code for code in range(16) if code not in legal}
    bases = {Op.MATMUL: ("a_base", "b_base", "c_base"), Op.LOAD: ("l_base",), Op.STORE: ("l_base",)}.get(ins.op, ())
    out |= {f"{name} beyond its memory": encode(with_fields(ins, **{name: BEYOND // 8 * 8})) for name in bases}
    if ins.op == Op.VECTOR:
        for x in "abcdr":
            if ins.fields[f"{x}_sp"] not in ((0, 6, 7) if x == "b" else (0,)) and not (
                ins.fields["dyn_o"] or ins.fields["dyn_i"]
            ):
                out[f"{x}_base beyond its memory"] = encode(with_fields(ins, **{f"{x}_base": BEYOND}))
    if ins.op in (Op.LOAD, Op.STORE):
        out |= {
            f"odd {name}": encode(with_fields(ins, n_o=2, **{name: ins.fields[name] + k // 2}))
            for name in ("d_base", "d_so")
        }
    return out


class Illegal(FaultTest):
    """Each fault stops its own context alone, with the cause that the model names; repaired, everything runs again."""

    timed = True

    async def body(self) -> None:
        for _ in range(12):
            await self.illegal_training()
        await self.clean_run()
        for _ in range(8):
            await self.illegal_service()
        await self.clean_run()

    def draw(self, ins: Instr, unit: Unit, training: bool) -> tuple[str, Err, int]:
        """(what, cause, word) of a random faulty variant of an instruction."""
        if self.below(2):
            some = classes(ins, unit, training, self.cfg.K)
            what = self.pick(list(some))
            return what, Err.ILLEGAL_OP if what.startswith("opcode") else Err.OPERAND, some[what]
        names = [n for n in ins.fields if n not in HEADER]
        while True:
            changed = ins
            for _ in range(1 + self.below(2)):
                name = self.pick(names)
                width = LAYOUT[ins.op][name][1]
                changed = with_fields(changed, **{name: self.pick((0, (1 << width) - 1, self.below(1 << width)))})
            try:
                check_fields(changed, unit, self.cfg, training)
            except Fault as fault:
                return str(fault), fault.cause, encode(changed)

    def victim(self, streams: dict[Unit, list[Instr]], units: tuple[Unit, ...]) -> tuple[Unit, int]:
        """A random instruction that does something: (unit, place in its stream)."""
        places = [(u, n) for u in units for n, ins in enumerate(streams[u]) if ins.op != Op.NOP]
        return self.pick(places)

    async def illegal_training(self) -> None:
        """In the training program, or its settings."""
        serving = self.serve_beside()
        image, streams = self.deployment.image, self.deployment.job.program.streams
        settings, place = image.training, None
        kind = self.below(8)
        if kind == 0:
            unit = self.pick(tuple(Unit))
            settings = replace(
                settings, pc=tuple(self.cfg.IMEM_DEPTH if u == unit else pc for u, pc in enumerate(settings.pc))
            )
            legal, what = {Err.PC_RANGE: (unit,)}, f"{unit.name} stream beyond the instruction memory"
        elif kind == 1:
            settings = replace(settings, sem_init=(SEM_MAX,) * SEMAPHORES)
            legal, what = {Err.SEM_OVERFLOW: tuple(Unit)}, "semaphores full"
        else:
            unit, at = self.victim(streams, tuple(Unit))
            what, cause, word = self.draw(streams[unit][at], unit, training=True)
            legal, place = {cause: (unit,)}, (unit, settings.pc[unit] + at)
            await PatchSeq(*place, word).start()
        self.env.weight_board.rest()
        self.restore_weights()
        await StartTrainingSeq(image, settings).start()
        await self.stopped(self.ctx, legal, what)
        if place:
            await PatchSeq(*place, image.imem[place[0]][place[1]]).start()
        await serving

    async def illegal_service(self) -> None:
        """In a service's program: all its batches are answered CTX_ERROR,
        the other service's and training are right.
        """
        name = self.pick(self.names)
        index = self.deployment.index[name]
        streams = self.deployment.image.installed[index].program.streams
        unit, at = self.victim(streams, (Unit.MMU, Unit.VPU))
        what, cause, word = self.draw(streams[unit][at], unit, training=False)
        place = unit, self.deployment.image.services[index].pc[unit] + at
        await PatchSeq(*place, word).start()
        other = self.serve_others(name)
        await self.send(self.some(name, BROKEN))
        for _ in range(200):
            states = [(await self.status(c))[0] for c in range(self.cfg.C_INF)]
            if ERROR in states:
                break
            await cycles(20)
        await self.stopped(states.index(ERROR), {cause: (unit,)}, f"{name}: {what}")
        await PatchSeq(*place, self.deployment.image.imem[unit][place[1]]).start()
        await other

    def serve_others(self, name: str):
        return cocotb.start_soon(self.send_good([n for n in self.names if n != name] * self.cfg.N))
