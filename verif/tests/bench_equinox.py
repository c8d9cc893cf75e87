"""cocotb's entry: the chip-level tests."""
import pyuvm

from verif.tests.replay import EquinoxReplay


@pyuvm.test()
class equinox_replay_test(EquinoxReplay):
    """What `make sim` runs."""
