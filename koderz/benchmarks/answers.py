"""Code out of a model's answer: what to run, and by which rule it was found.

Nothing is run here, no text makes it raise, and the time it takes grows with the answer's length.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from koderz.benchmarks import assembly, syntax
from koderz.benchmarks.blocks import Block, split_blocks
from koderz.benchmarks.problems import Problem
from koderz.benchmarks.prose import split_prose
from koderz.benchmarks.repairs import mend, mend_as_far_as_possible
from koderz.benchmarks.thoughts import drop_thoughts

_MOST_BLOCKS: Final = 64
"""How many blocks of an answer, its last ones, are looked at."""


class Found(StrEnum):
    """How the code was found."""

    BLOCK = "one block"
    JOINED = "blocks joined"
    CUT = "cut where it breaks off"
    BODY = "a body, continued from the prompt"
    OTHER = "code without the entry point"
    MALFORMED = "code that does not parse"
    NOTHING = "no code"


class Extraction(msgspec.Struct, frozen=True):
    """The module to run, and how it was found; "" where the answer has no code."""

    code: str
    found: Found

    @property
    def is_code(self) -> bool:
        """Whether there is anything to run."""
        return self.found is not Found.NOTHING


class Piece(msgspec.Struct, frozen=True):
    """A block that parses, mended where it had to be."""

    text: str
    tree: ast.Module


_NOTHING: Final = Extraction("", Found.NOTHING)


def extract_code(answer: str, problem: Problem) -> Extraction:
    """The module that an answer to the problem holds, with what the prompt defines around it.

    The last block that defines the entry point counts, with what it needs of the others; else
    blocks that define it together, code that breaks off, a body that continues the prompt. What
    the prompt imports and defines before the entry point is put before it, where the answer does
    not define it itself; demonstrations after it are left out.
    """
    text = drop_thoughts(answer.replace("\r\n", "\n").replace("\r", "\n"))
    blocks, outside = split_blocks(text)
    found = _choose([block for block in blocks if block.text.strip()], problem)
    if found.found in {Found.NOTHING, Found.OTHER}:
        bare = _choose(split_prose(outside, problem.entry_point), problem)
        found = bare if bare.is_code and bare.found is not Found.OTHER else found
    if found.found in {Found.NOTHING, Found.MALFORMED}:
        return found
    return Extraction(complete(found.code, problem), found.found)


def complete(code: str, problem: Problem) -> str:
    """The code as a module: without demonstrations, with what the prompt defines before it."""
    code = assembly.drop_demos(code, problem.entry_point)
    preamble = syntax.get_preamble(problem.prompt, problem.entry_point)
    return assembly.join_pieces([assembly.get_missing_part(preamble, code), code])


def _choose(blocks: Sequence[Block], problem: Problem) -> Extraction:
    blocks = blocks[-_MOST_BLOCKS:]
    name = problem.entry_point
    pieces = [_mend(block) for block in blocks]
    for at in reversed(range(len(pieces))):
        piece = pieces[at]
        if piece and syntax.has_answer(piece.tree, name):
            return _lengthen(blocks[at:], pieces[at:], name) or _with_others(piece, pieces, name)
    return (
        _join_broken(blocks, name)
        or _cut(blocks, name)
        or _continue(blocks, pieces, problem)
        or _take_other(blocks, pieces, name)
    )


def _mend(block: Block) -> Piece | None:
    mended = mend(block.text)
    return Piece(*mended) if mended and mended[1].body else None


def _lengthen(
    blocks: Sequence[Block], pieces: Sequence[Piece | None], name: str
) -> Extraction | None:
    """The first block with the next, where that is the rest of its function's body."""
    rest = pieces[1] if len(pieces) > 1 else None
    if rest is None or not syntax.has_return(rest.tree):
        return None
    return _join_broken(blocks[:2], name)


def _with_others(main: Piece, pieces: Sequence[Piece | None], name: str) -> Extraction:
    """The piece with those others that define what it needs."""
    others = [piece for piece in pieces if piece and piece is not main]
    chosen: list[Piece] = []
    pending = [main]
    while pending:
        for missing in syntax.list_missing_names(pending.pop().tree):
            known = [main, *chosen]
            if any(missing in syntax.list_bound_names(piece.tree.body) for piece in known):
                continue
            for piece in reversed(others):
                if missing in syntax.list_bound_names(piece.tree.body):
                    chosen.append(piece)
                    pending.append(piece)
                    break
    if not chosen:
        return Extraction(main.text, Found.BLOCK)
    before = [piece for piece in others if any(piece is each for each in chosen)]
    texts = [assembly.drop_demos(piece.text, name) for piece in before]
    return Extraction(assembly.join_pieces([*texts, main.text]), Found.JOINED)


def _join_broken(blocks: Sequence[Block], name: str) -> Extraction | None:
    """Blocks that define the entry point only together: one breaks off, the next goes on."""
    starts = [at for at, block in enumerate(blocks) if _mentions(block.text, name)]
    if len(blocks) == 1 or not starts:
        return None
    text = "\n".join(block.text.strip("\n") for block in blocks[starts[0] :])
    mended = mend(text)
    if mended and syntax.has_answer(mended[1], name):
        return Extraction(mended[0], Found.JOINED)
    return None


def _cut(blocks: Sequence[Block], name: str) -> Extraction | None:
    """Code with the entry point up to where it breaks off."""
    for block in reversed(blocks):
        if not _mentions(block.text, name):
            continue
        for text in (block.text, mend_as_far_as_possible(block.text)):
            beginning = syntax.parse_beginning(text)
            if beginning and syntax.has_answer(beginning[1], name):
                return Extraction(beginning[0], Found.CUT)
    return None


def _continue(
    blocks: Sequence[Block], pieces: Sequence[Piece | None], problem: Problem
) -> Extraction | None:
    """The last block that is the body of a function, behind the prompt."""
    for block, piece in zip(reversed(blocks), reversed(pieces), strict=True):
        if piece and not syntax.has_return(piece.tree):
            continue
        if "return" not in block.text and "yield" not in block.text:
            continue
        bodies = [block.text, *([piece.text] if piece else [])]
        code = assembly.continue_prompt(problem.prompt, bodies, problem.entry_point)
        if code:
            return Extraction(code, Found.BODY)
    return None


def _take_other(blocks: Sequence[Block], pieces: Sequence[Piece | None], name: str) -> Extraction:
    """Code all the same: without the entry point, or not even Python."""
    for piece in reversed(pieces):
        if piece and assembly.has_definition(piece.tree) and not _repeats(piece, name):
            return Extraction(piece.text, Found.OTHER)
    for block, piece in zip(reversed(blocks), reversed(pieces), strict=True):
        if piece is None and _looks_like_python(block):
            return Extraction(block.text, Found.MALFORMED)
    return _NOTHING


def _repeats(piece: Piece, name: str) -> bool:
    """Whether the piece has no more of the entry point than the prompt has: its signature."""
    return name in syntax.list_bound_names(piece.tree.body)


def _looks_like_python(block: Block) -> bool:
    return any(
        line.lstrip().startswith(("def ", "class ", "async def "))
        for line in block.text.split("\n")
    )


def _mentions(text: str, name: str) -> bool:
    return f"def {name}" in text or f"class {name}" in text or f"{name} =" in text
