"""A point of an experiment: what one run is asked to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from equinox_core.deploy.scenario import POLICIES, RANGES, ScenarioError

SOFTWARE = "software"
LINES = (
    *POLICIES,
    SOFTWARE,
)  # what is compared; `software`: whole training steps in quiet moments, started by the host
JOBS = ("digits", "wide", "wide_slow", "off")
ENGINES = ("model", "rtl")
STATIC = float("inf")  # timeout: a batch goes only when it is full


@dataclass(frozen=True)
class Point:
    """One run. Loads are fractions of the capacity with full batches.

    ``job``: ``digits`` (of `make sim`, MLP 64-128-10), ``wide`` (MLP 256-256-256-10, bound by computation),
    ``wide_slow`` (the same with DRAM at a fifth of the bandwidth, see :data:`verif.flow.experiments.jobs.SLOW_GAP`),
    ``off``. ``timeout`` (of batches) and ``limit`` (of p99, for `slack`) are in unloaded latencies of a full batch; 0
    means what `make sim` does. ``batch``: rows at most, 0: N. ``threshold`` of `adaptive` and ``train_rows``: -1 means
    what `make sim` does.
    """

    policy: str
    load: float
    requests: int
    engine: str = "model"
    job: str = "digits"
    config: str = "default"
    trace: str = "poisson"
    seed: int = 1
    timeout: float = 0.0
    limit: float = 0.0
    batch: int = 0
    threshold: int = -1
    train_rows: int = -1

    def check(self) -> Point:
        """Return self.

        Raises:
            ScenarioError: a field is not legal; the message names it.
        """
        for name, legal in (("policy", LINES), ("engine", ENGINES), ("job", JOBS)):
            if getattr(self, name) not in legal:
                raise ScenarioError(f"{name.upper()} = {getattr(self, name)!r}: legal are {', '.join(legal)}")
        for name in ("load", "requests", "seed"):
            low, high = RANGES[name]
            if not low <= getattr(self, name) <= high:
                raise ScenarioError(f"{name.upper()} = {getattr(self, name)!r}: legal is {low}..{high}")
        for name in ("timeout", "limit", "batch"):
            if getattr(self, name) < 0:
                raise ScenarioError(f"{name.upper()} = {getattr(self, name)!r}: legal is 0 or more")
        if self.engine == "rtl" and (
            self.job not in ("digits", "off")
            or self.timeout
            or self.limit
            or self.batch
            or self.threshold >= 0
            or self.train_rows >= 0
        ):
            raise ScenarioError("ENGINE = 'rtl': runs the job of `make sim` with its settings only")
        return self

    @property
    def core_policy(self) -> str:
        """What the core's POLICY register is set to."""
        return "priority" if self.policy == SOFTWARE else self.policy

    @property
    def name(self) -> str:
        """Short, unique among points."""
        default = Point(self.policy, self.load, self.requests)
        more = [
            f"{k}={v}"
            for k, v in asdict(self).items()
            if k not in ("policy", "load", "requests") and v != getattr(default, k)
        ]
        return "_".join([self.policy, f"{self.load:g}", str(self.requests), *more])
