"""Two regressions: equal ones are identical, and each kind of difference is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from verif.flow.regress.compare import CompareError, compare
from verif.flow.regress.tests.project import Project

TESTS = r"""
@pytest.mark.parametrize("n", [1, 2])
def test_it(n):
    out = pathlib.Path(os.environ["EQX_OUT"])
    (out / "cov").mkdir()
    (out / "runs" / "chip").mkdir(parents=True)
    seed = int(os.environ["SEED"])
    result = f'{{"cycles": {seed}, "wall_seconds": {time.time()}, "latency": [1, 2]}}'
    (out / "runs" / "chip" / "result.json").write_text(result)
    (out / "cov" / "a.json").write_text(f'{{"load_cg": {{"cp_load": {{"low": {seed % 7}}}}}}}')
    point = "\x01f\x02rtl/a.sv\x01l\x023\x01n\x021\x01t\x02line\x01page\x02v_line/a\x01o\x02block"
    (out / "cov" / "a.dat").write_text(f"# SystemC::Coverage-3\nC '{point}' {seed}\n")
    assert n == 1, f"cycle {seed}"
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same regression twice."""
    project = Project(tmp_path_factory.mktemp("compare"), TESTS, "small:\n  tests:\n    - match: '*'\n")
    one, two = (project.regress(name=name).store.folder for name in ("one", "two"))
    return one, two


def test_same_seeds_same_results(pair) -> None:
    """Also where wall times differ."""
    assert compare(*pair) == (2, [])


def _change(name: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = next(
            path
            for path in sorted((folder / "runs").rglob(name))
            if "[1]" in path.as_posix() or "-1-s" in path.as_posix()
        )
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    return edit


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            _change("chip/result.json", lambda text: text.replace("[1, 2]", "[1, 3]")),
            "figures: 1 of 2 values differ in runs/chip/result.json, first latency: [1, 2] and [1, 3]",
        ),
        (
            _change("a.json", lambda text: text.replace('"low": ', '"low": 9')),
            "covergroups: 1 of 1 values differ in cov/a.json, first load_cg.cp_load.low",
        ),
        (
            _change("a.dat", lambda text: text.replace("' ", "' 7")),
            "code coverage: 1 of 1 values differ in cov/a.dat, first rtl/a.sv:3",
        ),
        (
            _change(
                "result.json",
                lambda text: json.dumps({**json.loads(text), "status": "failed"}) if "status" in text else text,
            ),
            "passed and failed",
        ),
        (lambda folder: next(folder.rglob("cov/a.dat")).unlink(), "code coverage: cov/a.dat is missing in one"),
    ],
)
def test_a_difference_is_named(pair, tmp_path: Path, change: Callable[[Path], None], told: str) -> None:
    """One value of one job."""
    shutil.copytree(pair[1], tmp_path / "two")
    change(tmp_path / "two")
    count, lines = compare(pair[0], tmp_path / "two")
    assert count == 2 and len(lines) == 1 and told in lines[0], lines


def test_a_job_less(pair, tmp_path: Path) -> None:
    """A job that only one has; a folder with half a result; no folder."""
    two = tmp_path / "two"
    shutil.copytree(pair[1], two)
    gone = sorted((two / "runs").glob("*/"))[0]
    shutil.rmtree(gone)
    assert compare(pair[0], two) == (1, [f"{gone.name}: only in {pair[0]}"])
    next((two / "runs").glob("*/result.json")).write_text("{", encoding="utf-8")
    for folder in (two, tmp_path / "none"):
        with pytest.raises(CompareError, match="legal are the folders of finished regressions"):
            compare(pair[0], folder)
