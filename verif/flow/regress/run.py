"""A regression from its options to its report."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from equinox_core.cli import make_call
from verif.flow.campaign.executor import check, default_jobs, executor
from verif.flow.collect import ROOT, Test, collect
from verif.flow.regress import page, plan_section, sections, waves
from verif.flow.regress.groups import group
from verif.flow.regress.jobs import MOST_ROOT, FilterError, Filters, Job, expand
from verif.flow.regress.regression import Regression
from verif.flow.regress.results import Store
from verif.flow.regress.runner import Runner
from verif.flow.regress.tiers import FILE, Tier, load
from verif.lib import lock
from verif.lib.toolchain import BUILD

OUT = BUILD / "regress"
MOST_JOBS = 1024


@dataclass(frozen=True)
class Options:
    """What to run and how.

    ``root`` and ``tests`` (files or folders) say where the tests are; ``sources``: see :class:`Store`.
    """

    tier: str = "smoke"
    filters: Filters = field(default_factory=Filters)
    seed: int = 1
    jobs: int = field(default_factory=default_jobs)
    cluster: str = ""
    name: str = ""
    coverage: bool = True
    fresh: bool = False
    tiers: Path = FILE
    out: Path = OUT
    root: Path = ROOT
    tests: tuple[str, ...] = ()
    sources: str | None = None

    def check(self) -> Options:
        """Return self; raises FilterError for a value that is not legal."""
        for name, value, low, most in (
            ("SEED", self.seed, 0, MOST_ROOT),
            ("SEEDS", self.filters.seeds, 0, 10_000),
            ("JOBS", self.jobs, 1, MOST_JOBS),
        ):
            if not low <= value <= most:
                raise FilterError(
                    f"{name}={value}: legal is a whole number, {max(low, 1) if name == 'SEEDS' else low}..{most}"
                )
        if self.name and not re.fullmatch(r"[\w.+-]+", self.name) or self.name.startswith("."):
            raise FilterError(f"NAME={self.name}: legal are letters, digits and . _ + -, not beginning with a dot")
        return self

    @property
    def command(self) -> str:
        """The line that repeats it."""
        chosen = self.filters
        knobs = {
            "TIER": self.tier,
            "BLOCK": chosen.blocks,
            "TEST": chosen.test,
            "TAG": chosen.tags,
            "SEEDS": chosen.seeds,
        }
        given = {name: value for name, value in knobs.items() if value} | ({} if self.coverage else {"COVERAGE": 0})
        return make_call("regress", **given, SEED=self.seed)


def plan(options: Options) -> tuple[Tier, list[Job], list[Test]]:
    """The tier, the jobs that options choose of it, and all tests. Raises TierError, FilterError, CollectError."""
    tiers = load(options.tiers)
    if options.tier not in tiers:
        raise FilterError(f"TIER={options.tier}: legal are {', '.join(tiers)}")
    tests = collect(options.tests, options.root)
    tier = tiers[options.tier]
    return tier, expand(tier, tests, options.filters, options.seed), tests


def regress(options: Options, say: Callable[[str], None]) -> Regression:
    """Run a regression and write its report; what an earlier call with the same sources has finished is not run again.

    Raises:
        TierError, FilterError, CollectError, ClusterError, PlanError, GateError, ExclusionError: bad input; nothing was
        run. Busy, StoreError: another regression runs in its folder, or left results of another version there.
    """
    check(options.check().cluster)
    tier, jobs, tests = plan(options)
    if options.root == ROOT:
        sections.read()
    folder = options.out / (options.name or options.tier)
    with lock.hold(folder):
        return _regress(options, folder, tier, jobs, tests, say)


def _regress(
    options: Options, folder: Path, tier: Tier, jobs: list[Job], tests: list[Test], say: Callable[[str], None]
) -> Regression:
    store = Store(folder, coverage=options.coverage, sources=options.sources)
    if options.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    store.kind().prepare()
    if gone := store.prune(jobs):
        say(f"{gone} results of other sources are dropped")
    env = {"COVERAGE": str(int(options.coverage))}
    say(
        f"{tier.name}: {len(jobs)} jobs of {len({job.test for job in jobs})} tests, "
        f"{options.cluster or f'{options.jobs} at a time'}, in {folder}"
    )
    began = time.monotonic()
    with executor(options.cluster, options.jobs) as pool:
        runner = Runner(store, pool, say, options.root, env, options.out)
        known = sum(runner.kept(job) for job in jobs)
        found = runner.run(jobs)
        groups = group(found.values())
        waves.rerun(groups, runner)
    regression = Regression(
        options.name or options.tier,
        store,
        jobs,
        found,
        options.command,
        _settings(tier, options),
        env,
        groups,
        wall=time.monotonic() - began,
        fresh=len(jobs) - known,
        gated=tier.gates and options.filters == Filters(seeds=options.filters.seeds),
    )
    html: list[str] = []
    if options.root == ROOT:
        html = sections.build(regression, tests, say)
        html = [*plan_section.build(regression, tests), *html]  # the plan's figures come from the merged coverage
    regression.write()
    page.write(regression, *html)
    return regression


def _settings(tier: Tier, options: Options) -> dict[str, str]:
    goal = f", meant to take at most {tier.minutes} min on two cores" if tier.minutes else ""
    where = options.cluster or f"this machine, {options.jobs} at a time ({os.cpu_count()} cores)"
    return {
        "tier": tier.name + goal,
        "seed": str(options.seed),
        "where": where,
        "coverage": "line, branch, expression, covergroups" if options.coverage else "off",
    }
