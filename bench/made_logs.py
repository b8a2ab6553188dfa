"""Logs made on the spot, each with one planted failure whose lines are known.

A kind of log is its noise, its decoys (lines that sound like trouble and are none), some failures
and an epilogue. In failures and epilogues `!` marks the lines that matter. Slots are filled at
random: {n} number, {s} small number, {f} decimal, {h} hex id, {u} uuid, {ip} address, {w} word,
{p} path, {t} time stamp, {m} milliseconds.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

SLOT = re.compile(r"\{(\w+)\}")


class Kind(msgspec.Struct, frozen=True):
    """What a kind of log is made of; failures and epilogue are blocks of lines."""

    name: str
    noise: tuple[str, ...]
    decoys: tuple[str, ...]
    failures: tuple[str, ...]
    epilogue: str


class Source(msgspec.Struct, frozen=True):
    """All kinds, and the words that fill their slots."""

    words: str
    kinds: tuple[Kind, ...]


SOURCE = msgspec.toml.decode(Path(__file__).with_suffix(".toml").read_bytes(), type=Source)
KINDS = SOURCE.kinds
WORDS = tuple(SOURCE.words.split())


class MadeLog(msgspec.Struct, frozen=True):
    """A log's text, and the lines that matter in it."""

    name: str
    text: str
    matters: tuple[str, ...]


def make_logs(seed: int, *, lines: int = 4000) -> Iterator[MadeLog]:
    """One log a kind and place of the failure: early, in the middle, late."""
    for kind in KINDS:
        for place, share in (("early", 0.08), ("middle", 0.5), ("late", 0.97)):
            rnd = random.Random(f"{seed} {kind.name} {place}")
            yield make_log(kind, f"{kind.name}-{place}", share, lines, rnd)


def make_log(kind: Kind, name: str, share: float, lines: int, rnd: random.Random) -> MadeLog:
    """A log of about so many lines with its failure behind that share of them."""
    clock = Clock(rnd)
    weights = [1 / (1 + rank) for rank in range(len(kind.noise))]
    decoy_share = rnd.choice([0.002, 0.01, 0.03])
    names = rnd.sample(WORDS, 40)
    out: list[str] = []
    matters: list[str] = []
    failure_at = int(lines * share)
    for number in range(lines):
        if number == failure_at:
            _plant(rnd.choice(kind.failures), out, matters, clock, names)
        is_decoy = rnd.random() < decoy_share
        line = rnd.choice(kind.decoys) if is_decoy else rnd.choices(kind.noise, weights)[0]
        out.extend(clock.fill(part, names) for part in line.split("\n"))
    _plant(kind.epilogue, out, matters, clock, names)
    return MadeLog(name, "\n".join(out) + "\n", tuple(matters))


def _plant(
    block: str, out: list[str], matters: list[str], clock: Clock, names: Sequence[str]
) -> None:
    for line in block.strip("\n").split("\n"):
        text = clock.fill(line.removeprefix("!"), names)
        out.append(text)
        if line.startswith("!"):
            matters.append(text)


class Clock:
    """Fills slots; time goes on with each line. {x} is one of `others`."""

    def __init__(self, rnd: random.Random, others: Sequence[str] = WORDS) -> None:
        self._rnd = rnd
        self._others = others
        self._ms = rnd.randrange(10**10)

    def fill(self, line: str, names: Sequence[str]) -> str:
        """The line with its slots filled."""
        self._ms += self._rnd.randrange(900)
        return SLOT.sub(lambda match: self._slot(match[1], names), line)

    def _slot(self, slot: str, names: Sequence[str]) -> str:
        rnd = self._rnd
        fillers: dict[str, Callable[[], str]] = {
            "n": lambda: str(rnd.randrange(100_000)),
            "s": lambda: str(rnd.randrange(1, 40)),
            "f": lambda: f"{rnd.random() * 20:.2f}",
            "h": lambda: f"{rnd.getrandbits(48):012x}",
            "u": lambda: str(UUID(int=rnd.getrandbits(128))),
            "ip": lambda: f"10.{rnd.randrange(4)}.{rnd.randrange(256)}.{rnd.randrange(1, 255)}",
            "w": lambda: rnd.choice(names),
            "W": lambda: rnd.choice(names).capitalize(),
            "x": lambda: rnd.choice(self._others),
            "p": lambda: "/".join(rnd.choices(names, k=rnd.randrange(2, 4))),
            "m": lambda: f"{self._ms % 1000:03d}",
            "t": self._stamp,
        }
        return fillers[slot]()

    def _stamp(self) -> str:
        moment = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(milliseconds=self._ms)
        return f"{moment:%Y-%m-%dT%H:%M:%S}"
