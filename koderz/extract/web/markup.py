"""A page's HTML cut down to what a person sees, in a handful of tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import msgspec

from koderz.extract.web.blocks import drop_unseen
from koderz.extract.web.tables import build_table

if TYPE_CHECKING:
    from resiliparse.parse.html import ElementNode, HTMLTree, Node

TABLE = "\ue000"
CODE = "\ue001"
"""What a `<pre>` begins with: a table, or code; a second one marks what is kept anywhere."""

_HIDING = [
    "[hidden]:not([hidden=until-found])",
    *(
        f'[style*="{name}:{space}{value}" i]'
        for name, value in (
            ("display", "none"),
            ("visibility", "hidden"),
            ("font-size", "0;"),
            ("font-size", "0px"),
            ("opacity", "0;"),
            ("left", "-9999"),
            ("text-indent", "-9999"),
            ("top", "-9999"),
        )
        for space in ("", " ")
    ),
    *(f'[style$="{name}:{space}0" i]' for name in ("font-size", "opacity") for space in ("", " ")),
]
_HIDDEN_PARAGRAPHS = ",".join(f"{each} p" for each in _HIDING)
_NEVER_SEEN = ["svg", "dialog:not([open])"]
# Some steps take time with the square of the depth, which would be minutes for a hostile page.
_TOO_DEEP = "*>" * 200 + "*"
_MOST_MARKED = 1000
_SEEN = "data-koderz-seen"
_ASIDE = "nav,footer,aside"
_LANGUAGE = re.compile(r"(?:^|\s)(?:language|lang|highlight-source)-([\w+#-]{1,20})")


class Markup(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to see on a page.

    `body` is its text in headings, paragraphs, lists, `<pre>`, line breaks and links, all well
    formed; tables and code stand in marked `<pre>`s. `main` is the text that looks like the
    page's subject at a first glance.
    """

    title: str
    body: str
    main: str


def build_markup(html: str) -> Markup:
    """The page without scripts, styles, comments, and what it hides."""
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse(html.replace(TABLE, "").replace(CODE, ""))
    if tree.body is None:
        return Markup(title="", body="", main="")
    main, skipped = "", [*_NEVER_SEEN, *_list_hiding(tree.body)]
    if tree.body.query_selector(_TOO_DEEP) is None:
        _mark_tables(tree, tree.body)
        _mark_code(tree, tree.body)
        main = extract_plain_text(
            tree,
            preserve_formatting=True,
            main_content=True,
            alt_texts=False,
            list_bullets=False,
            skip_elements=skipped,
        )
    body = extract_plain_text(
        tree,
        preserve_formatting="minimal_html",
        alt_texts=False,
        links=True,
        skip_elements=skipped,
    )
    title = " ".join((tree.title or "").split())
    return Markup(title=drop_unseen(title), body=drop_unseen(body), main=drop_unseen(main))


def _list_hiding(body: ElementNode) -> list[str]:
    """The selectors of what the page does not show.

    None where that would be most of its paragraphs: such a page shows its text by a script.
    """
    hidden = len(body.query_selector_all(_HIDDEN_PARAGRAPHS))
    return [] if hidden * 2 > len(body.query_selector_all("p")) else _HIDING


def _mark_tables(tree: HTMLTree, body: ElementNode) -> None:
    for table in _find_each(body, "table"):
        if text := build_table(table):
            pre = cast("ElementNode", tree.create_element("pre"))
            pre.text = f"{TABLE}{_say_fixed(table)}{text}"
            pre.setattr(_SEEN, "")
            table.replace_with(pre)


def _mark_code(tree: HTMLTree, body: ElementNode) -> None:
    for pre in _find_each(body, "pre"):
        mark = tree.create_text_node(f"{CODE}{_say_fixed(pre)}{_get_language(pre)}\n")
        pre.prepend(cast("Node", mark))


def _find_each(body: ElementNode, tag: str) -> Iterator[ElementNode]:
    """The elements with this tag, outer ones first.

    One look-up each, because the library's collections take time with the square of their size.
    """
    for _ in range(_MOST_MARKED):
        node = body.query_selector(f"{tag}:not([{_SEEN}])")
        if node is None:
            return
        node.setattr(_SEEN, "")
        yield node


def _say_fixed(node: ElementNode) -> str:
    return "" if node.closest(_ASIDE) is not None else CODE


def _get_language(pre: ElementNode) -> str:
    inner = pre.query_selector("code")
    for node in (pre, inner, pre.parent_element):
        if node is not None and (found := _LANGUAGE.search(node.getattr("class") or "")):
            return found[1]
    return ""
