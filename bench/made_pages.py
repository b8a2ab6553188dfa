"""Pages made on the spot: documentation, a reference, news, a recipe, a changelog, each in a shell.

Every page knows its article, its fixed parts (code, tables, headings), and questions with the
sentence that answers each. The shell around it is navigation, teasers, notices, a footer, comments.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import msgspec

WORDS: dict[str, list[str]] = msgspec.toml.decode(Path(__file__).with_suffix(".toml").read_bytes())
NOUNS = WORDS["nouns"]


@dataclass
class MadePage:
    """A page, what of it is the article, and what has to be found in it."""

    name: str
    html: str
    article: str
    fixed: list[str]
    questions: list[tuple[str, str]]


@dataclass
class Writer:
    """Writes an article as HTML and as text side by side."""

    rnd: random.Random
    html: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    fixed: list[str] = field(default_factory=list)
    questions: list[tuple[str, str]] = field(default_factory=list)

    def add(self, html: str, text: str) -> None:
        """Adds a part in both forms."""
        self.html.append(html)
        self.text.append(text)

    def heading(self, level: int, text: str) -> None:
        """A heading, which has to be kept."""
        self.add(f"<h{level}>{escape(text)}</h{level}>", text)
        self.fixed.append(text)

    def paragraph(self, sentences: int) -> None:
        """So many sentences."""
        text = " ".join(self.sentence() for _ in range(sentences))
        self.add(f"<p>{escape(text)}</p>", text)

    def sentence(self) -> str:
        """A sentence that means little."""
        words = [self.rnd.choice(WORDS[each]) for each in ("subjects", "verbs", "objects", "when")]
        return f"{' '.join(words).capitalize()}."

    def items(self, count: int) -> None:
        """A list."""
        lines = [self.sentence() for _ in range(count)]
        self.add(
            "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>",
            "\n".join(lines),
        )

    def code(self) -> None:
        """A piece of code, which has to be kept."""
        name = self.rnd.choice(NOUNS)
        size = self.rnd.randrange(9999)
        text = f"{name} = open_{name}(size={size})\nif {name} < 3 & 1:\n    {name}.close()"
        self.add(f'<pre><code class="language-python">{escape(text)}</code></pre>', text)
        self.fixed.append(text)

    def table(self, rows: int) -> None:
        """A table, whose rows have to be kept."""
        head = ["name", "default", "meaning"]
        body = [
            [
                f"{self.rnd.choice(NOUNS)}_{at}",
                str(self.rnd.randrange(999)),
                self.rnd.choice(WORDS["objects"]),
            ]
            for at in range(rows)
        ]
        cells = "".join(
            f"<tr>{''.join(f'<td>{escape(each)}</td>' for each in row)}</tr>" for row in body
        )
        top = "".join(f"<th>{each}</th>" for each in head)
        html = f"<table><thead><tr>{top}</tr></thead><tbody>{cells}</tbody></table>"
        self.add(html, "\n".join(" ".join(row) for row in [head, *body]))
        self.fixed += [row[0] for row in body]

    def fact(self) -> None:
        """A paragraph with an answer, and the question for it."""
        noun, other = self.rnd.sample(NOUNS, 2)
        value = self.rnd.randrange(100, 9999)
        answer = f"The {noun} of the {other} is limited to {value} units."
        before, after = self.sentence(), self.sentence()
        self.add(f"<p>{escape(f'{before} {answer} {after}')}</p>", f"{before} {answer} {after}")
        self.questions.append((f"What is the limit of the {noun} of the {other}?", answer))


def write_docs(writer: Writer) -> None:
    writer.heading(1, f"Working with {writer.rnd.choice(NOUNS)}s")
    writer.paragraph(2)
    for number in range(1, writer.rnd.randrange(8, 14)):
        writer.heading(
            2, f"Step {number}: {writer.rnd.choice(NOUNS)} and {writer.rnd.choice(NOUNS)}"
        )
        writer.paragraph(writer.rnd.randrange(1, 4))
        parts: list[Callable[[], None]] = [
            writer.code,
            lambda: writer.items(4),
            writer.fact,
            lambda: writer.paragraph(1),
        ]
        for part in writer.rnd.sample(parts, 3):
            part()


def write_reference(writer: Writer) -> None:
    writer.heading(1, "Reference of the settings")
    for name in writer.rnd.sample(NOUNS, 10):
        writer.heading(2, f"{name}_{writer.rnd.randrange(99)}")
        writer.add("<p>Type: number</p>", "Type: number")
        writer.fact() if writer.rnd.random() < 0.5 else writer.paragraph(1)
        writer.table(writer.rnd.randrange(2, 9)) if writer.rnd.random() < 0.6 else writer.code()


def write_news(writer: Writer) -> None:
    writer.heading(1, f"Town council votes on {writer.rnd.choice(NOUNS)}")
    for _ in range(writer.rnd.randrange(10, 25)):
        writer.paragraph(writer.rnd.randrange(1, 4))
    for _ in range(2):
        writer.fact()
        writer.paragraph(3)


def write_changelog(writer: Writer) -> None:
    writer.heading(1, "Changes")
    for minor in range(12, 0, -1):
        writer.heading(2, f"Version 3.{minor}")
        writer.items(writer.rnd.randrange(2, 7))
    writer.fact()


def write_post(writer: Writer) -> None:
    writer.heading(1, f"How I lost a {writer.rnd.choice(NOUNS)}")
    for _ in range(4):
        writer.paragraph(4)
        writer.fact()
        writer.code()
    writer.heading(2, "What I learned")
    writer.items(5)
    writer.paragraph(2)


KINDS = {
    "docs": write_docs,
    "reference": write_reference,
    "news": write_news,
    "changelog": write_changelog,
    "post": write_post,
}


def make_pages(seed: int, each: int = 6) -> list[MadePage]:
    """Pages of every kind, the same for the same seed."""
    rnd = random.Random(seed)
    return [make_page(kind, number, rnd) for kind in KINDS for number in range(each)]


def make_page(kind: str, number: int, rnd: random.Random) -> MadePage:
    writer = Writer(rnd)
    KINDS[kind](writer)
    body = "\n".join(writer.html)
    return MadePage(
        name=f"{kind}-{number}",
        html=wrap(body, writer, rnd),
        article="\n".join(writer.text),
        fixed=writer.fixed,
        questions=writer.questions,
    )


def wrap(body: str, writer: Writer, rnd: random.Random) -> str:
    """The article in one of the shells that sites have."""
    links = "".join(
        f'<li><a href="/{name}">{name.capitalize()}</a></li>' for name in rnd.sample(NOUNS, 9)
    )
    teasers = "".join(
        f'<div class="teaser"><a href="/t/{at}">{escape(text)}</a><span>{at} min read</span></div>'
        for at, text in enumerate(rnd.sample(WORDS["teasers"], 6))
    )
    comments = "".join(
        f'<div class="comment"><b>user{at}</b><p>{escape(writer.sentence())}</p></div>'
        for at in range(4)
    )
    script = f"<script>window.state = {{'a': {[rnd.randrange(9) for _ in range(400)]}}};</script>"
    cookies = "<p>We and our partners use cookies. <a href='/c'>Choose</a></p>"
    notice = f"<div class='cookie-banner'>{cookies}</div>"
    sidebar = f"<div class='col-4 sidebar'>{teasers}</div>"
    article = rnd.choice(
        (
            f"<main><article>{body}</article></main>",
            f'<div class="content"><div class="post-body">{body}</div></div>',
            f'<div id="page"><div class="col-8">{body}</div>{sidebar}</div>',
        )
    )
    return (
        f"<!doctype html><html lang='en'><head><title>{escape(writer.text[0])} - Example</title>"
        f"<style>.a{{color:red}}</style>{script}</head><body>{notice}<header><nav><ul>{links}</ul></nav></header>"
        f"{article}<section class='related'><h2>More for you</h2>{teasers}</section>"
        f"<section id='comments' class='comments'><h3>Comments</h3>{comments}</section>"
        f"<footer><ul>{links}</ul><p>&copy; Example. All rights reserved.</p></footer>"
        f"{script}</body></html>"
    )
