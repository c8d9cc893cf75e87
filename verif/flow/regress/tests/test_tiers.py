"""Lists of tiers, filters, seeds: what is malformed is refused with file and line."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from verif.flow.collect import ROOT, CollectError, Run, Test, collect
from verif.flow.regress.jobs import FilterError, Filters, derive, expand
from verif.flow.regress.run import Options
from verif.flow.regress.tiers import FILE, MARKS, TierError, choose, load


def _test(name: str, block: str, *variants: str, nightly: tuple[str, ...] = (), tag: str = "") -> Test:
    stem, _, function = name.partition("::")
    file = f"verif/block/{block}/test_{stem}.py"
    cases = tuple(
        Run(
            f"{file}::{function}" + (f"[{v}]" if v else ""),
            frozenset({"nightly"} if v in nightly else ()),
            frozenset({tag} - {""}),
        )
        for v in variants or ("",)
    )
    return Test(name, file, 1, block, cases)


TESTS = [
    _test("dma::test_dma", "dma", "tiny", "default", "large", nightly=("large",)),
    _test("dma::test_faults", "dma", tag="faults"),
    _test("chip::test_replay", "chip", "tiny-fair", "tiny-slack", "default-fair"),
]
GOOD = """smoke:
  minutes: 10
  tests:
    - match: dma::*
      configs: [tiny]
      seeds: 2
    - blocks: [chip]
      variants: ["*-fair"]
      seeds: fixed
nightly:
  marks: [nightly]
  tests:
    - match: "*"
