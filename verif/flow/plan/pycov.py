"""Line coverage of Python modules, by coverage.py, in every pytest process that runs with COVERAGE=1.

What numba compiles is not seen (``models/equinox_core/timing``): there the plan names covergroups and cases instead.
Nor are programs that a test starts as commands.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coverage import Coverage, CoverageData
from coverage.exceptions import CoverageException
from coverage.python import PythonParser

from verif.lib.coverage import CoverageError
from verif.lib.toolchain import ROOT

SUFFIX = ".pycov"


@contextmanager
def recording(folder: Path) -> Iterator[None]:
    """Record the lines of models/ and verif/ that this process executes into a new file of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"python-{os.getpid()}.part"
    recorder = Coverage(
        data_file=str(part), config_file=False, source=[str(ROOT / "models"), str(ROOT / "verif")], messages=False
    )
    recorder.start()
    try:
        yield
    finally:
        recorder.stop()
        recorder.save()
        if part.exists():
            os.replace(part, part.with_suffix(SUFFIX))


def executed(folder: Path, root: Path = ROOT) -> dict[str, set[int]]:
    """Lines executed in any recording of a folder, by path below the root.

    Raises:
        CoverageError: a file is damaged.
    """
    found: dict[str, set[int]] = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        data = CoverageData(basename=str(path))
        try:
            data.read()
            for name in data.measured_files():
                if Path(name).is_relative_to(root):
                    found.setdefault(str(Path(name).relative_to(root)), set()).update(data.lines(name) or ())
        except CoverageException as error:
            raise CoverageError(f"{path}: {' '.join(str(error).split())}") from None
        finally:
            data.close()
    return found


def statements(path: Path) -> set[int]:
    """First lines of a module's statements, docstrings and ``# pragma: no cover`` left out."""
    parser = PythonParser(
        text=path.read_text(encoding="utf-8"), filename=str(path), exclude=r"#\s*pragma: no cover|if TYPE_CHECKING:"
    )
    parser.parse_source()
    return set(parser.statements)
