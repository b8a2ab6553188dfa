"""A Cortex server for tests: MCP over stdio with the tools whose schemas a file states.

It answers in plain text, prints a line that is no message while it starts, shows 200 characters
of a memory in a list, and keeps its memories in a file. `--die-after N` ends it at call N.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

SHOWN = 200
MOST_CHARACTERS = 10_240
TYPES = {"string": str, "number": int, "boolean": bool, "array": list, "object": dict}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("schemas", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("--die-after", type=int, default=None)
    options = parser.parse_args()
    say("[cortex] memory database ready")
    sys.stderr.write("a warning on the other stream\n")
    server = Server(json.loads(options.schemas.read_text()), options.store, options.die_after)
    for line in sys.stdin:
        reply = server.reply(json.loads(line))
        if reply is not None:
            say("not a message either")
            say(json.dumps({"jsonrpc": "2.0", **reply}))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Server:
    def __init__(self, schemas: list[dict[str, Any]], store: Path, die_after: int | None) -> None:
        self.tools = {tool["name"]: tool for tool in schemas}
        self.store, self.left = store, die_after
        self.memories: list[dict[str, Any]] = (
            json.loads(store.read_text()) if store.exists() else []
        )

    def reply(self, message: dict[str, Any]) -> dict[str, Any] | None:
        if "id" not in message:
            return None
        answer = {"id": message["id"]}
        match message["method"]:
            case "initialize":
                return {**answer, "result": self.initialize(message["params"])}
            case "tools/list":
                return {**answer, "result": {"tools": list(self.tools.values())}}
            case "tools/call":
                return {**answer, "result": self.call(message["params"])}
            case "ping":
                return {**answer, "result": {}}
        return {**answer, "error": {"code": -32601, "message": "no such method"}}

    def initialize(self, params: dict[str, Any]) -> dict[str, Any]:
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "cortex", "version": "0"},
        }

    def call(self, params: dict[str, Any]) -> dict[str, Any]:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                os._exit(3)
        name, arguments = params["name"], params.get("arguments") or {}
        wrong = check(self.tools[name]["inputSchema"], arguments)
        text = wrong or getattr(self, name)(**arguments)
        content = [{"type": "text", "text": text}]
        return {"content": content, "isError": bool(wrong)}

    def remember(self, **memory: Any) -> str:
        memory["content"] = memory["content"][:MOST_CHARACTERS]
        if all(known["title"] != memory["title"] for known in self.memories):
            self.memories.append({"id": len(self.memories) + 1, **memory})
            self.store.write_text(json.dumps(self.memories))
        return f'✓ Remembered: "{memory["title"]}"\n  ID: {len(self.memories)}'

    def recall(self, *, tags: list[str] | None = None, limit: int = 10, **_: Any) -> str:
        found = [m for m in self.memories if not tags or set(tags) & set(m.get("tags", []))]
        rows = [f"[{m['id']}] **{m['title']}**\n    {shorten(m['content'])}" for m in found]
        return f"Found {len(found)} memories:\n" + "\n\n".join(rows[:limit])

    def get_memory(self, *, id: int) -> str:  # noqa: A002 - the tool's own word
        (memory,) = [m for m in self.memories if m["id"] == id]
        return f"# {memory['title']}\n\n{memory['content']}\n\nTags: {memory.get('tags')}"

    def export_memories(self, **_: Any) -> str:
        return json.dumps(self.memories)

    def start_session(self, **_: Any) -> str:
        return "Session started (ID: 7)"

    def end_session(self, *, sessionId: int, summary: str = "") -> str:  # noqa: N803 - the schema's word
        self.remember(title=f"session {sessionId}", content=summary)
        return "Session ended"


def shorten(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def check(schema: dict[str, Any], arguments: dict[str, Any]) -> str:
    """What is wrong with the arguments by the schema, "" where nothing is."""
    properties = schema["properties"]
    for name in schema.get("required", []):
        if name not in arguments:
            return f"{name} is missing"
    for name, value in arguments.items():
        if name not in properties:
            return f"{name} is unknown"
        kind = properties[name]
        if not isinstance(value, TYPES[kind["type"]]) or value not in kind.get("enum", [value]):
            return f"{name} does not fit"
        if value < kind.get("minimum", value) or value > kind.get("maximum", value):
            return f"{name} is out of range"
    return ""


if __name__ == "__main__":
    main()
