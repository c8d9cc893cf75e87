"""The experiments: which points each needs, and what it draws from their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from equinox_core.deploy.limits import SERVICE_SHARE
from equinox_core.isa.encoding import Op, Unit
from verif.flow.experiments.jobs import measured, of_point
from verif.flow.experiments.output import COLOURS, Figure, table
from verif.flow.experiments.point import LINES, STATIC, Point
from verif.flow.experiments.result import Result
from verif.flow.experiments.sweep import Found

LOADS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
RTL_LOADS = (0.1, 0.3, 0.5, 0.7, 0.9)
BURSTY = "bursty:on=0.25,burst=2.5,len=24"
TIMEOUTS = (0.25, 0.5, 1.0, 2.0, STATIC)
SWEEP_LOADS = (0.1, 0.3, 0.5, 0.7, 0.9)
SLACK_LOADS = (0.3, 0.5, 0.7, 0.9)
LIMITS = (3.0, 4.0, 5.0, 6.0, 8.0)
THRESHOLDS = (0, 1, 2, 4, 8)
SCALES = ("tiny", "default", "large")
SCALE_LOADS = (0.1, 0.3, 0.5)
OFF = "inference_only"


@dataclass(frozen=True)
class Setting:
    """``model``, ``rtl``: requests a point, 0: not on that engine. ``loads``, ``config``: of the main grid."""

    model: int = 100_000
    rtl: int = 2_000
    loads: tuple[float, ...] = LOADS
    rtl_loads: tuple[float, ...] = RTL_LOADS
    config: str = "default"


def of_load(setting: Setting) -> Iterable[Point]:
    """E1 and E3: all lines over the load, the other jobs under `priority`, a bursty trace; the RTL at some loads."""
    if setting.model:
        for line in LINES:
            yield from (Point(line, load, setting.model, config=setting.config) for load in setting.loads)
        if setting.config == "default":
            for job in ("wide", "wide_slow"):
                yield from (Point("priority", load, setting.model, job=job) for load in setting.loads if load >= 0.1)
            yield from (Point(line, 0.5, setting.model, trace=BURSTY) for line in LINES)
    if setting.rtl:
        for load in sorted(setting.rtl_loads, reverse=True):  # short runs first
            yield from (Point(line, load, setting.rtl, engine="rtl", config=setting.config) for line in LINES)
            if setting.model:  # the same requests on the model
                yield from (Point(line, load, setting.rtl, config=setting.config) for line in LINES)


def bound_alone(p: Point, r: Result) -> float:
    """The bound with κ as the dedicated trainer shows it: its time over its MMU cycles, whatever makes it wait."""
    return min(1.0, (1 - r.inference_share) / measured(p.job, p.config)[1].mmu_share)


def by_rows(p: Point, r: Result) -> float:
    """Training throughput of the dedicated trainer's, by the rows in the MMU: finer than whole steps."""
    return r.training_share / measured(p.job, p.config)[1].mmu_share


def _rows(points: Iterable[Point], found: Found) -> list[dict]:
    rows = []
    for p in points:
        r = found[p][0]
        off = found.get(replace(p, policy=OFF))
        base = off[0].p99 if off else None
        trainer = measured(p.job, p.config)[1]
        rho = r.inference_share
        rows.append(
            {
                "engine": p.engine,
                "config": p.config,
                "job": p.job,
                "trace": p.trace,
                "policy": p.policy,
                "load": p.load,
                "requests": p.requests,
                "timeout": r.timeout,
                "p50": r.p50,
                "p95": r.p95,
                "p99": r.p99,
                "p99_low": r.p99_low,
                "p99_high": r.p99_high,
                "saturated": int(r.saturated),
                "p99_inflation": r.p99 / base - 1 if r.p99 and base else None,
                "training_of_dedicated": r.fraction,
                "kappa": trainer.kappa,
                "bound": trainer.bound(rho),
                "bound_alone": bound_alone(p, r),
                "of_dedicated_x_left": r.fraction / (1 - rho),
                "inference_share": rho,
                "training_share": r.training_share,
                "reclaimed": r.reclaimed,
                "rows_a_batch": r.rows,
                "held_a_batch": r.held,
                "throughput_of_capacity": r.throughput,
                "seconds": r.seconds,
            }
        )
    return rows


