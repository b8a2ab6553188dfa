"""Progress shows at a terminal and after a moment, and nowhere else."""

from __future__ import annotations

import io
import sys

import pytest

from koderz.commands import progress
from koderz.commands.progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def show(monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO, after_s: float) -> str:
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(progress, "SHOWN_AFTER_S", after_s)
    with ProgressLine() as line:
        line.update("reading", 1, 4)
        line.update("reading", 4, 4)
        line.update("asking", 0, 2)
    return stderr.getvalue()


def test_it_shows_what_is_done_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = show(monkeypatch, Terminal(), 0)
    assert "reading" in shown
    assert "asking" in shown


def test_it_is_silent_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not show(monkeypatch, io.StringIO(), 0)


def test_it_is_silent_about_what_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not show(monkeypatch, Terminal(), 60)
