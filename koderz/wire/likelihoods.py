"""How likely each token of an answer was: as OpenAI has it, whose form Ollama took over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from koderz.types import AnswerToken, TokenChance

Byte = Annotated[int, Meta(ge=0, le=255)]


class ChanceBody(msgspec.Struct, kw_only=True):
    """A token and its log-probability; its bytes tell where it is a part of a character."""

    token: str
    logprob: float
    octets: list[Byte] | None = msgspec.field(default=None, name="bytes")

    @property
    def raw(self) -> bytes:
        """The token in UTF-8."""
        return self.token.encode(errors="replace") if self.octets is None else bytes(self.octets)


class TokenBody(ChanceBody, kw_only=True):
    """A token of an answer, and those most likely in its place."""

    top_logprobs: list[ChanceBody] | None = None


def encode_tokens(tokens: Iterable[AnswerToken]) -> list[TokenBody]:
    """The tokens as the format has them."""
    return [
        TokenBody(
            token=_show(token.raw),
            logprob=token.logprob,
            octets=list(token.raw),
            top_logprobs=[
                ChanceBody(token=_show(each.raw), logprob=each.logprob, octets=list(each.raw))
                for each in token.alternatives
            ],
        )
        for token in tokens
    ]


def decode_tokens(bodies: Iterable[TokenBody] | None) -> tuple[AnswerToken, ...]:
    """The tokens of an answer, or of a piece of one; none where none are given."""
    return tuple(
        AnswerToken(
            body.raw,
            body.logprob,
            tuple(TokenChance(each.raw, each.logprob) for each in body.top_logprobs or ()),
        )
        for body in bodies or ()
    )


class TokenQueue:
    """The tokens of an answer, dealt out to the pieces of its text as these are sent."""

    def __init__(self, tokens: Sequence[AnswerToken]) -> None:
        self._tokens, self._at = tokens, 0
        self._sent = self._dealt = 0

    def take(self, text: str) -> tuple[AnswerToken, ...]:
        """The tokens that begin in this next piece."""
        self._sent += len(text.encode(errors="replace"))
        start = self._at
        while self._at < len(self._tokens) and self._dealt < self._sent:
            self._dealt += len(self._tokens[self._at].raw)
            self._at += 1
        return tuple(self._tokens[start : self._at])


def _show(raw: bytes) -> str:
    return raw.decode(errors="replace")
