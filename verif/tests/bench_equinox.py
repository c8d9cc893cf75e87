"""cocotb's entry: the chip-level tests. Each is one run of a scenario (``scripts/sim.py --test``)."""

import pyuvm

from verif.tests.checkers import Checkers, Silent
from verif.tests.corners import Corners
from verif.tests.drain_restart import DrainRestart
from verif.tests.error_space import ErrorSpace
from verif.tests.faults.dram import AxiErrors, DramTimeout, Stalls
from verif.tests.faults.illegal import Illegal
from verif.tests.faults.misled import Misled
from verif.tests.faults.queues import QueueOverflow, RemovedService
from verif.tests.faults.registers import CsrAbuse, Reprogram
from verif.tests.faults.reset_anywhere import ResetAnywhere
from verif.tests.faults.stress import StressAll
from verif.tests.isa import IsaServiceTest, IsaTourTest
from verif.tests.kills import Kills
from verif.tests.late import LateAfterKill, LateResponse, LateState, SlowDram
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
class equinox_corners_test(Corners):
    """Settings and commands at the ends of their ranges."""


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
class equinox_kills_test(Kills):
    """Contexts killed at random times."""


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
class equinox_late_after_kill_test(LateAfterKill):
    """Must fail: a response comes a cycle late, behind a kill."""


@pyuvm.test()
class equinox_late_state_test(LateState):
    """Must fail: a context's state changes a cycle late."""


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
class equinox_isa_service_test(IsaServiceTest):
    """A service that uses every operand."""


@pyuvm.test()
class equinox_operating_test(OperatingSpace):
    """Policies, loads, phases of training, stalls: the operating space of its covergroup."""


@pyuvm.test()
class equinox_error_space_test(ErrorSpace):
    """Every cause of an error in every unit and kind of context."""


@pyuvm.test()
class equinox_axi_errors_test(AxiErrors):
    """Error responses of the DRAM at random beats."""


@pyuvm.test()
class equinox_dram_timeout_test(DramTimeout):
    """A DRAM that does not answer."""


@pyuvm.test()
class equinox_stalls_test(Stalls):
    """Random stalls on every channel."""


@pyuvm.test()
class equinox_illegal_test(Illegal):
    """Illegal instructions of every class."""


@pyuvm.test()
class equinox_queue_overflow_test(QueueOverflow):
    """Full queues and oversize requests."""


@pyuvm.test()
class equinox_removed_service_test(RemovedService):
    """A service removed while requests for it wait."""


@pyuvm.test()
class equinox_csr_abuse_test(CsrAbuse):
    """The control bus misused."""


@pyuvm.test()
class equinox_reprogram_test(Reprogram):
    """Programs, services and settings changed under traffic."""


@pyuvm.test()
class equinox_reset_test(ResetAnywhere):
    """Reset in the middle of everything."""


@pyuvm.test()
class equinox_stress_all_with_rand_reset_test(StressAll):
    """A random mix of all faults."""


@pyuvm.test()
class equinox_fault_checks_test(Misled):
    """The checks of faults must report what is not as they expect."""
