"""What the agents know of the run: one object, in pyuvm's ConfigDB, set before the first agent is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from pyuvm import ConfigDB, uvm_component

from equinox_core.config import Config
from verif.agents.reset_control import ResetControl

_KEY = "CONFIG"


@dataclass(slots=True)
class AgentConfig:
    """Base of :class:`verif.env.config.EnvConfig`; a bench with agents alone uses it as it is."""

    dut: Any
    """The HDL top, cocotb's handle. Every agent reads it."""
    core: Config | None = None
    """Sizes of the core: lanes a line (monitors of the streams), contexts (unit monitor)."""
    probe: Any = None
    """The core's probe (``verif/tb/core_probe.sv``). Monitors of units, training and register writes, hang watch."""
    watch_units: bool = False
    """Report the completion of every instruction; read by the unit monitor. It costs simulation time."""
    resets: ResetControl | None = None
    """What cuts the drivers off; read by the drivers of ``resettable.py``, which need it."""

    def publish(self) -> None:
        """Put it where every component finds it."""
        ConfigDB().set(None, "*", _KEY, self)

    @classmethod
    def of(cls, component: uvm_component) -> Self:
        """The object that was published.

        Raises:
            TypeError: it is of another class.
        """
        found = ConfigDB().get(component, "", _KEY)
        if not isinstance(found, cls):
            raise TypeError(
                f"{component.get_full_name()}: the ConfigDB has a {type(found).__name__}, not {cls.__name__}"
            )
        return found
