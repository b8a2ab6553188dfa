"""Writing a specification: what the problem's own text says, as sentences of their own.

Each sentence is left out with probability 1 - skill.
"""

from __future__ import annotations

import re
from random import Random

from koderz.prompts.texts import load_prompt
from koderz.simulator.fences import get_last, list_fenced
from koderz.types import Request

_SENTENCE = re.compile(r"(?<=[.!?:])\s+(?=[A-Z>])")
_SIGNATURE = re.compile(r"^(?:async )?def .*?:$", re.MULTILINE | re.DOTALL)
_DOCSTRING = re.compile(r"(\"\"\"|''')(.*?)\1", re.DOTALL)


def is_asked(request: Request) -> bool:
    """Whether the system prompt is that of a specification."""
    return load_prompt("spec").partition("\n")[0] in request.system


def answer(request: Request, skill: float, rng: Random) -> str:
    """The specification, in five parts."""
    problem = get_last(list_fenced(request), "problem")
    sentences, examples = split_problem(problem)
    kept = [sentence for sentence in sentences[1:] if rng.random() < skill]
    signature = _SIGNATURE.search(problem)
    parts = {
        "Purpose": sentences[:1] or ["The problem does not say."],
        "Interface": [f"`{' '.join(signature[0].split())}`" if signature else "As in the problem."],
        "Behaviour": [f"- {sentence}" for sentence in kept] or ["- As its purpose says."],
        "Edge cases": ["- Empty input, where the problem allows it, gives what its rules give."],
        "Examples": examples or ["None were given."],
    }
    listed = [f"## {name}\n" + "\n".join(lines) for name, lines in parts.items()]
    return "\n\n".join(["This specification is simulated.", *listed])


def split_problem(problem: str) -> tuple[list[str], list[str]]:
    """The sentences of a problem's text, each on one line, and the lines of its examples."""
    found = _DOCSTRING.search(problem)
    text, mark, examples = (found[2] if found else problem).partition(">>>")
    sentences = [" ".join(each.split()) for each in _SENTENCE.split(text) if each.strip()]
    lines = [line.strip() for line in (mark + examples).splitlines() if line.strip()]
    return sentences, lines
