"""Reviewing attempts at a starter problem: each wrong line is found with probability skill."""

from __future__ import annotations

import re
from random import Random

from koderz.prompts.texts import load_prompt
from koderz.simulator.fences import get_last, list_fenced
from koderz.simulator.programs import Known, find_known, list_differences, list_lines
from koderz.simulator.tasks.write_spec import split_problem
from koderz.types import Request

_ASKED_FOR = re.compile(r"^Add a part `## (.+?)`", re.MULTILINE)


def is_asked(request: Request) -> bool:
    """Whether the system prompt is that of a review."""
    return load_prompt("checkpoint").partition("\n")[0] in request.system


def answer(request: Request, skill: float, rng: Random) -> str:
    """The review in four parts, and in those that were asked for besides."""
    fenced = list_fenced(request)
    problem = get_last(fenced, "problem")
    known = find_known(problem)
    causes, fixes = _find_causes(known, get_last(fenced, "code"), skill, rng)
    parts = {
        "Failing test": _describe_test(*(get_last(fenced, name) for name in _TEST)),
        "Root cause": causes or "It cannot be told from these attempts.",
        "Proposed fix": fixes or "Write it anew from the problem's rules.",
        "Edge cases": "Empty input and single items, as the problem's rules have them.",
    }
    text = "\n".join(message.text for message in request.messages)
    sentences, _ = split_problem(problem)
    for name in _ASKED_FOR.findall(text):
        parts[name] = "\n".join(f"- {sentence}" for sentence in sentences if rng.random() < skill)
    listed = [f"## {name}\n{said or 'Nothing to add.'}" for name, said in parts.items()]
    return "\n\n".join(["This review is simulated.", *listed])


_TEST = ("input", "expected", "actual", "error")


def _describe_test(call: str, expected: str, actual: str, error: str) -> str:
    if call:
        return f"`{call}` has to give {expected or 'something else'}; it gave {actual or error}."
    return error or "No failed test was shown."


def _find_causes(known: Known | None, code: str, skill: float, rng: Random) -> tuple[str, str]:
    """What is wrong with the last attempt and how to mend it, as far as it is seen."""
    lines = list_lines(code, known.entry_point) if known else []
    wrong = (list_differences(known, lines) if known else None) or []
    causes, fixes = [], []
    for at in wrong:
        if known and rng.random() < skill:
            causes.append(f"- The line `{lines[at].strip()}` does not do what the problem says.")
            fixes.append(f"- Replace `{lines[at].strip()}` by `{known.lines[at].strip()}`.")
    return "\n".join(causes), "\n".join(fixes)
