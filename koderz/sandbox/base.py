"""What every sandbox offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from koderz.errors import SandboxUnavailableError
from koderz.sandbox.programs import Limits, Program
from koderz.sandbox.verdicts import CaseOutputs, Verdict

DEFAULT_LIMITS = Limits()


class Sandbox(Protocol):
    """Runs untrusted programs; any number of tasks may ask at once."""

    async def judge(self, program: Program, limits: Limits = DEFAULT_LIMITS) -> Verdict:
        """The verdict on a program; SandboxUnavailableError where the sandbox itself fails."""
        ...

    async def run_cases(
        self,
        source: str,
        entry_point: str,
        inputs: bytes,
        limits: Limits = DEFAULT_LIMITS,
        *,
        use_arrays: bool = False,
        whole: Sequence[int] | None = None,
    ) -> CaseOutputs:
        """What a trusted program, a reference solution, gives for inputs; sandboxed as well.

        Where `whole` is given, long outputs come as digests, save those of the cases (counted
        from 0) in it.
        """
        ...


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """One layer of protection on this machine: `reason` says why it is off, `missing` what then."""

    name: str
    is_on: bool
    reason: str = ""
    missing: str = ""


_MISSING = {
    "namespaces": "a program sees the processes and files of this user, kept from them by landlock"
    " alone; its temporary folder is on disk. Allow unprivileged user namespaces"
    " (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0).",
    "landlock": "files are kept apart by namespaces alone. Linux 5.13 or newer has landlock"
    " (boot with lsm=landlock,...).",
    "seccomp": "a program may start processes and open sockets, within its namespaces."
    " Filters are there for x86_64 and aarch64.",
}


def build_layers(reasons: Sequence[str]) -> tuple[Layer, ...]:
    """The layers, given why each is off (empty: it is on), as a server reports them."""
    always = Layer(name="limits", is_on=True)
    layers = [
        Layer(name=name, is_on=not reason, reason=reason, missing=missing if reason else "")
        for (name, missing), reason in zip(_MISSING.items(), reasons, strict=True)
    ]
    return (*layers, always)


def check_layers(layers: Sequence[Layer]) -> None:
    """Refuse untrusted code where it cannot be isolated; SandboxUnavailableError says so."""
    on = {layer.name for layer in layers if layer.is_on}
    if "namespaces" in on or {"landlock", "seccomp"} <= on:
        return
    off = "; ".join(f"{layer.name}: {layer.reason}" for layer in layers if not layer.is_on)
    raise SandboxUnavailableError(
        f"this machine cannot isolate untrusted code ({off}): allow unprivileged user namespaces"
        " (see `koderz doctor`), or use --sandbox docker, or --sandbox none to run it unprotected"
    )
