"""Random programs on the cores of the covering table (:mod:`equinox_core.hw.pairwise`).

Each core runs cases with services and training, exact in bits and cycles. Its configuration is a file below
``build/cores``, named by a hash of what it says, so that it can be given to ``make random CONFIG=`` as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import tomli_w

from verif.lib.keep import write_whole
from verif.lib.toolchain import BUILD, ROOT
from verif.random.knobs import Knobs

DRAM = {"LATENCY": 40, "GAP": 0, "BYTES": 1 << 24}
KNOBS = Knobs(
    services=(1, 3), service_ops=(1, 12), training_ops=(1, 30), requests=(2, 16), iters=(1, 3), changes=(0, 2), stalls=0
)

FOLDER = BUILD / "cores"


def is_of_table(config: str) -> bool:
    """Whether a configuration is one of :func:`config_of`."""
    return Path(config).parent == FOLDER.relative_to(ROOT)


def config_of(core: Mapping[str, int]) -> str:
    """Path, from the checkout's root on, of a configuration file with these parameters of the core."""
    text = tomli_w.dumps({"core": dict(core), "dram": DRAM})
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    path = FOLDER / f"n{core['N']}m{core['M']}w{core['W']}-{digest}.toml"
    if not path.exists():
        write_whole(path, text)
    return str(path.relative_to(ROOT))
