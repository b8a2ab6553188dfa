"""The providers' formats, both ways, without I/O: one package a format, the same names in each."""

from __future__ import annotations

from koderz.wire.faults import FormatError, WireError, build_error
from koderz.wire.protocol import Decoder, Encoder, Wire

__all__ = ["Decoder", "Encoder", "FormatError", "Wire", "WireError", "build_error", "get_wire"]


def get_wire(name: str) -> Wire:
    """The format of this name: anthropic, gemini, ollama or openai. Raises ValueError for others.

    A format is imported when it is first asked for.
    """
    match name:
        case "anthropic":
            from koderz.wire import anthropic

            return anthropic
        case "gemini":
            from koderz.wire import gemini

            return gemini
        case "ollama":
            from koderz.wire import ollama

            return ollama
        case "openai":
            from koderz.wire import openai

            return openai
        case _:
            raise ValueError(f"no wire format {name!r}: it is anthropic, gemini, ollama or openai")
