"""`python -m equinox_core`: the command `equinox-core`."""

import sys

from equinox_core.command import main

sys.exit(main())
