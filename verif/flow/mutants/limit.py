"""Imported into a simulation beside the bench: bounds the processor time, which a busy machine does not change, unlike
the time on the clock.
"""

import atexit
import os
import resource
import time

SECONDS = "MUTANT_CPU_SECONDS"
SPENT = "processor seconds:"
"""How the line begins that a simulation leaves at its end."""

if SECONDS in os.environ:
    limit = int(os.environ[SECONDS])
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
    atexit.register(lambda: print(f"{SPENT} {time.process_time():.1f}", flush=True))
