"""GEMM jobs, and whole scenarios: boot, register writes, DRAM image."""

from __future__ import annotations

import numpy as np
import pytest

from equinox_core.compiler.gemm import gemm
from equinox_core.compiler.image import build_image, register
from equinox_core.compiler.service import mlp_classifier
from equinox_core.compiler.space import Room, room_beside
from equinox_core.compiler.training import mlp_training
from equinox_core.config import Config, load_config
from equinox_core.core import Core
from equinox_core.csr_map import REGS
from equinox_core.isa.check import check_program
from equinox_core.isa.encoding import Unit, decode
from equinox_core.isa.races import check_races
from equinox_core.numerics import bf16_from_float
from equinox_core.reference.mlp import product


@pytest.mark.parametrize(
    "cfg",
    [*map(load_config, ("tiny", "default", "large")), load_config("tiny").changed(W=8)],
    ids=lambda cfg: f"{cfg.N}-{cfg.M}-{cfg.W}",
)
@pytest.mark.parametrize(("m", "n", "k"), [(1, 1, 1), (17, 50, 100), (130, 70, 200)])
def test_gemm(cfg: Config, m: int, n: int, k: int) -> None:
    job = gemm(cfg, m, n, k, room=Room(64, 600, 64, 4096))
    for prog in (job.loader, job.program):
        check_program(prog, cfg)
    assert (len(job.parts) > 1) == (m > 100)
    check_races(job.program, cfg)
    rng = np.random.default_rng(m)
    a, b = rng.normal(size=(m, k)), rng.normal(size=(n, k))
    want = product(bf16_from_float(a), bf16_from_float(b), cfg.K)
    for order in (None, np.random.default_rng(2)):
        core = Core(cfg, job.image(a, b))
        core.run_training(job.loader)
        assert core.run_training(job.program, 2, order=order) == 2
        assert np.array_equal(job.result(core.mem.DRAM), want)


def test_gemm_without_store_keeps_only_the_mmu_busy() -> None:
    job = gemm(load_config("default"), 64, 64, 128, store=False)
    assert job.program.pc_valid == 1 and not any(i.wait or i.signal for i in job.program.streams[Unit.MMU])
    assert sum(i.rows * i.n_g * i.n_k for i in job.program.streams[Unit.MMU]) == job.cycles == 64 * 4 * 4
    assert job.program.streams[Unit.MMU][-1].step


def test_gemm_refused() -> None:
    cfg = load_config("tiny")
    with pytest.raises(ValueError, match="gemm: ACTD: need 5000, have 4096"):
        gemm(cfg, 1000, 4, 40)
    with pytest.raises(ValueError, match=r"m, n, k = 0, 4, 4: legal"):
        gemm(cfg, 0, 4, 4)
    with pytest.raises(ValueError, match="gemm: WGTD: need 80, have 64"):
        gemm(cfg, 4, 16, 40, room=Room(64, 64, 64, 64))


def scenario():
    cfg = load_config("tiny")
    rng = np.random.default_rng(0)
    services = [mlp_classifier(cfg, [rng.normal(size=(5, 12))], name=n) for n in ("one", "two")]
    job = mlp_training(cfg, (12, 16, 3), 16, 0.3, 2, room=room_beside(cfg, [s.needs for s in services]))
    x, y = rng.normal(size=(2, 16, 12)), np.eye(3, dtype=np.float32)[rng.integers(0, 3, (2, 16))]
    dram = job.image(x, y, [rng.normal(size=(16, 12)), rng.normal(size=(3, 16))])
    return cfg, services, job, dram


def test_boot_brings_everything_into_place() -> None:
    cfg, services, job, dram = scenario()
    image = build_image(cfg, services, job, dram, iters=9, timeout={"two": 500}, threshold=3)
    core = image.core()
    for s, svc in zip(image.services, services, strict=True):
        q, e = svc.weights
        for have, want in zip(core.mem.WGTD, (q, e), strict=True):
            assert np.array_equal(have[s.w_base : s.w_base + len(want)], want)
        assert np.array_equal(core.mem.VEC[s.c_base : s.c_base + len(svc.constants)], svc.constants)
    t = image.training
    assert t is not None and np.array_equal(core.mem.VEC[t.c_base : t.c_base + job.constant_lines], job.constants)
    assert t.dram_base == image.training_base and t.dram_base % 4096 == 0
    assert np.array_equal(image.dram[t.dram_base :], dram)
    assert (t.iters, t.iter_mod) == (9, 2)
    assert [(s.timeout, s.threshold) for s in image.services] == [(0, 3), (500, 3)]
    check_program(job.program, cfg, t.bases, iter_mod=2)


