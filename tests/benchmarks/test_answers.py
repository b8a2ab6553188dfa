"""Code out of answers, however they are written: each case is run and held against a value."""

from __future__ import annotations

from typing import Any

import pytest

from koderz.benchmarks import AssertTests, Found, Problem, extract_code

PROMPT = '''import math
from typing import List

def double(number):
    """Twice as much."""
    return 2 * number

def total(numbers: List[int]) -> int:
    """Add up twice the numbers.
    >>> total([1, 2])
    6
    """
'''
PROBLEM = Problem(
    task_id="test/0", prompt=PROMPT, entry_point="total", tests=AssertTests(source="")
)
GOOD = "def total(numbers):\n    return sum(double(each) for each in numbers)\n"
BODY = "    return sum(double(each) for each in numbers)\n"
F = "```"

SOLUTIONS = {
    "a labelled block": f"Sure!\n\n{F}python\n{GOOD}{F}\n\nThis adds up.",
    "a block without a label": f"{F}\n{GOOD}{F}",
    "a block with another label": f"{F}Python3 title=x\n{GOOD}{F}",
    "a block labelled text": f"{F}text\n{GOOD}{F}",
    "tildes": f"~~~py\n{GOOD}~~~",
    "a longer fence": f"{F}`python\n{GOOD}{F}`",
    "windows line ends": f"{F}python\n{GOOD}{F}".replace("\n", "\r\n"),
    "a fence that is never closed": f"{F}python\n{GOOD}",
    "an answer that breaks off after the function": f"{F}python\n{GOOD}\nprint(total([1, 2",
    "an answer that breaks off in a docstring": f'{F}python\n{GOOD}\ndef main():\n    """ Then',
    "a fence on the line of the code": f"{F}python def total(numbers): return 2*sum(numbers){F}",
    "a fence behind prose": f"The code is: {F}python\n{GOOD}{F}",
    "a closing fence behind code": f"{F}python\n{GOOD.rstrip()}{F}\nThat is all.",
    "a fence closed by another one": f"{F}python\nimport os\n{F}python\n{GOOD}{F}",
    "a list item": "1. Do:\n"
    + "\n".join(f"   {line}" for line in f"{F}python\n{GOOD}{F}".split("\n")),
    "a quotation": "\n".join(f"> {line}" for line in f"{F}python\n{GOOD}{F}".split("\n")),
    "a fence in a docstring": f"{F}python\ndef total(numbers):\n"
    f'    """\n    {F}python\n    total([])\n    {F}\n    """\n{BODY}{F}\nDone.',
    "the last version counts": f"{F}python\ndef total(numbers):\n    return 0\n{F}\n"
    f"That was wrong:\n{F}python\n{GOOD}{F}",
    "a usage example after it": f"{F}python\n{GOOD}{F}\nUse:\n{F}python\nprint(total([1]))\n{F}",
    "a shell command before it": f"{F}bash\npip install it\n{F}\n{F}python\n{GOOD}{F}",
    "imports in a block of their own": f"{F}python\nfrom functools import reduce\n{F}\n{F}python\n"
    f"def total(numbers):\n    return reduce(lambda a, b: a + double(b), numbers, 0)\n{F}",
    "a helper in a later block": f"{F}python\ndef total(numbers):\n    return add(numbers)\n{F}\n"
    f"with\n{F}python\ndef add(numbers):\n    return 2 * sum(numbers)\n{F}",
    "helpers of helpers": f"{F}python\ndef b(x):\n    return c(x)\n{F}\n"
    f"{F}python\ndef c(x):\n    return 2 * x\n{F}\n"
    f"{F}python\ndef total(numbers):\n    return sum(map(b, numbers))\n{F}",
    "a function in two blocks": f"{F}python\ndef total(numbers):\n    result = 0\n{F}\n"
    f"and then\n{F}python\n    for each in numbers:\n        result += 2 * each\n"
    f"    return result\n{F}",
    "a broken function in two blocks": f"{F}python\ndef total(numbers):\n    return sum([\n{F}\n"
    f"{F}python\n        2 * each for each in numbers])\n{F}",
    "the signature and the function": f"{F}python\n{PROMPT}{F}\n{F}python\n{GOOD}{F}",
    "the function and the signature": f"{F}python\n{GOOD}{F}\n{F}python\n{PROMPT}    ...\n{F}",
    "a stub below the function": f"{F}python\n{GOOD}\ndef total(numbers):\n    pass\n{F}",
    "thoughts": f"<think>\n{F}python\ndef total(numbers): return 0\n{F}\n</think>\n{GOOD}",
    "thoughts in between": f"<think>hm</think>\n{F}python\n{GOOD}{F}\n<think>done?</think>",
    "thoughts without a beginning": f"def total(numbers): no...\n</think>\n\n{F}\n{GOOD}{F}",
    "thoughts with an end behind prose": f"I add. That is it.</think>\n\n{F}\n{GOOD}{F}",
    "other thoughts": f"[THINK]def total(x): pass[/THINK]\n{GOOD}",
    "a final channel": "<|channel|>analysis<|message|>def total(n): return 0<|end|>"
    f"<|start|>assistant<|channel|>final<|message|>{GOOD}<|return|>",
    "code alone": GOOD,
    "code between prose": f"Here it is:\n\n{GOOD}\nIt's simple, isn't it?\n",
    "code behind prose that looks like code": f"from the list we take all.\nimport it:\n\n{GOOD}",
    "imports and code between prose": f"So:\nimport os\nimport sys\n\n{GOOD}\nNote the sum.",
    "marks around it": f"[BEGIN]\n{GOOD}\n[DONE]\n",
    "tags around it": f"<answer>\n{GOOD}</answer>",
    "a heading of one word": f"Solution\n\n{GOOD}",
    "code behind a stray fence": f"{GOOD}{F}\n",
    "a body": BODY,
    "a body without an indent": BODY.lstrip(),
    "a body of several lines without an indent": "result = 0\nfor each in numbers:\n"
    "    result += double(each)\nreturn result\n",
    "a body whose first line lost its indent": "result = 0\n    for each in numbers:\n"
    "        result += double(each)\n    return result\n",
    "a loop whose first line lost its indent": "for each in [0]:\n        each += 1\n"
    "    return 2 * sum(numbers)\n",
    "a body in a block": f"The body:\n{F}python\n{BODY}{F}",
    "a body and what follows": f"{BODY}\n\ndef main():\n    print(total([1]))\n\nI hope it helps!",
    "the prompt, continued": PROMPT + BODY,
    "the prompt twice": f"{PROMPT}\nSolution:\n\n{PROMPT}{BODY}",
    "smart quotes": f"{F}python\ndef total(numbers):\n    kind = “int”\n"
    f"    return 2 * sum(numbers) if kind == \u2018int\u2019 else None\n{F}",
    "non-breaking spaces": f"{F}python\n{GOOD}{F}".replace("    ", "\u00a0" * 4),
    "zero-width characters": f"{F}python\n\ufeff{GOOD}{F}".replace("(", "(\u200b"),
    "tabs": f"{F}python\n{GOOD}{F}".replace("    ", "\t"),
    "tabs and spaces": f"{F}python\ndef total(numbers):\n\tif not numbers:\n"
    f"\t\treturn 0\n        return 2 * sum(numbers)\n{F}",
    "escaped signs": f"{F}python\ndef total(numbers):\n    if len(numbers) &gt; 0:\n"
    f"        return 2 * sum(numbers)\n    return 0\n{F}",
    "a transcript": ">>> def total(numbers):\n...     return 2 * sum(numbers)\n...\n"
    ">>> total([1])\n2",
    "a transcript in a block": f"{F}\n>>> def total(numbers):\n"
    f"...     return 2 * sum(numbers)\n{F}",
    "a listing": f"{F}python\n1: def total(numbers):\n2:     result = 2 * sum(numbers)\n3:\n"
    f"4:     return result\n{F}",
    "a listing with bars": "10 | def total(numbers):\n11 |     return 2 * sum(numbers)\n",
    "a listing with tabs": f"{F}\n     1\tdef total(numbers):\n"
    f"     2\t    return 2 * sum(numbers)\n{F}",
    "a future import": f"{F}python\nfrom __future__ import annotations\n{GOOD}{F}",
    "a future import in a helper": f"{F}python\ndef add(n):\n    return 2 * sum(n)\n{F}\n"
    f"{F}python\nfrom __future__ import annotations\ndef total(n: x) -> y:\n    return add(n)\n{F}",
    "a main part": f"{F}python\n{GOOD}\nif __name__ == '__main__':\n    import nothing\n{F}",
    "a demonstration": f"{F}python\n{GOOD}\ncases = [[1]]\nfor case in cases:\n"
    f"    assert total(case) == 0\nresult = total([1])\nprint(result)\nassert result == 0\n{F}",
    "input at the end": f"{F}python\n{GOOD}\nprint(total(list(map(int, input().split()))))\n{F}",
    "a wrapped function": f"{F}python\nimport functools\ndef total(numbers):\n"
    f"    return 2 * sum(numbers)\ntotal = functools.wraps(total)(total)\n{F}",
    "a name for another function": f"{F}python\ndef add(n):\n    return 2 * sum(n)\n"
    f"total = add\n{F}",
    "a lambda": f"{F}python\ntotal = lambda numbers: 2 * sum(numbers)\n{F}",
    "a table that a function needs": f"{F}python\ndef make():\n    return 2\nTWO = make()\n"
    f"def total(numbers):\n    return TWO * sum(numbers)\n{F}",
    "its own version of what the prompt defines": f"{F}python\ndef double(it):\n"
    f"    return it + it\n\n{GOOD}{F}",
    "something that only the prompt imports": f"{F}python\ndef total(numbers: List[int]) -> int:\n"
    f"    return 2 * math.fsum(numbers)\n{F}",
}


