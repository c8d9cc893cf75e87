"""cocotb's entry: the chip-level tests. Each is one run of a scenario (``scripts/sim.py --test``)."""
import pyuvm

from verif.tests.checkers import Checkers, Silent
from verif.tests.drain_restart import DrainRestart
from verif.tests.error_space import ErrorSpace
from verif.tests.isa import IsaTourTest
from verif.tests.late import LateResponse, SlowDram
from verif.tests.noninterference import NonInterference
from verif.tests.operating import OperatingSpace
from verif.tests.registers import Registers
from verif.tests.replay import EquinoxReplay
from verif.tests.request_errors import RequestErrors
from verif.tests.service_errors import ServiceErrors
from verif.tests.short import Short
from verif.tests.training_errors import TrainingErrors


@pyuvm.test()
class equinox_replay_test(EquinoxReplay):
    """What `make sim` runs."""


@pyuvm.test()
class equinox_request_errors_test(RequestErrors):
    """Requests that cannot be served."""


@pyuvm.test()
class equinox_training_errors_test(TrainingErrors):
    """Faults of the training context."""


@pyuvm.test()
class equinox_service_errors_test(ServiceErrors):
    """Faulty programs of services."""


@pyuvm.test()
class equinox_drain_restart_test(DrainRestart):
    """Training drained, restarted, killed."""


@pyuvm.test()
class equinox_noninterference_test(NonInterference):
    """Responses to compare between runs with and without training."""


@pyuvm.test()
class equinox_csr_test(Registers):
    """Registers and performance counters."""


@pyuvm.test()
class equinox_checkers_test(Checkers):
    """Planted faults that the scoreboards must report."""


@pyuvm.test()
class equinox_silent_test(Silent):
    """Must fail: nothing is compared."""


@pyuvm.test()
class equinox_late_response_test(LateResponse):
    """Must fail: a response comes a cycle late."""


@pyuvm.test()
class equinox_slow_dram_test(SlowDram):
    """Must fail: the DRAM is a cycle slower than it says."""


@pyuvm.test()
class equinox_short_test(Short):
    """The least in which every scoreboard compares something."""


@pyuvm.test()
class equinox_isa_test(IsaTourTest):
    """A random program of the whole instruction set."""


@pyuvm.test()
class equinox_operating_test(OperatingSpace):
    """Policies, loads, phases of training, stalls: the operating space of its covergroup."""


@pyuvm.test()
class equinox_error_space_test(ErrorSpace):
    """Every cause of an error in every unit and kind of context."""
