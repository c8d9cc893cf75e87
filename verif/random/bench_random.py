"""cocotb's entry: one test for each run folder in EQX_RUN_DIRS, one after another in one simulation,
until one fails.
"""

import os

import pyuvm

from verif.tests.random_program import RandomProgramTest

for _number in range(len(os.environ["EQX_RUN_DIRS"].split(os.pathsep))):
    _name = f"equinox_random_program_test_{_number}"
    globals()[_name] = type(_name, (RandomProgramTest,), {"number": _number, "__module__": __name__})
    pyuvm.test()(globals()[_name])
