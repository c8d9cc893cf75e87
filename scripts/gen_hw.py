#!/usr/bin/env python3
"""Generate everything that is copied from equinox_core/hw; ``--check`` fails when a copy is out of date.

Copies: the packages eqx_pkg and eqx_conv_pkg, the elaboration checks, the enumerations in the register description,
tables of the docs.
"""

import re
import sys
from pathlib import Path

from equinox_core.config import load_config
from equinox_core.hw import markdown
from equinox_core.hw import systemverilog as sv
from verif.lib.generated import parser, update
from verif.lib.style import formatted
from verif.lib.toolchain import ROOT

RDL = ROOT / "rtl/csr/eqx_csr.rdl"
_ENUMS = re.compile(r"(    // hw:enums[^\n]*\n).*?(    // hw:end\n)", re.S)


def generate() -> dict[Path, str]:
    """Every file that is, or holds, a copy."""
    out = {
        ROOT / "rtl/common/eqx_pkg.sv": formatted(sv.package(load_config("default").params())),
        ROOT / "rtl/common/eqx_cfg_check.sv": formatted(sv.cfg_check()),
        ROOT / "rtl/common/eqx_param_check.sv": formatted(sv.param_check()),
        ROOT / "rtl/converter/eqx_conv_pkg.sv": formatted(sv.struct_package("eqx_conv_pkg")),
    }
    registers, places = _ENUMS.subn(lambda found: found[1] + sv.rdl_enums() + found[2], RDL.read_text(encoding="utf-8"))
    if places != 1:
        raise ValueError(f"{RDL.relative_to(ROOT)}: {places} places `// hw:enums` ... `// hw:end`: legal is 1")
    out[RDL] = registers
    for page in sorted((ROOT / "docs").glob("*.md")):
        out[page] = markdown.filled(page.read_text(encoding="utf-8"), f"docs/{page.name}")
    return out


def main() -> int:
    """Entry point."""
    check = parser(__doc__).parse_args().check
    try:
        files = generate()
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return update(files, __file__, check=check)


if __name__ == "__main__":
    sys.exit(main())