def test_large_services_boot_in_several_runs() -> None:
    cfg = load_config("tiny").changed(WGTD_DEPTH=16384, ACTC_DEPTH=8192, IMEM_DEPTH=4096)
    rng = np.random.default_rng(0)
    service = mlp_classifier(cfg, [rng.normal(size=(4096, 8)) / 3, rng.normal(size=(4, 4096))], name="wide")
    image = build_image(cfg, [service])
    assert sum(i.sp == 1 for i in image.programs["boot"].streams[Unit.LD]) > 1
    assert len(service.constants) > 1024
    core = image.core()
    q, e = service.weights
    assert np.array_equal(core.mem.WGTD[0][: len(q)], q) and np.array_equal(core.mem.WGTD[1][: len(e)], e)


def test_register_writes() -> None:
    cfg, services, job, dram = scenario()
    image = build_image(cfg, services, job, dram, iters=9)
    by_address = {address: name for name, (address, _) in REGS.items()}
    memory: dict[int, dict[int, int]] = {u: {} for u in Unit}
    unit = index = 0
    parts: list[int] = []
    regs: dict[str, int] = {}
    for address, value in image.setup_writes():
        name = by_address[address]
        if name == "IMEM_ADDR":
            unit, index, parts = value >> 16, value & 0xFFFF, []
        elif name == "IMEM_DATA":
            parts.append(value)
            if len(parts) == 12:
                memory[unit][index] = sum(w << 32 * n for n, w in enumerate(parts))
                index, parts = index + 1, []
        else:
            regs[name] = value
    for u in Unit:
        assert [memory[u][n] for n in range(len(memory[u]))] == image.imem[u]
    s = image.services[1]
    assert regs["SVC[1].PC0"] == s.pc[0] | s.pc[1] << 16 and regs["SVC[1].CTRL"] == 1 | s.pc_valid << 1
    first = decode(memory[Unit.MMU][s.pc[0]])
    assert first == services[1].program.streams[Unit.MMU][0]
    assert regs["CTX[1].BASE0"] == image.inference[1].acc_base << 16 | image.inference[1].vec_base
    regs = {by_address[a]: v for a, v in image.context_writes(cfg.C_INF, image.training)}
    assert regs["CTX[2].ITERS"] == 9 and regs["CTX[2].ITER_MOD"] == 2
    sems = [regs[f"CTX[2].SEM{n // 8}"] >> n % 8 * 4 & 15 for n in range(16)]
    assert tuple(sems) == job.program.sem_init


def test_register_refuses() -> None:
    with pytest.raises(ValueError, match=r"no register 'SVC\[9\].CTRL'"):
        register("SVC[9].CTRL", enable=1)
    with pytest.raises(ValueError, match="has no field 'speed'"):
        register("POLICY", speed=1)
    with pytest.raises(ValueError, match=r"POLICY.policy = 8: legal range 0..7"):
        register("POLICY", policy=8)


def test_what_does_not_fit() -> None:
    cfg, services, job, dram = scenario()
    with pytest.raises(ValueError, match="go together"):
        build_image(cfg, services, job)
    with pytest.raises(ValueError, match=r"bytes, legal is"):
        build_image(cfg, services, job, dram[:-1])
    need = job.program.needs.acc + cfg.C_INF * max(s.needs.acc for s in services)
    small = cfg.changed(ACC_DEPTH=need - 1)
    with pytest.raises(
        ValueError, match=rf"training: ACC: need {job.program.needs.acc} from \d+, have {need - 1} \(ACC_DEPTH"
    ):
        build_image(small, services, job, dram)
    with pytest.raises(ValueError, match=r"services: ACC: need \d+, have 64"):
        room_beside(cfg.changed(ACC_DEPTH=64), [s.needs for s in services] + [job.program.needs])
