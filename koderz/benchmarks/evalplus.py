"""EvalPlus's format: inputs, and a reference whose outputs are the expected ones.

The base inputs are feedback; base and extra inputs together give the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from koderz.benchmarks import rules
from koderz.benchmarks.files import find_problem_file, get_text, load_records
from koderz.benchmarks.mbpp_inputs import decode_mbpp_inputs
from koderz.benchmarks.problems import InputTests, Problem
from koderz.benchmarks.syntax import list_foreign_modules
from koderz.errors import JobError

Arguments = list[Sequence[object]]


class EvalPlusFormat(msgspec.Struct, frozen=True, kw_only=True):
    """A benchmark whose file is in EvalPlus's format.

    `decode_inputs` turns a problem's inputs from what JSON can hold into what they stand for;
    `get_rule` gives the rule by which its outputs are right, where that is not equality.
    """

    name: str
    description: str
    filename: str
    decode_inputs: Callable[[str, Arguments], Arguments]
    get_rule: Callable[[str, float], rules.Rule]

    def load_problems(self, path: Path | None = None) -> Iterator[Problem]:
        """Its problems as they are read."""
        file = find_problem_file(self.name, self.filename, path)
        for record in load_records(file):
            yield self._build_problem(record, file)

    def _build_problem(self, record: dict[str, Any], path: Path) -> Problem:
        prompt, task_id = get_text(record, "prompt", path), get_text(record, "task_id", path)
        entry_point = get_text(record, "entry_point", path)
        reference = prompt + get_text(record, "canonical_solution", path)
        base = self._get_inputs(record, "base_input", path)
        extra = self._get_inputs(record, "plus_input", path)
        atol = float(record.get("atol") or 0.0)
        rule = self.get_rule(entry_point, atol)
        feedback = InputTests(
            inputs=tuple(base),
            reference=reference,
            atol=atol,
            oracle=rule.oracle,
            adapter=rule.adapter,
        )
        return Problem(
            task_id=task_id,
            prompt=prompt,
            entry_point=entry_point,
            tests=msgspec.structs.replace(feedback, inputs=(*base, *extra)),
            feedback=feedback,
            reference=reference,
            requirements=list_foreign_modules([reference]),
        )

    def _get_inputs(self, record: dict[str, Any], key: str, path: Path) -> Arguments:
        inputs = record.get(key) or []
        task_id = record["task_id"]
        if not isinstance(inputs, list) or not all(isinstance(each, list) for each in inputs):
            raise JobError(f"{path}: {task_id}: the field {key!r} is no list of lists")
        try:
            return self.decode_inputs(task_id, inputs)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise JobError(f"{path}: {task_id}: {key!r} cannot be decoded: {error}") from error


def _keep_inputs(_: str, inputs: Arguments) -> Arguments:
    return inputs


HUMANEVAL_PLUS = EvalPlusFormat(
    name="humaneval+",
    description="HumanEval with 122,683 extra inputs (EvalPlus, Apache-2.0)",
    filename="HumanEvalPlus.jsonl.gz",
    decode_inputs=_keep_inputs,
    get_rule=rules.get_humaneval_rule,
)
HUMANEVAL_PLUS_MINI = msgspec.structs.replace(
    HUMANEVAL_PLUS,
    name="humaneval+mini",
    description="HumanEval with 1,107 extra inputs (EvalPlus, Apache-2.0)",
    filename="HumanEvalPlus-Mini.jsonl.gz",
)
MBPP_PLUS = EvalPlusFormat(
    name="mbpp+",
    description="378 short problems with 39,841 extra inputs (EvalPlus, Apache-2.0)",
    filename="MbppPlus.jsonl.gz",
    decode_inputs=decode_mbpp_inputs,
    get_rule=rules.get_mbpp_rule,
)
