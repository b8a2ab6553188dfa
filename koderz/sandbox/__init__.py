"""Running untrusted code, with verdicts that the code under test cannot forge."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from koderz.sandbox.base import Layer, Sandbox
    from koderz.sandbox.opening import open_sandbox, probe_layers
    from koderz.sandbox.programs import (
        CallTests,
        CaseTests,
        Limits,
        Program,
        Reference,
        SharedTests,
    )
    from koderz.sandbox.values import decode_values, encode_values
    from koderz.sandbox.verdicts import CaseOutputs, FailedCase, Isolation, Status, Verdict

_HOMES = {
    "base": ("Layer", "Sandbox"),
    "opening": ("open_sandbox", "probe_layers"),
    "programs": ("CallTests", "CaseTests", "Limits", "Program", "Reference", "SharedTests"),
    "values": ("decode_values", "encode_values"),
    "verdicts": ("CaseOutputs", "FailedCase", "Isolation", "Status", "Verdict"),
}

__all__ = [
    "CallTests",
    "CaseOutputs",
    "CaseTests",
    "FailedCase",
    "Isolation",
    "Layer",
    "Limits",
    "Program",
    "Reference",
    "Sandbox",
    "SharedTests",
    "Status",
    "Verdict",
    "decode_values",
    "encode_values",
    "open_sandbox",
    "probe_layers",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
