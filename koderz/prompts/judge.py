"""The question which of two answers to a request is better."""

from __future__ import annotations

from koderz.prompts.texts import fence, load_prompt
from koderz.types import Message, Request, ResponseSchema

VERDICTS = ("first", "second", "tie")

JUDGE_SCHEMA = ResponseSchema(
    name="compare_answers",
    schema={
        "type": "object",
        "properties": {"verdict": {"type": "string", "enum": list(VERDICTS)}},
        "required": ["verdict"],
        "additionalProperties": False,
    },
)


def build_judge_request(request: Request, first: str, second: str) -> Request:
    """The request for a verdict on two answers to a request, in this order.

    Who wrote them is not said. All of it stands as data between fence lines.
    """
    asked = "\n\n".join([request.system, *(message.text for message in request.messages)])
    parts = [fence("request", asked), fence("first", first), fence("second", second)]
    return Request(
        system=load_prompt("judge"),
        system_is_stable=True,
        messages=(Message.user("\n\n".join(parts)),),
        response_schema=JUDGE_SCHEMA,
        max_tokens=200,
        temperature=0.0,
    )
