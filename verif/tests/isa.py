"""Programs that use the whole instruction set, as training beside inference, and as a service."""

from __future__ import annotations

import cocotb
import numpy as np
from pyuvm import uvm_factory

from equinox_core.compiler.image import build_image
from verif.agents.axis import cycles
from verif.agents.request_agent import RequestItem
from verif.agents.train_agent import ERROR, IDLE, wait_state
from verif.env.batch_reference import BatchPredictor
from verif.env.predictor import Predictor
from verif.sequences import isa_service
from verif.sequences.boot import StartTrainingSeq
from verif.sequences.isa_tour import isa_tour
from verif.sequences.replay import fresh_id
from verif.tests.base import EquinoxTest

ITERS = 3
WHOLE = 4096  # bytes compared at a time


class OwnImage(EquinoxTest):
    """Base: ``prepare`` makes another image than the scenario's, so the DRAM is written anew."""

    async def boot(self) -> None:
        self.dram.write(0, self.deployment.image.dram[: self.deployment.image.dram.size // self.cfg.BUS * self.cfg.BUS])
        await super().boot()


class IsaTourTest(OwnImage):
    """A random training program; DRAM is compared bit for bit. Replaces the scenario's training by a tour of the
    instruction set (run it with TRAIN=off).
    """

    expects = True

    def prepare(self) -> None:
        old = self.deployment.image
        tour = isa_tour(self.cfg, self.rng)
        rows = int(self.rng.choice([1, 3, self.cfg.N, 2 * self.cfg.N, 500]))
        self.deployment.image = build_image(
            self.cfg, old.installed, tour, tour.dram, iters=ITERS, timeout=400, train_rows=rows
        )

    async def body(self) -> None:
        image = self.deployment.image
        core = image.core()
        core.run_training(image.work.program, ITERS, image.training.iter_mod, image.training.bases)
        serving = cocotb.start_soon(
            self.send_good([str(n) for n in self.rng.choice(list(self.deployment.index), 4 * self.cfg.N)])
        )
        await StartTrainingSeq(image, image.training).start()
        state = await wait_state(self.csr, self.ctx, {IDLE, ERROR})
        self.expect("state at the end", state, IDLE)
        await cycles(200)
        self.expect("steps", (await self.csr.read(f"CTX[{self.ctx}].STEPS"))["count"], ITERS)
        end = image.training_base + image.work.size
        for at in range(image.training_base, end, WHOLE):
            seen, want = self.dram.read(at, min(WHOLE, end - at)), core.mem.DRAM[at : min(at + WHOLE, end)]
            wrong = np.flatnonzero(seen != want)
            if wrong.size:
                raise AssertionError(
                    f"DRAM differs in {wrong.size} bytes, first at {at + wrong[0]:#x}: "
                    f"{seen[wrong[0]]:#x}, reference {want[wrong[0]]:#x}"
                )
            self.expected_things += 1
        await serving


class IsaServiceTest(OwnImage):
    """A service of every operand, in batches of every size, one at a time.

    Replaces the scenario's services (run it with TRAIN=off).
    """

    def prepare(self) -> None:
        uvm_factory().set_type_override_by_type(Predictor, BatchPredictor)
        service = isa_service.isa_service(self.cfg, self.rng)
        self.deployment.image = build_image(self.cfg, [service], timeout=400)
        self.sizes = [self.cfg.N, *range(1, self.cfg.N + 1)]
        self.deployment.payloads = {isa_service.NAME: isa_service.payloads(self.cfg, self.rng, sum(self.sizes))}

    def connect_phase(self):
        self.env.units.monitor.batches.connect(self.env.predictor.batch_port.analysis_export)

    async def body(self) -> None:
        payloads, first = self.deployment.payloads[isa_service.NAME], 0
        for size in self.sizes:
            await self.send([RequestItem(0, fresh_id(), payloads[n], 0, n) for n in range(first, first + size)])
            first += size