def e1(setting: Setting, found: Found, out: Path) -> list[Path]:
    """p99 and training throughput over the load, and RTL beside model."""
    points = [p for p in dict.fromkeys(of_load(setting)) if p in found]
    files = [table(out / "e1_load.csv", _rows(points, found))]
    figure = Figure(["p99 latency", "training throughput"], "load", ["cycles", "of the dedicated trainer"])
    for line in LINES:
        for engine, requests, loads, style in (
            ("model", setting.model, setting.loads, {}),
            ("rtl", setting.rtl, setting.rtl_loads, {"linestyle": "", "marker": "x", "markersize": 6}),
        ):
            chosen = [
                p
                for p in (Point(line, load, requests, engine=engine, config=setting.config) for load in loads)
                if requests and p in found
            ]
            name = line if engine == "model" or not setting.model else f"_{line}"
            for where, value in ((0, lambda r: r.p99), (1, lambda r: r.fraction)):
                if chosen:
                    figure.line(
                        where,
                        name,
                        [p.load for p in chosen],
                        [value(found[p][0]) for p in chosen],
                        **{"color": COLOURS.get(line), **style},
                    )
    main = [
        p
        for p in points
        if p.policy == OFF and p.engine == "model" and p.trace == "poisson" and p.requests == setting.model
    ]
    if main:
        trainer = measured("digits", setting.config)[1]
        figure.line(
            1,
            f"bound, κ = {trainer.kappa:.2f}",
            [p.load for p in main],
            [trainer.bound(found[p][0].inference_share) for p in main],
            color="black",
            linestyle=":",
            marker="",
        )
        figure.line(
            1,
            f"with its time alone, κ' = {1 / trainer.mmu_share:.2f}",
            [p.load for p in main],
            [bound_alone(p, found[p][0]) for p in main],
            color="black",
            linestyle="--",
            marker="",
            linewidth=0.8,
        )
    figure.axes[0].set_ylim(0, 40_000 if setting.config == "default" else None)
    files += figure.save(out / "e1_load")
    jobs = Figure(["training throughput, `priority`"], "load", ["of the dedicated trainer"])
    for job, colour in (("digits", "#1b6ca8"), ("wide", "#2a9d5c"), ("wide_slow", "#d95f02")):
        chosen = [
            p
            for p in points
            if p.policy == "priority"
            and p.job == job
            and p.engine == "model"
            and p.trace == "poisson"
            and p.requests == setting.model
        ]
        if chosen:
            trainer = measured(job, setting.config)[1]
            jobs.line(
                0,
                f"{job}, κ = {trainer.kappa:.2f}",
                [p.load for p in chosen],
                [found[p][0].fraction for p in chosen],
                color=colour,
            )
            jobs.line(
                0,
                f"_{job} bound",
                [p.load for p in chosen],
                [trainer.bound(found[p][0].inference_share) for p in chosen],
                color=colour,
                linestyle=":",
                marker="",
            )
            jobs.line(
                0,
                f"_{job} bound alone",
                [p.load for p in chosen],
                [bound_alone(p, found[p][0]) for p in chosen],
                color=colour,
                linestyle="--",
                marker="",
                linewidth=0.8,
            )
    files += jobs.save(out / "e1_jobs")
    pairs = [(p, replace(p, engine="model")) for p in points if p.engine == "rtl"]
    pairs = [(a, b) for a, b in pairs if b in found]
    if pairs:
        files.append(
            table(
                out / "e1_rtl_and_model.csv",
                [
                    {
                        "policy": a.policy,
                        "load": a.load,
                        "requests": a.requests,
                        "rtl_p50": found[a][0].p50,
                        "model_p50": found[b][0].p50,
                        "rtl_p99": found[a][0].p99,
                        "model_p99": found[b][0].p99,
                        "p99_ratio": found[b][0].p99 / found[a][0].p99 if found[a][0].p99 and found[b][0].p99 else None,
                        "rtl_training": found[a][0].fraction,
                        "model_training": found[b][0].fraction,
                        "speed_ratio": (found[b][0].cycles / max(1e-9, found[b][0].seconds))
                        / (found[a][0].cycles / found[a][0].seconds),
                    }
                    for a, b in pairs
                ],
            )
        )
    return files


