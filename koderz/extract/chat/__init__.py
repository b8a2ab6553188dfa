"""Conversations without a model: turns, what was decided and done, and which turns tell most."""

from koderz.extract.chat.building import build_ledger
from koderz.extract.chat.ledger import ChatLedger
from koderz.extract.chat.parsing import load_conversation, parse_conversation, parse_messages
from koderz.extract.chat.turns import Conversation, Piece, Turn

__all__ = [
    "ChatLedger",
    "Conversation",
    "Piece",
    "Turn",
    "build_ledger",
    "load_conversation",
    "parse_conversation",
    "parse_messages",
]