def run(code: str) -> Any:
    names: dict[str, Any] = {"__name__": "candidate"}
    exec(code, names)
    return names["total"]([1, 2])


@pytest.mark.parametrize("answer", SOLUTIONS.values(), ids=SOLUTIONS)
def test_the_code_of_an_answer_is_found(answer: str) -> None:
    extraction = extract_code(answer, PROBLEM)
    assert extraction.is_code
    assert run(extraction.code) == 6


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " \n\t\n",
        "I'm sorry, I cannot help with that.",
        "You should loop over the list and return the sum.",
        f"{F}bash\npip install numpy\n{F}",
        f'{F}json\n{{"answer": 6}}\n{F}',
        f"{F}python\n{F}",
        f"{F}python\nprint(total([1, 2]))\n{F}",
        f"<think>\n{F}python\n{GOOD}{F}\nbut wait",
        "<think></think>",
        PROMPT,
        f"{F}python\n{PROMPT}{F}",
    ],
)
def test_an_answer_without_code_has_none(answer: str) -> None:
    extraction = extract_code(answer, PROBLEM)
    assert (extraction.code, extraction.found, extraction.is_code) == ("", Found.NOTHING, False)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (f"{F}python\n{GOOD}{F}", Found.BLOCK),
        (SOLUTIONS["a helper in a later block"], Found.JOINED),
        (SOLUTIONS["a broken function in two blocks"], Found.JOINED),
        (f"{F}python\n{GOOD}\nx = (1,", Found.CUT),
        (BODY, Found.BODY),
        (f"{F}python\ndef sum_up(numbers):\n    return 1\n{F}", Found.OTHER),
        (f"{F}python\ndef total(numbers:\n    return ((\n{F}", Found.MALFORMED),
    ],
)
def test_the_rule_that_found_it_is_named(answer: str, found: Found) -> None:
    assert extract_code(answer, PROBLEM).found is found