def e3(setting: Setting, found: Found, out: Path) -> list[Path]:
    """Idle MMU cycles reclaimed, and p99 inflation."""
    points = [p for p in dict.fromkeys(of_load(setting)) if p in found and p.policy != OFF]
    rows = [
        {
            k: row[k]
            for k in (
                "engine",
                "job",
                "trace",
                "policy",
                "load",
                "requests",
                "reclaimed",
                "p99_inflation",
                "saturated",
                "held_a_batch",
            )
        }
        for row in _rows(points, found)
        if row["job"] == "digits"
    ]
    figure = Figure(
        ["idle MMU cycles reclaimed by training", "p99 inflation from training"],
        "load",
        ["share", "share of p99 without training"],
    )
    for line in LINES[1:]:
        chosen = [
            p
            for p in (
                Point(
                    line,
                    load,
                    setting.model or setting.rtl,
                    engine="model" if setting.model else "rtl",
                    config=setting.config,
                )
                for load in (setting.loads if setting.model else setting.rtl_loads)
            )
            if p in found
        ]
        by = dict(zip(chosen, _rows(chosen, found), strict=True))
        figure.line(0, line, [p.load for p in chosen], [by[p]["reclaimed"] for p in chosen])
        figure.line(1, line, [p.load for p in chosen], [by[p]["p99_inflation"] for p in chosen])
    figure.axes[1].set_yscale("symlog", linthresh=0.1)
    return [table(out / "e3_reclaimed.csv", rows), *figure.save(out / "e3_reclaimed")]


def of_batching(setting: Setting) -> Iterable[Point]:
    """E2: batch timeouts, and batches of one; with and without training."""
    for load in SWEEP_LOADS if setting.model else ():
        for line in ("priority", OFF):
            yield from (Point(line, load, setting.model, timeout=t, config=setting.config) for t in TIMEOUTS)
            yield Point(line, load, setting.model, batch=1, config=setting.config)


def e2(setting: Setting, found: Found, out: Path) -> list[Path]:
    """Adaptive against static batching."""
    points = [p for p in of_batching(setting) if p in found and p.policy != OFF]
    rows = [
        {
            "batching": name,
            **{
                k: row[k]
                for k in (
                    "load",
                    "p50",
                    "p99",
                    "p99_low",
                    "p99_high",
                    "p99_inflation",
                    "saturated",
                    "rows_a_batch",
                    "throughput_of_capacity",
                    "training_of_dedicated",
                )
            },
        }
        for p, row in zip(points, _rows(points, found), strict=True)
        for name in [_batching(p)]
    ]
    figure = Figure(["p99 latency", "training throughput"], "load", ["cycles", "of the dedicated trainer"])
    for name in dict.fromkeys(r["batching"] for r in rows):
        mine = [r for r in rows if r["batching"] == name]
        figure.line(0, name, [r["load"] for r in mine], [r["p99"] for r in mine])
        figure.line(1, name, [r["load"] for r in mine], [r["training_of_dedicated"] for r in mine])
    figure.axes[0].set_yscale("log")
    return [table(out / "e2_batching.csv", rows), *figure.save(out / "e2_batching")]


def _batching(p: Point) -> str:
    return (
        "batches of one"
        if p.batch == 1
        else "static, full batches"
        if p.timeout == STATIC
        else f"adaptive, timeout {p.timeout:g}"
    )


