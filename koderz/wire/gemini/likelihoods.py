"""How likely each token of an answer was, in Gemini's form: two lists side by side.

https://ai.google.dev/api/generate-content#LogprobsResult
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from statistics import fmean

from koderz.types import AnswerToken, TokenChance
from koderz.wire.gemini.schema import Candidate, ChanceBody, ChancesBody, LogprobsResult


def add_tokens(candidate: Candidate, tokens: Sequence[AnswerToken]) -> Candidate:
    """The candidate with these tokens, and their mean log-probability."""
    if tokens:
        candidate.avg_logprobs = fmean(token.logprob for token in tokens)
        candidate.logprobs_result = LogprobsResult(
            chosen_candidates=[_encode(token) for token in tokens],
            top_candidates=[
                ChancesBody(candidates=[_encode(each) for each in token.alternatives])
                for token in tokens
            ],
        )
    return candidate


def decode_tokens(result: LogprobsResult | None) -> tuple[AnswerToken, ...]:
    """The tokens of an answer or of a piece of one; none where none are given."""
    if result is None:
        return ()
    pairs = zip_longest(result.chosen_candidates or (), result.top_candidates or ())
    return tuple(
        AnswerToken(_raw(chosen), chosen.log_probability or 0.0, _decode_all(others))
        for chosen, others in pairs
        if chosen is not None
    )


def _encode(token: AnswerToken | TokenChance) -> ChanceBody:
    return ChanceBody(token=token.raw.decode(errors="replace"), log_probability=token.logprob)


def _decode_all(others: ChancesBody | None) -> tuple[TokenChance, ...]:
    bodies = others.candidates or () if others else ()
    return tuple(TokenChance(_raw(body), body.log_probability or 0.0) for body in bodies)


def _raw(body: ChanceBody) -> bytes:
    return (body.token or "").encode(errors="replace")
