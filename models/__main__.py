"""`python -m models`: the command `equinox-core`."""

import sys

from models.command import main

sys.exit(main())