def of_interference(setting: Setting) -> Iterable[Point]:
    """E4: the RTL's points."""
    return (p for p in of_load(setting) if p.engine == "rtl")


def e4(setting: Setting, found: Found, out: Path) -> list[Path]:
    """Training on against off, request by request; both runs have the same batch timeout but for `slack`.

    ``bound``, under `priority`: what one batch alone can lose. Each of its MMU tiles waits for one training load, N
    cycles, at most (docs/mmu.md); its VPU segments wait for nothing as they are not COLS (docs/vpu.md), and it moves
    nothing through the DMA. ``beyond``: requests later than that, because batches before theirs were, or were filled
    otherwise.

    Raises:
        ValueError: a response differs in a bit.
    """
    rows = []
    for p in of_interference(setting):
        if p.policy == OFF or p not in found or replace(p, policy=OFF) not in found:
            continue
        on, off = found[p][1], found[replace(p, policy=OFF)][1]
        if on["digests"] != off["digests"]:
            raise ValueError(
                f"{p.name}: {sum(a != b for a, b in zip(on['digests'], off['digests'], strict=True))} responses "
                "differ between training on and off"
            )
        bound = batch_bound(p)
        later = np.array(on["latencies"]) - np.array(off["latencies"])
        rows.append(
            {
                "policy": p.policy,
                "load": p.load,
                "requests": p.requests,
                "identical": len(on["digests"]),
                "mean": float(later.mean()),
                **{f"later_p{q}": float(np.percentile(later, q)) for q in (1, 50, 99)},
                "later_max": int(later.max()),
                "earlier_max": int(-later.min()),
                "share_later": float((later > 0).mean()),
                "bound": bound if p.policy == "priority" else None,
                "beyond": int((later > bound).sum()) if p.policy == "priority" else None,
            }
        )
    return [table(out / "e4_interference.csv", rows)] if rows else []


def batch_bound(p: Point) -> int:
    """Cycles that training loads can cost one batch under `priority`: N a tile of the service's program."""
    deployment = of_point(p)
    program = deployment.image.installed[deployment.index["lstm"]].program
    return deployment.cfg.N * sum(i.n_g * i.n_k for i in program.streams[Unit.MMU] if i.op == Op.MATMUL)


def of_slack(setting: Setting) -> Iterable[Point]:
    """E5: `slack` by its limit, `priority` with the same timeouts, `adaptive` by its threshold and with the same
    timeouts.
    """
    for load in SLACK_LOADS if setting.model else ():
        for limit in LIMITS:
            yield Point("slack", load, setting.model, limit=limit, config=setting.config)
            yield Point("priority", load, setting.model, timeout=limit - SERVICE_SHARE, config=setting.config)
            yield Point("adaptive", load, setting.model, timeout=limit - SERVICE_SHARE, config=setting.config)
        yield from (Point("adaptive", load, setting.model, threshold=t, config=setting.config) for t in THRESHOLDS)


def _front(rows: list[dict]) -> list[tuple[float, float]]:
    """Points (p99, training) that no other betters in both, by p99."""
    best, out = -1.0, []
    for p99, training in sorted((r["p99"], r["training"]) for r in rows if r["p99"] is not None):
        if training > best:
            best = training
            out.append((p99, training))
    return out


def _at(front: list[tuple[float, float]], p99: float) -> float | None:
    """Most training at a p99, linear between points; None below the first."""
    return float(np.interp(p99, *zip(*front, strict=True))) if front and p99 >= front[0][0] else None


