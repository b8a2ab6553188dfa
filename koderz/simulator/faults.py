"""Faults on request: what goes wrong, for which model, how often."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Literal, get_args

import msgspec

from koderz.errors import ConfigError
from koderz.simulator.recent import Recent

FaultKind = Literal[
    "rate_limit",
    "server_error",
    "overloaded",
    "cut_stream",
    "malformed_json",
    "silence",
    "slow",
    "misquote",
    "invalid",
    "empty",
    "refusal",
    "long",
]
KINDS: tuple[FaultKind, ...] = get_args(FaultKind)

ALWAYS = "always"
_FORM = "KIND[:MODEL[:TIMES]][,wait_s=SECONDS][,after=N]"
_MOST_HEADERS = 1_000


class Fault(msgspec.Struct, frozen=True):
    """One thing that goes wrong: `kind`, for models that match the pattern `model`.

    It happens `times` times (None: always), once `after` matching requests have passed unharmed.
    `wait_s` (seconds) is the Retry-After of `rate_limit` and `overloaded` (None: 1), the delay of
    a token for `slow` (None: 0.05) and how long `silence` lasts before the connection is closed
    (None: until the other side gives up). Raises ConfigError where a value makes no sense.
    """

    kind: FaultKind
    model: str = "*"
    times: int | None = 1
    after: int = 0
    wait_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse what could never happen."""
        _check_kind(self.kind)
        if self.times is not None and self.times < 1:
            raise ConfigError(f"a fault happens once at least, not {self.times} times", key="fault")
        if self.after < 0 or (self.wait_s is not None and self.wait_s < 0):
            raise ConfigError("`after` and `wait_s` of a fault are 0 or more", key="fault")

    def is_for(self, model: str) -> bool:
        """Whether a request to this model is meant."""
        return fnmatchcase(model, self.model)


def parse_fault(text: str, *, times: int | None = 1) -> Fault:
    """The fault that `KIND[:MODEL[:TIMES]][,wait_s=SECONDS][,after=N]` describes.

    A model may itself hold colons: only a last part that is a number or "always" counts as
    TIMES (`times=` says it beyond doubt). `times` applies where the text names none. Raises
    ConfigError.
    """
    head, *options = text.split(",")
    kind, _, rest = head.partition(":")
    values = {"kind": _check_kind(kind.strip())}
    model, _, last = rest.rpartition(":")
    if last.isdecimal() or last == ALWAYS:
        values |= {"model": model or "*", "times": last}
    else:
        values["model"] = rest or "*"
    values |= dict(_parse_option(text, option) for option in options)
    return _convert(text, values, times)


def parse_faults(texts: Iterable[str]) -> tuple[Fault, ...]:
    """The faults of several texts."""
    return tuple(parse_fault(text) for text in texts)


def _check_kind(kind: str) -> str:
    if kind not in KINDS:
        raise ConfigError(f"unknown fault {kind!r}: known are {', '.join(KINDS)}", key="fault")
    return kind


def _parse_option(text: str, option: str) -> tuple[str, str]:
    name, is_given, value = option.partition("=")
    if not is_given:
        raise ConfigError(f"cannot read {text!r}: write {_FORM}", key="fault")
    return name.strip(), value.strip()


def _convert(text: str, values: dict[str, str], times: int | None) -> Fault:
    unknown = values.keys() - set(Fault.__struct_fields__)
    if unknown:
        raise ConfigError(f"{unknown.pop()!r} is no part of a fault: write {_FORM}", key="fault")
    asked = values.pop("times", None)
    document: dict[str, object] = {**values, "times": times}
    if asked is not None:
        document["times"] = None if asked == ALWAYS else asked
    try:
        return msgspec.convert(document, Fault, strict=False)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, ConfigError):
            raise error.__cause__ from None
        raise ConfigError(f"cannot read {text!r} ({error}): write {_FORM}", key="fault") from None


class FaultPlan:
    """Hands out faults as they fall due, in the order in which they were given.

    A fault that waits behind another one that is due does not count the request, so that
    `rate_limit` and `misquote` for one model happen one after the other.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = tuple(faults)
        self._passed = [0] * len(self._faults)
        self._used = [0] * len(self._faults)

    def take(self, model: str) -> Fault | None:
        """The fault that this request meets, if any; it counts as having happened."""
        for index, fault in enumerate(self._faults):
            if not fault.is_for(model) or self._used[index] == fault.times:
                continue
            if self._passed[index] < fault.after:
                self._passed[index] += 1
                continue
            self._used[index] += 1
            return fault
        return None


class HeaderFaults:
    """Faults that requests bring along in a header.

    A header without TIMES applies to every request that carries it; with TIMES, to that many of
    the requests that carry the same text.
    """

    def __init__(self) -> None:
        self._plans: Recent[str, FaultPlan] = Recent(_MOST_HEADERS)

    def take(self, header: str, model: str) -> Fault | None:
        """The fault that this header asks for. Raises ConfigError."""
        plan = self._plans.get(header)
        if plan is None:
            plan = self._plans[header] = FaultPlan((parse_fault(header, times=None),))
        return plan.take(model)
