"""Writes a language model so small that it loads in milliseconds: random weights, real format.

It has llama's architecture, one token a byte and answers gibberish, but a server that runs it
counts tokens, stops, streams and keeps to a JSON schema as with any other model.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

WIDTH, LAYERS, HEADS, HIDDEN = 32, 2, 4, 64
CONTEXT_TOKENS = 512
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
)


def write_tiny_gguf(path: Path, *, context_tokens: int = CONTEXT_TOKENS) -> Path:
    """Write the model to `path` (about 200 kB) and give the path back."""
    writer = gguf.GGUFWriter(path, "llama")
    tokens = _add_vocabulary(writer)
    writer.add_name("tiny")
    writer.add_context_length(context_tokens)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(tokens)
    writer.add_chat_template(CHAT_TEMPLATE)
    _add_weights(writer, tokens)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_vocabulary(writer: gguf.GGUFWriter) -> int:
    """One token a byte, and one a printable character, so that most of the gibberish is text."""
    kinds = gguf.TokenType
    marks = [b"<unk>", b"<s>", b"</s>"]
    raw = [f"<0x{byte:02X}>".encode() for byte in range(256)]
    characters = [bytes([byte]) for byte in range(33, 127)] + ["\u2581".encode()]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([*marks, *raw, *characters])
    writer.add_token_scores([0.0] * len(marks) + [-1.0] * len(raw) + [-2.0] * len(characters))
    writer.add_token_types(
        [kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL]
        + [kinds.BYTE] * len(raw)
        + [kinds.NORMAL] * len(characters)
    )
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    return len(marks) + len(raw) + len(characters)


def _add_weights(writer: gguf.GGUFWriter, tokens: int) -> None:
    random = np.random.default_rng(7)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(f"{name}.weight", random.normal(0, 0.2, shape).astype(np.float32))

    def add_ones(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, dtype=np.float32))

    add("token_embd", tokens, WIDTH)
    add_ones("output_norm")
    add("output", tokens, WIDTH)
    for layer in range(LAYERS):
        add_ones(f"blk.{layer}.attn_norm")
        add_ones(f"blk.{layer}.ffn_norm")
        for part in ("q", "k", "v", "output"):
            add(f"blk.{layer}.attn_{part}", WIDTH, WIDTH)
        add(f"blk.{layer}.ffn_gate", HIDDEN, WIDTH)
        add(f"blk.{layer}.ffn_up", HIDDEN, WIDTH)
        add(f"blk.{layer}.ffn_down", WIDTH, HIDDEN)
