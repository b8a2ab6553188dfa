"""What a terminal would show of a block of lines: no colours, no overwritten text, no junk."""

from __future__ import annotations

import re

COLOURS = "terminal codes (colours, cursor movements) removed"
PROGRESS = "text that a carriage return overwrote removed"
CONTROLS = "control characters removed"

# ECMA-48: CSI sequences, OSC and other strings up to their terminator, two-byte escapes. A string
# that is never terminated ends with its line.
_ESCAPES = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~])"
)
_BACKSPACED = re.compile(rb"[^\x08\n]\x08")
_BACKSPACE_ROUNDS = 16  # A longer run of backspaces than any spinner's only loses its controls.
_CONTROLS = bytes(code for code in [*range(32), 127] if code not in b"\t\n")


def clean_lines(block: bytes) -> tuple[bytes, frozenset[str]]:
    """The block (UTF-8) as a terminal would show it, line for line, and what had to be done.

    A line that was drawn again and again after carriage returns keeps its last state. The count
    of lines never changes.
    """
    notes = set()
    if b"\x1b" in block:
        block = _ESCAPES.sub(b"", block)
        notes.add(COLOURS)
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
        if b"\r" in block:
            block = b"\n".join(map(_last_state, block.split(b"\n")))
            notes.add(PROGRESS)
    if b"\x08" in block:
        block = _without_backspaced(block)
        notes.add(PROGRESS)
    cleaned = block.translate(None, _CONTROLS)
    if len(cleaned) != len(block):
        notes.add(CONTROLS)
    return cleaned, frozenset(notes)


def _last_state(line: bytes) -> bytes:
    """What the line showed last: the text after its last carriage return that has any."""
    if b"\r" not in line:
        return line
    return next((state for state in reversed(line.split(b"\r")) if state.strip()), b"")


def _without_backspaced(block: bytes) -> bytes:
    """The block without characters that a backspace took back (spinners, old man pages)."""
    for _ in range(_BACKSPACE_ROUNDS):
        shorter = _BACKSPACED.sub(b"", block)
        if len(shorter) == len(block):
            break
        block = shorter
    return block
