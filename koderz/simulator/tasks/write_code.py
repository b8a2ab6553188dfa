"""Writing a program: a starter problem's solution with bugs, which the prompt helps to mend.

A first attempt has up to three bugs, each with probability 1 - skill, less where a specification
says what the problem says. A later one starts from the attempt in the prompt: a wrong line is
mended with a probability that grows with the skill, a high one where the guidance shows the right
line, a low one where only a failed test is there. Of any other problem the model knows nothing.
"""

from __future__ import annotations

import re
from random import Random

from koderz.prompts.iteration import CODE_ONLY
from koderz.prompts.texts import load_prompt
from koderz.simulator.fences import Fenced, get_last, list_fenced
from koderz.simulator.programs import Known, find_known, list_differences, list_lines
from koderz.simulator.tasks.write_spec import split_problem
from koderz.types import Request

MOST_BUGS = 3
# What a specification that says everything takes off the probability of a bug.
_SPEC_WEIGHT = 0.4
# What an unskilled model makes of guidance that shows the line, and a skilled one of a test.
_GUIDED_LEAST = 0.5
_TESTED_MOST = 0.5
_TESTED_POWER = 3
_EVIDENCE = ("input", "expected", "actual", "error")
_DEFINITION = re.compile(r"Write the module that defines `(\w+)`")


def is_asked(request: Request) -> bool:
    """Whether the system prompt is that of an iteration."""
    return load_prompt("iteration").partition("\n")[0] in request.system


def answer(request: Request, skill: float, rng: Random) -> str:
    """The program in a block, behind a sentence where thinking aloud was asked for."""
    fenced = list_fenced(request)
    known = find_known(get_last(fenced, "problem"))
    if known is None:
        thought, code = "This problem is unknown to the simulation.", _write_stub(request)
    else:
        thought, code = _solve(known, fenced, skill, rng)
    block = f"```python\n{code}\n```"
    text = "\n".join(message.text for message in request.messages)
    return block if CODE_ONLY in text else f"This attempt is simulated. {thought}\n\n{block}"


def _solve(known: Known, fenced: tuple[Fenced, ...], skill: float, rng: Random) -> tuple[str, str]:
    previous = list_lines(get_last(fenced, "code"), known.entry_point)
    wrong = list_differences(known, previous) if previous else None
    if not wrong:
        return "It starts from the problem.", _write_first(known, fenced, skill, rng)
    advice = get_last(fenced, "guidance") + get_last(fenced, "notes")
    has_evidence = any(part.label in _EVIDENCE for part in fenced)
    mended = [
        at
        for at in wrong
        if rng.random() < _get_chance(known.lines[at], advice, skill, has_evidence=has_evidence)
    ]
    lines = [known.lines[at] if at in mended else line for at, line in enumerate(previous)]
    return f"It changes {len(mended)} of the last one's lines.", "\n".join(lines)


def _get_chance(line: str, advice: str, skill: float, *, has_evidence: bool) -> float:
    """How likely the model is to mend a line."""
    if f"`{line.strip()}`" in advice:
        return _GUIDED_LEAST + (1 - _GUIDED_LEAST) * skill
    return _TESTED_MOST * skill**_TESTED_POWER if has_evidence else 0.0


def _write_first(known: Known, fenced: tuple[Fenced, ...], skill: float, rng: Random) -> str:
    spec = get_last(fenced, "spec")
    sentences, _ = split_problem(known.prompt)
    told = sum(sentence in spec for sentence in sentences) / max(len(sentences), 1)
    chance = (1 - skill) * (1 - _SPEC_WEIGHT * told)
    lines = list(known.lines)
    for bug in rng.sample(known.bugs, min(MOST_BUGS, len(known.bugs))):
        if rng.random() < chance:
            lines[bug.at] = bug.line
    return "\n".join(lines)


def _write_stub(request: Request) -> str:
    """A function of the right name that gives nothing."""
    text = "\n".join(message.text for message in request.messages)
    name = found[-1] if (found := _DEFINITION.findall(text)) else "answer"
    return f"def {name}(*arguments):\n    return None"
