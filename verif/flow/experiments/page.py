"""Tables of docs/experiments.md, made from the CSV files of a sweep; `make experiments-docs` puts them and the plots in
their places."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from verif.flow.experiments.point import LINES
from verif.flow.pages import filled, markdown
from verif.lib.keep import write_whole

Row = Mapping[str, str]
FIGURES = ("e1_load", "e1_jobs", "e2_batching", "e3_reclaimed", "e5_slack", "e6_scale")


def _cycles(text: str) -> str:
    return f"{float(text):,.0f}" if text else "saturated"


def _share(text: str, digits: int = 3) -> str:
    return f"{float(text):.{digits}f}" if text else ""


def _percent(text: str, saturated: str = "saturated") -> str:
    return f"{100 * float(text):+.1f} %" if text else saturated


def _over(text: str) -> str:
    return _percent(str(float(text) - 1)) if text else ""


def _line(name: str) -> str:
    return name if name == "software" else f"`{name}`"


def _grid(
    rows: Sequence[Row],
    lines: Sequence[str],
    cells: Callable[[Row], Sequence[str]],
    last: Callable[[Row], Sequence[str]] = lambda _: (),
) -> list[list[str]]:
    """A row a load: the cells of every line, and what ``last`` gives of `priority`."""
    at = {(r["policy"], float(r["load"])): r for r in rows}
    return [
        [f"{load:g}", *(cell for line in lines for cell in cells(at[line, load])), *last(at["priority", load])]
        for load in sorted({load for _, load in at})
    ]


def _main(rows: Sequence[Row]) -> list[Row]:
    most = max(int(r["requests"]) for r in rows if r["engine"] == "model")
    return [
        r
        for r in rows
        if r["engine"] == "model" and r["job"] == "digits" and r["trace"] == "poisson" and int(r["requests"]) == most
    ]


def _e1(rows: Sequence[Row]) -> dict[str, str]:
    main, others = _main(rows), [r for r in rows if r["engine"] == "model" and r["job"] != "digits"]
    bursty = [r for r in rows if r["engine"] == "model" and r["trace"] != "poisson"]
    jobs = {(r["job"], float(r["load"])): r for r in others}
    bounds = ("training_of_dedicated", "bound", "bound_alone")
    return {
        "e1_p99": markdown(["load", *map(_line, LINES)], _grid(main, LINES, lambda r: [_cycles(r["p99"])])),
        "e1_training": markdown(
            ["load", *map(_line, LINES[1:]), "bound, κ", "bound, κ'"],
            _grid(
                main,
                LINES[1:],
                lambda r: [_share(r["training_of_dedicated"])],
                lambda r: [_share(r["bound"]), _share(r["bound_alone"])],
            ),
        ),
        "e1_jobs": markdown(
            ["load", "wide", "bound, κ", "bound, κ'", "over dedicated × left", "wide_slow", "bound, κ", "bound, κ'"],
            (
                [
                    f"{load:g}",
                    *(_share(jobs["wide", load][k]) for k in (*bounds, "of_dedicated_x_left")),
                    *(_share(jobs["wide_slow", load][k]) for k in bounds),
                ]
                for load in sorted({load for _, load in jobs})
            ),
        ),
        "e1_bursty": markdown(
            ["", "p50", "p99", "95 % interval", "training of dedicated"],
            (
                [
                    _line(r["policy"]),
                    _cycles(r["p50"]),
                    _cycles(r["p99"]),
                    f"{_cycles(r['p99_low'])} to {_cycles(r['p99_high'])}" if r["p99"] else "",
                    _share(r["training_of_dedicated"]),
                ]
                for r in bursty
            ),
        ),
        "e3": markdown(
            ["load", *(f"{line}: {what}" for line in LINES[1:] for what in ("reclaimed", "p99"))],
            _grid(main, LINES[1:], lambda r: [_share(r["reclaimed"]), _percent(r["p99_inflation"])]),
        ),
    }


def _e2(rows: Sequence[Row]) -> dict[str, str]:
    loads, names = (list(dict.fromkeys(r[k] for r in rows)) for k in ("load", "batching"))
    at = {(r["batching"], r["load"]): r for r in rows}

    def grid(cell: Callable[[Row], str]) -> str:
        return markdown(
            ["batching", *(f"load {load}" for load in loads)],
            ([name, *(cell(at[name, load]) for load in loads)] for name in names),
        )

    return {
        "e2": grid(lambda r: f"{_cycles(r['p99'])} / {_share(r['training_of_dedicated'])}"),
        "e2_inflation": grid(lambda r: _percent(r["p99_inflation"])),
    }


def _e4(rows: Sequence[Row]) -> dict[str, str]:
    return {
        "e4": markdown(
            [
                "policy",
                "load",
                "identical",
                "mean",
                "1 %",
                "median",
                "99 %",
                "latest",
                "share later",
                "bound B",
                "beyond",
            ],
            (
                [
                    _line(r["policy"]),
                    r["load"],
                    r["identical"],
                    *(_cycles(r[k]) for k in ("mean", "later_p1", "later_p50", "later_p99", "later_max")),
                    _share(r["share_later"], 2),
                    r["bound"],
                    r["beyond"],
                ]
                for r in rows
            ),
        )
    }


def _e5(rows: Sequence[Row]) -> dict[str, str]:
    return {
        "e5": markdown(
            ["load", "limit", "p99", "slack", "adaptive", "priority", "slack over adaptive", "slack over priority"],
            (
                [
                    r["load"],
                    r["limit"],
                    _cycles(r["p99"]),
                    _share(r["slack"]),
                    _share(r["adaptive"]) or "not reached",
                    _share(r["priority"]) or "not reached",
                    _over(r["slack_over_adaptive"]),
                    _over(r["slack_over_priority"]),
                ]
                for r in rows
            ),
        )
    }


def _e6(rows: Sequence[Row]) -> dict[str, str]:
    return {
        "e6": markdown(
            [
                "core",
                "rows a training tile",
                "load",
                "unloaded",
                "p99 off",
                "p99 on",
                "inflation",
                "held a batch",
                "held of unloaded",
                "training",
            ],
            (
                [
                    r["config"],
                    r["train_rows"],
                    r["load"],
                    *(_cycles(r[k]) for k in ("unloaded", "p99_off", "p99_on")),
                    _percent(r["inflation"]),
                    _cycles(r["held_a_batch"]),
                    f"{100 * float(r['held_of_unloaded']):.1f} %",
                    _share(r["training"]),
                ]
                for r in rows
            ),
        )
    }


def _rtl(rows: Sequence[Row]) -> dict[str, str]:
    return {
        "rtl": markdown(
            ["policy", "load", "RTL p50", "model p50", "RTL p99", "model p99", "RTL training", "model training"],
            (
                [
                    _line(r["policy"]),
                    r["load"],
                    *(_cycles(r[k]) for k in ("rtl_p50", "model_p50", "rtl_p99", "model_p99")),
                    _share(r["rtl_training"]),
                    _share(r["model_training"]),
                ]
                for r in rows
            ),
        )
    }


_FILES: dict[str, Callable[[Sequence[Row]], dict[str, str]]] = {
    "e1_load": _e1,
    "e2_batching": _e2,
    "e4_interference": _e4,
    "e5_equal_p99": _e5,
    "e6_scale": _e6,
    "e1_rtl_and_model": _rtl,
}


def tables(folder: Path) -> dict[str, str]:
    """All tables, by name, of a sweep's folder.

    Raises:
        ValueError: a CSV file is absent: that experiment has not run.
    """
    found: dict[str, str] = {}
    for name, make in _FILES.items():
        path = folder / f"{name}.csv"
        if not path.exists():
            raise ValueError(f"{path} is not there: `make experiments` without ENGINE= and ONLY= writes it")
        with open(path, encoding="utf-8") as file:
            found |= make(list(csv.DictReader(file)))
    return found


def update(page: Path, folder: Path) -> list[Path]:
    """Bring a page and the plots in ``figures`` beside it up to a sweep's results; returns the files written."""
    write_whole(page, filled(page.read_text(encoding="utf-8"), tables(folder), str(page)))
    out = [page]
    for name in FIGURES:
        target = page.parent / "figures" / f"{name}.png"
        part = target.with_name(f".{target.name}")
        shutil.copy(folder / target.name, part)
        out.append(part.replace(target))
    return out