def test_code_that_does_not_parse_is_kept_as_it_is() -> None:
    broken = "def total(numbers:\n    return ((\n"
    assert extract_code(f"{F}python\n{broken}{F}", PROBLEM).code.strip() == broken.strip()


def test_marks_of_thoughts_within_code_are_left_alone() -> None:
    code = 'def total(numbers):\n    marks = "<think>" + "</think>"\n    return 2 * sum(numbers)\n'
    assert run(extract_code(f"{F}python\n{code}{F}", PROBLEM).code) == 6


def test_typographic_signs_stay_where_the_code_is_python_with_them() -> None:
    code = 'def total(numbers):\n    return "“a”\u00a0b…"\n'
    assert "“a”\u00a0b…" in extract_code(f"{F}python\n{code}{F}", PROBLEM).code


def test_the_prompts_own_parts_are_added_only_where_they_are_missing() -> None:
    code = extract_code(SOLUTIONS["its own version of what the prompt defines"], PROBLEM).code
    assert code.count("def double") == 1
    assert "import math" in code


def test_a_prompt_without_a_signature_takes_no_body() -> None:
    problem = Problem(
        task_id="test/1", prompt='"""Add up."""', entry_point="total", tests=AssertTests(source="")
    )
    assert extract_code(BODY, problem).found is Found.NOTHING
    assert run(extract_code(f"def double(n):\n    return 2 * n\n{GOOD}", problem).code) == 6
