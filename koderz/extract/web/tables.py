"""A table of a page as Markdown, where it holds figures and not the page's layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resiliparse.parse.html import ElementNode

# Tables that lay out a page hold its parts: whole articles, other tables, forms.
_LAYOUT = "table,pre,form,iframe,article,section"
_BLOCKS = "h1,h2,h3,h4,h5,h6,ul,ol,blockquote"
_GROUPS = frozenset({"thead", "tbody", "tfoot"})
_CELLS = frozenset({"td", "th"})
_LONGEST_CELL_CHARS = 300
_NO_TEXT = "script,style,noscript,template"


def build_table(table: ElementNode) -> str:
    """The table as Markdown with its caption above; "" where it is no table of values."""
    if table.query_selector(_LAYOUT) is not None:
        return ""
    while (node := table.query_selector(_NO_TEXT)) is not None:
        node.remove()
    rows = list(_list_rows(table))
    if not _holds_values(table, rows):
        return ""
    caption = table.query_selector("caption")
    above = _flatten(caption.text) if caption is not None else ""
    return f"{above}\n\n{render_table(rows)}" if above else render_table(rows)


def render_table(rows: Sequence[Sequence[str]]) -> str:
    """The rows as a Markdown table whose first row is its head."""
    width = max(len(row) for row in rows)
    lines = [f"| {' | '.join([*row, *[''] * (width - len(row))])} |" for row in rows]
    lines.insert(1, f"|{'---|' * width}")
    return "\n".join(lines)


def _list_rows(node: ElementNode) -> Iterator[list[str]]:
    """The cells of each row that has any."""
    for child in _list_children(node):
        if child.tag == "tr":
            cells = [_flatten(cell.text) for cell in _list_children(child) if cell.tag in _CELLS]
            if cells:
                yield cells
        elif child.tag in _GROUPS:
            yield from _list_rows(child)


def _list_children(node: ElementNode) -> Iterator[ElementNode]:
    """The elements in a node, one by one: the library's collections are slow for long tables."""
    child = node.first_element_child
    while child is not None:
        yield child
        child = child.next_element_sibling


def _holds_values(table: ElementNode, rows: Sequence[Sequence[str]]) -> bool:
    """Whether these are rows and columns of values: a head says so, or else short cells do."""
    if max(map(len, rows), default=0) <= 1:
        return False
    if table.query_selector("th") is not None:
        return True
    longest = max(len(cell) for row in rows for cell in row)
    has_blocks = table.query_selector(_BLOCKS) is not None
    return len(rows) > 1 and longest <= _LONGEST_CELL_CHARS and not has_blocks


def _flatten(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
