"""cocotb's entry for the tests of faults (named by ``verif/tests/bench_equinox.py``)."""
import pyuvm

from verif.tests.faults.dram import AxiErrors, DramTimeout, Stalls
from verif.tests.faults.illegal import Illegal
from verif.tests.faults.planted import Planted
from verif.tests.faults.queues import QueueOverflow, RemovedService
from verif.tests.faults.registers import CsrAbuse, Reprogram
from verif.tests.faults.reset_anywhere import ResetAnywhere
from verif.tests.faults.stress import StressAll


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
class equinox_fault_checks_test(Planted):
    """Planted faults that the checks of faults must report."""