"""


def _load(tmp_path: Path, text: str):
    path = tmp_path / "tiers.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_choice(tmp_path: Path) -> None:
    """Configurations, variants, marks, seeds; the first entry that fits a run has it."""
    tiers = _load(tmp_path, GOOD)
    jobs = expand(tiers["smoke"], TESTS, Filters(), 1)
    assert [(job.run, job.index) for job in jobs] == [
        ("dma::test_dma[tiny]", 0),
        ("dma::test_faults", 0),
        ("chip::test_replay[tiny-fair]", 0),
        ("chip::test_replay[default-fair]", 0),
        ("dma::test_dma[tiny]", 1),
        ("dma::test_faults", 1),
    ]
    assert [job.seed == 0 for job in jobs] == [False, False, True, True, False, False]
    assert [job.config for job in jobs] == ["tiny", "", "tiny", "default", "tiny", ""]
    assert len(expand(tiers["nightly"], TESTS, Filters(), 1)) == 7
    fewer = _load(tmp_path, GOOD.replace("[tiny]", "[tiny]\n      except: dma::test_f*"))["smoke"]
    assert {job.test for job in expand(fewer, TESTS, Filters(), 1)} == {"dma::test_dma", "chip::test_replay"}
    assert len(choose(_load(tmp_path, GOOD.replace("[nightly]", "[]"))["nightly"], TESTS)) == 6


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("minutes: 10", "minutes: ten", "tiers.yaml:2: minutes = ten: legal is a whole number"),
        ("minutes: 10", "minutes: 0", "tiers.yaml:2: minutes = 0: legal is a whole number, 1.."),
        ("minutes: 10", "hours: 10", "tiers.yaml:2: smoke: unknown key hours; legal: minutes, gates, marks, tests"),
        ("minutes: 10", "gates: maybe", "tiers.yaml:2: gates: maybe: legal: true, false"),
        ("[tiny]", "[tiny, medium]", "tiers.yaml:5: configs: medium: legal: default, large, tiny"),
        ("[tiny]", "[large]\n      variants: [tiny]", "tiers.yaml:4: takes no run"),
        ("seeds: 2", "seeds: -2", "tiers.yaml:6: seeds = -2: legal is a whole number, 1..10000, or fixed"),
        ("seeds: 2", "seeds: [2]", "tiers.yaml:6: seeds = (a list): legal"),
        (
            "seeds: 2",
            "seed: 2",
            "tiers.yaml:6: smoke: an entry of tests: unknown key seed; legal: match, blocks, except",
        ),
        ("seeds: 2", "seeds: 2\n      seeds: 3", "tiers.yaml:7: seeds is there twice"),
        ("dma::*", "dna::*", "tiers.yaml:4: match: dna::* fits no test"),
        ("- match: dma::*\n      configs", "- configs", "tiers.yaml:4: smoke: an entry needs match or blocks"),
        ("[tiny]", "[tiny]\n      except: dma::test_x", "tiers.yaml:4: except: dma::test_x fits no test of the entry"),
        ("[chip]", "[chips]", "tiers.yaml:7: blocks: no test is of chips; legal: chip, dma"),
        ("*-fair", "*-unfair", "tiers.yaml:7: variants: *-unfair fits no run"),
        ("[chip]\n", "[dma]\n      configs: [tiny]\n", "tiers.yaml:7: variants: *-fair fits no run"),
        ('variants: ["*-fair"]', "match: {a: b}", "tiers.yaml:8: match: legal is a word or a list of words"),
        ("[nightly]", "[daily]", "tiers.yaml:11: marks: daily: legal: tools, nightly, soak"),
        ('    - match: "*"\n', "    []\n", "tiers.yaml:13: nightly: tests: legal is a list of entries"),
        ('  tests:\n    - match: "*"\n', "", "tiers.yaml:11: nightly: tests is missing"),
        (
            "seeds: fixed",
            "seeds: fixed\n    - blocks: [dma]\n      configs: [tiny]",
            "tiers.yaml:10: takes no run: its marks and configurations, or earlier",
        ),
        ("minutes: 10", "minutes: 10: 3", "tiers.yaml:2: not YAML"),
        (GOOD, "", "tiers.yaml:1: empty"),
        (GOOD, "- a", "tiers.yaml:1: the file: legal is a mapping"),
    ],
)
def test_malformed(tmp_path: Path, old: str, new: str, told: str) -> None:
    """One line with file and line."""
    with pytest.raises(TierError) as error:
        for tier in _load(tmp_path, GOOD.replace(old, new, 1)).values():
            choose(tier, TESTS)
    assert str(error.value).startswith(told) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (Filters(blocks="dma"), 4),
        (Filters(blocks="dma,chip"), 6),
        (Filters(test="replay"), 2),
        (Filters(test="dma::test_*[[]tiny]"), 2),
        (Filters(tags="faults"), 2),
        (Filters(seeds=5), 12),
        (Filters(blocks="chip", seeds=5), 2),
    ],
)
def test_filters(tmp_path: Path, filters: Filters, count: int) -> None:
    """By block, test, tag; a number of seeds holds for tests whose seed matters."""
    assert len(expand(_load(tmp_path, GOOD)["smoke"], TESTS, filters, 1)) == count


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        (Filters(blocks="dna"), "BLOCK=dna: legal: chip, dma"),
        (Filters(tags="x"), "TAG=x: legal: faults"),
        (Filters(test="nothing"), "TEST=nothing: fits no run of the tier smoke"),
        (Filters(blocks="chip", tags="faults"), "BLOCK=chip TAG=faults: fits no run"),
    ],
)
def test_bad_filters(tmp_path: Path, filters: Filters, told: str) -> None:
    """Names that are not there, filters that leave nothing."""
    with pytest.raises(FilterError) as error:
        expand(_load(tmp_path, GOOD)["smoke"], TESTS, filters, 1)
    assert str(error.value).startswith(told)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"seed": -1}, "SEED=-1: legal is a whole number, 0..2147483647"),
        ({"jobs": 0}, "JOBS=0: legal"),
        ({"filters": Filters(seeds=10**6)}, "SEEDS=1000000: legal"),
        ({"name": "../x"}, "NAME=../x: legal"),
    ],
)
def test_bad_options(values: dict, told: str) -> None:
    with pytest.raises(FilterError) as error:
        Options(**values).check()
    assert str(error.value).startswith(told)


def test_seeds_are_derived() -> None:
    """By root, run and index alone; a change of the list of tests changes no seed. The values are pinned: they
    reproduce old regressions.
    """
    assert [derive(1, "verif/x.py::test_a[tiny]", n) for n in (0, 1)] == [
        derive(1, "verif/x.py::test_a[tiny]", n) for n in (0, 1)
    ]
    assert derive(1, "verif/x.py::test_a[tiny]", 0) == PINNED
    seeds = {derive(root, run, n) for root in range(3) for run in ("a", "b", "c") for n in range(100)}
    assert len(seeds) == 900 and min(seeds) >= 1 and max(seeds) <= 2**30


PINNED = 130606981


def test_shipped_tiers() -> None:
    """The list of tiers fits the tests; every block has a run in the smoke tier, the tools tier has all that
    `make test` leaves to it, and the nightly tier has what these have; that it has all but what is marked is held by
    test_idle.
    """
    tests = collect()
    tiers = load(FILE)
    assert list(tiers) == ["smoke", "tools", "nightly", "soak"]
    chosen = {name: {run.node for _, run, _ in choose(tier, tests)} for name, tier in tiers.items()}
    assert {test.block for test in tests} == {test.block for test in tests if set(test.runs) & chosen["smoke"]}
    left = {run.node for test in tests for run in test.cases if run.marks & set(MARKS) == {"tools"}}
    assert left and left <= chosen["tools"]
    assert chosen["smoke"] | chosen["tools"] <= chosen["nightly"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--tier weekly", "TIER=weekly: legal are smoke, tools, nightly, soak"),
        ("--seeds 0", "--seeds 0: legal"),
        ("--cluster ibm", "CLUSTER=ibm: legal are the address"),
        ("--cluster tcp://host", "CLUSTER=tcp://host: legal are the address"),
        ("--cluster lsf", "CLUSTER=lsf: bsub is not installed"),
        ("--tiers nowhere.yaml", "nowhere.yaml: cannot be read"),
        ("--compare a b", "a: no results"),
    ],
)
def test_command_refuses(words: str, told: str, capsys: pytest.CaptureFixture) -> None:
    """One line, exit code 2."""
    spec = importlib.util.spec_from_file_location("regress_script", ROOT / "scripts" / "regress.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    try:
        code = script.main(words.split())
    except SystemExit as stopped:
        code = stopped.code
    out, err = capsys.readouterr()
    assert code == 2 and out == "" and err.count("\n") == 1 and err.startswith("error: ") and told in err, err


def test_collect_reports(tmp_path: Path) -> None:
    """A file that does not import; two tests with one id; no test."""

    def refuse(told: Callable[[str], bool]) -> None:
        with pytest.raises(CollectError) as error:
            collect((), tmp_path)
        assert told(str(error.value)) and "\n" not in str(error.value), error.value

    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\naddopts = "--import-mode=importlib"\n', encoding="utf-8"
    )
    refuse(lambda text: "there are none" in text or "no tests" in text)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for name in "ab":
        (tmp_path / name / "test_x.py").write_text("def test_y(): pass\n", encoding="utf-8")
    refuse(lambda text: text.startswith("b/test_x.py:1: test id x::test_y is that of a/test_x.py:1 too"))
    (tmp_path / "b" / "test_x.py").write_text("import nothing_like_this\n", encoding="utf-8")
    refuse(lambda text: "b/test_x.py: ModuleNotFoundError: No module named 'nothing_like_this'" in text)
