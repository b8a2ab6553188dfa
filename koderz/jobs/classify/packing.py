"""Texts packed many a prompt, each under a code that tells nothing of its place.

Numbers in a row would let a model that skips a text give every later one its neighbour's label
unnoticed. A code is made from the text itself: it can only be copied from the text's own line, so
a skipped text is a missing code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from math import ceil

import msgspec

from koderz.prompts.classify import ShownText, encode_text
from koderz.prompts.texts import cut_middle
from koderz.routing.routes import Route
from koderz.tokens import count_tokens

PROMPT_TOKENS = 6000
TEXT_CHARS = 2000
CODE_CHARS = 3

# Other vendors' vocabularies cut the same text into more tokens, and some models add white space.
ANSWER_MARGIN = 1.35
CONTEXT_SHARE = 0.6
_ANSWER_LINE = '    {\n      "id": "bqv",\n      "label": "LABEL"\n    },\n'
_LETTERS = str.maketrans("0123456789abcdef", "bcdfghjkmnpqrstv")


class Batch(msgspec.Struct, frozen=True):
    """The texts of one prompt: what each stands for, its code, and its line."""

    texts: tuple[str, ...]
    codes: tuple[str, ...]
    lines: tuple[str, ...]

    def halve(self) -> tuple[Batch, Batch]:
        """The same texts in two prompts."""
        at = len(self.texts) // 2
        return (
            Batch(self.texts[:at], self.codes[:at], self.lines[:at]),
            Batch(self.texts[at:], self.codes[at:], self.lines[at:]),
        )


def pack(
    texts: Iterable[str], labels: Sequence[str], route: Route, most: int | None
) -> tuple[Batch, ...]:
    """The texts in as few prompts as the caps on tokens allow, at most `most` in each."""
    most_texts = min(count_answerable(route.max_tokens, labels), most or PROMPT_TOKENS)
    most_tokens = fit_prompt_tokens(route)
    batches: list[Batch] = []
    packed: dict[str, tuple[str, str]] = {}
    tokens = 0
    for text in texts:
        code = build_code(text, packed)
        line = encode_text(ShownText(code, cut_middle(text, TEXT_CHARS)))
        cost = count_tokens(line) + 1
        if packed and (len(packed) >= most_texts or tokens + cost > most_tokens):
            batches.append(_close(packed))
            packed, tokens = {}, 0
        packed[code] = (text, line)
        tokens += cost
    return (*batches, _close(packed)) if packed else ()


def build_code(text: str, taken: Collection[str]) -> str:
    """A few letters made from the text, one more where others have just these."""
    digest = digest_text(text).translate(_LETTERS)
    length = CODE_CHARS
    while digest[:length] in taken:
        length += 1
    return digest[:length]


def digest_text(text: str) -> str:
    """What stands for the text where the text itself is not kept."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def count_answerable(max_tokens: int, labels: Sequence[str]) -> int:
    """How many texts an answer of this many tokens has room for, were all labels the longest."""
    longest = max(labels, key=lambda label: (len(label.encode()), label))
    line = _ANSWER_LINE.replace("LABEL", longest)
    return max(1, max_tokens // ceil(count_tokens(line) * ANSWER_MARGIN))


def fit_prompt_tokens(route: Route) -> int:
    """Most tokens of a prompt's texts: fewer where the first model's context is small."""
    context = route.models[0].context_tokens
    if context is None:
        return PROMPT_TOKENS
    return max(1, min(PROMPT_TOKENS, int((context - route.max_tokens) * CONTEXT_SHARE)))


def _close(packed: dict[str, tuple[str, str]]) -> Batch:
    texts, lines = zip(*packed.values(), strict=True)
    return Batch(texts, tuple(packed), lines)
