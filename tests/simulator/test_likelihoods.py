"""Simulated log-probabilities tell the truth about a simulated model's skill, and nothing else."""

from __future__ import annotations

from math import exp, isclose
from random import Random
from statistics import fmean

import ollama
import openai
import pytest

from koderz.prompts.classify import ShownText, build_labels_request, encode_text
from koderz.simulator import Simulator, open_simulator
from koderz.simulator.answers import build_answer
from koderz.simulator.likelihoods import Choice, build_tokens, draw_chance
from koderz.types import Request

LABELS = ("bug", "question", "praise")


def ask(count: int, top_logprobs: int = 3) -> Request:
    lines = [encode_text(ShownText(f"c{at}", f"a {LABELS[at % 3]} of mine")) for at in range(count)]
    request = build_labels_request(lines, LABELS)
    return Request(
        messages=request.messages,
        system=request.system,
        response_schema=request.response_schema,
        top_logprobs=top_logprobs,
    )


@pytest.mark.parametrize("skill", [0.6, 0.9])
def test_chances_are_calibrated_by_construction(skill: float) -> None:
    rng = Random(1)
    drawn = []
    for _ in range(20_000):
        is_right = rng.random() < skill
        drawn.append((draw_chance(skill, rng, is_right=is_right), is_right))
    assert isclose(fmean(chance for chance, _ in drawn), skill, abs_tol=0.02)
    for low in (0.3, 0.5, 0.7, 0.9):
        inside = [(chance, right) for chance, right in drawn if low <= chance < low + 0.1]
        share = fmean(right for _, right in inside)
        assert isclose(share, fmean(chance for chance, _ in inside), abs_tol=0.05)


def test_the_tokens_are_those_of_the_text() -> None:
    answer = build_answer(ask(20), digest=b"d" * 16, skill=0.7).completion
    assert b"".join(token.raw for token in answer.tokens).decode() == answer.text
    for token in answer.tokens:
        assert 1 <= len(token.alternatives) <= 3
        assert sum(exp(each.logprob) for each in token.alternatives) < 1.001
        assert token.logprob <= 0


def test_asking_for_them_changes_no_answer() -> None:
    with_them = build_answer(ask(20), digest=b"d" * 16, skill=0.7).completion
    without = build_answer(ask(20, 0), digest=b"d" * 16, skill=0.7).completion
    assert with_them.text == without.text
    assert without.tokens == ()


def test_prose_has_its_models_skill_for_a_chance() -> None:
    tokens = build_tokens("some words", None, skill=0.8, digest=b"", most=2)
    assert {round(exp(token.logprob), 6) for token in tokens} == {0.8}


def test_a_choice_in_a_character_of_many_bytes_is_found() -> None:
    choice = Choice(start=4, is_right=True, others=("no",))
    tokens = build_tokens("é é yes", [choice], skill=0.5, digest=b"x", most=2)
    at = next(place for place, token in enumerate(tokens) if b"yes" in token.raw)
    assert any(each.raw == b"no" for each in tokens[at].alternatives)


async def test_the_official_clients_read_them(simulator: Simulator) -> None:
    url = f"{simulator.base_url}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key="any", max_retries=0) as client:
        answer = await client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": "Why is the sky blue?"}],
            logprobs=True,
            top_logprobs=2,
        )
        given = answer.choices[0].logprobs
        assert given is not None
        assert "".join(each.token for each in given.content or ()) == (
            answer.choices[0].message.content
        )
        with pytest.raises(openai.BadRequestError, match="logprobs"):
            await client.chat.completions.create(
                model="gpt-5-mini",
                messages=[{"role": "user", "content": "Why?"}],
                logprobs=True,
            )
    async with ollama.AsyncClient(host=simulator.base_url) as other:
        theirs = await other.chat(
            "phi:2.7b", [{"role": "user", "content": "Why?"}], logprobs=True, top_logprobs=2
        )
    assert theirs.logprobs is not None
    assert "".join(each.token for each in theirs.logprobs) == theirs.message.content


async def test_a_stream_brings_them_too() -> None:
    async with open_simulator() as simulator:
        url = f"{simulator.base_url}/v1"
        async with openai.AsyncOpenAI(base_url=url, api_key="any", max_retries=0) as client:
            stream = await client.chat.completions.create(
                model="gpt-4o-mini",
                messages=[{"role": "user", "content": "Why is the sky blue?"}],
                logprobs=True,
                stream=True,
            )
            text, tokens = "", ""
            async for chunk in stream:
                for choice in chunk.choices:
                    text += choice.delta.content or ""
                    given = choice.logprobs.content if choice.logprobs else ()
                    tokens += "".join(each.token for each in given or ())
    assert text
    assert tokens == text
