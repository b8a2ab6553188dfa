"""A server that stands in for every provider, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from koderz.lazy import build_getattr

if TYPE_CHECKING:
    from koderz.simulator.faults import Fault, parse_fault
    from koderz.simulator.server import open_simulator
    from koderz.simulator.simulator import Exchange, Simulator

__all__ = ["Exchange", "Fault", "Simulator", "open_simulator", "parse_fault"]

_HOMES = {
    "Exchange": "simulator",
    "Fault": "faults",
    "Simulator": "simulator",
    "open_simulator": "server",
    "parse_fault": "faults",
}

__getattr__ = build_getattr(__name__, _HOMES)