def e5(setting: Setting, found: Found, out: Path) -> list[Path]:
    """`slack` against `adaptive` and `priority` at equal p99."""
    rows = [
        {
            "load": p.load,
            "line": _line(p),
            "limit": p.limit or None,
            "timeout": r.timeout,
            "threshold": p.threshold if p.threshold >= 0 else None,
            "p50": r.p50,
            "p99": r.p99,
            "p99_low": r.p99_low,
            "p99_high": r.p99_high,
            "training": by_rows(p, r),
            "rows_a_batch": r.rows,
        }
        for p in of_slack(setting)
        if p in found
        for r in [found[p][0]]
    ]
    loads = list(dict.fromkeys(r["load"] for r in rows))
    figure = Figure([f"load {load:g}" for load in loads], "p99, cycles", ["training, of the dedicated"] * len(loads))
    equal = []
    for where, load in enumerate(loads):
        fronts = {}
        for line in dict.fromkeys(r["line"] for r in rows):
            mine = sorted(
                (r for r in rows if r["load"] == load and r["line"] == line and r["p99"]), key=lambda r: r["p99"]
            )
            figure.line(where, line, [r["p99"] for r in mine], [r["training"] for r in mine])
            fronts[line] = _front(mine)
        adaptive = _front([r for r in rows if r["load"] == load and r["line"].startswith("adaptive")])
        for r in rows:
            if r["load"] == load and r["line"] == "slack" and r["p99"]:
                a, b = _at(adaptive, r["p99"]), _at(fronts["priority"], r["p99"])
                equal.append(
                    {
                        "load": load,
                        "limit": r["limit"],
                        "p99": r["p99"],
                        "slack": r["training"],
                        "adaptive": a,
                        "priority": b,
                        "slack_over_adaptive": r["training"] / a if a else None,
                        "slack_over_priority": r["training"] / b if b else None,
                    }
                )
    return [table(out / "e5_points.csv", rows), table(out / "e5_equal_p99.csv", equal), *figure.save(out / "e5_slack")]


def _line(p: Point) -> str:
    return (
        "adaptive, by threshold"
        if p.policy == "adaptive" and not p.timeout
        else "adaptive, by timeout"
        if p.policy == "adaptive"
        else p.policy
    )


def of_scale(setting: Setting) -> Iterable[Point]:
    """E6: `priority` on cores of three sizes; on `default`, training tiles of fewer rows."""
    for load in SCALE_LOADS if setting.model else ():
        for config in SCALES:
            yield from (Point(line, load, setting.model, config=config) for line in (OFF, "priority"))
        yield from (Point("priority", load, setting.model, train_rows=rows) for rows in (8, 32))


def e6(setting: Setting, found: Found, out: Path) -> list[Path]:
    """Inflation under `priority` by size of the core."""
    rows = []
    for p in of_scale(setting):
        if p in found and p.policy != OFF:
            r, off = found[p][0], found[replace(p, policy=OFF, train_rows=-1)][0]
            rows.append(
                {
                    "config": p.config,
                    "train_rows": p.train_rows if p.train_rows >= 0 else "all",
                    "load": p.load,
                    "unloaded": r.unloaded,
                    "p99_off": off.p99,
                    "p99_on": r.p99,
                    "p99_low": r.p99_low,
                    "p99_high": r.p99_high,
                    "later": r.p99 - off.p99 if r.p99 and off.p99 else None,
                    "inflation": r.p99 / off.p99 - 1 if r.p99 and off.p99 else None,
                    "held_a_batch": r.held,
                    "held_of_unloaded": r.held / r.unloaded,
                    "training": r.fraction,
                }
            )
    figure = Figure(["p99 inflation, `priority`"], "load", ["share"])
    for config, cut in dict.fromkeys((r["config"], r["train_rows"]) for r in rows):
        mine = [r for r in rows if r["config"] == config and r["train_rows"] == cut]
        figure.line(0, f"{config}, {cut} rows a tile", [r["load"] for r in mine], [r["inflation"] for r in mine])
    return [table(out / "e6_scale.csv", rows), *figure.save(out / "e6_scale")]


EXPERIMENTS: dict[str, tuple[Callable[[Setting], Iterable[Point]], Callable[[Setting, Found, Path], list[Path]]]] = {
    "e1": (of_load, e1),
    "e3": (of_load, e3),
    "e5": (of_slack, e5),
    "e2": (of_batching, e2),
    "e4": (of_interference, e4),
    "e6": (of_scale, e6),
}
"""Name → its points, and what writes its tables and plots; in order of running."""
