"""What a simulated model can do: one module a task.

A task is a module here with two functions, `is_asked(request) -> bool` and
`answer(request, skill, rng) -> str`, both pure; `misquote(request, rng) -> str` may give an answer
whose quotes stand nowhere in the request, and `list_choices(request, text)` may say which words of
an answer were chosen among others. A module is found by being here. Those in `LAST` are
asked after all others, because they take whatever comes.

What a request holds is only ever read as text: no task follows an instruction found in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from random import Random
from typing import Protocol, cast

from koderz.simulator.likelihoods import Choice
from koderz.types import Request

LAST = ("any_schema", "free_text")


class Task(Protocol):
    """What a task module offers."""

    __name__: str

    def is_asked(self, request: Request, /) -> bool:
        """Whether the request is for this task."""

    def answer(self, request: Request, skill: float, rng: Random, /) -> str:
        """What a model of this skill (0 to 1) answers: the same for the same arguments."""


class QuotingTask(Task, Protocol):
    """A task whose answers quote what they were given."""

    def misquote(self, request: Request, rng: Random, /) -> str:
        """An answer in the right form that quotes what stands nowhere."""


class ChoosingTask(Task, Protocol):
    """A task whose answers choose between words that were given."""

    def list_choices(self, request: Request, text: str, /) -> Iterator[Choice]:
        """What the answer `text`, which may be cut short, chooses."""


@cache
def list_tasks() -> tuple[Task, ...]:
    """Every task, special ones first."""
    names = sorted(module.name for module in iter_modules(__path__) if module.name not in LAST)
    return tuple(cast("Task", import_module(f"{__name__}.{name}")) for name in (*names, *LAST))


def get_task(request: Request) -> Task:
    """The task that a request is for; any request is for one."""
    return next(task for task in list_tasks() if task.is_asked(request))


def get_name(task: Task) -> str:
    """The task's short name."""
    return task.__name__.rpartition(".")[2]
