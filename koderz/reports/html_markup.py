"""Elements of HTML and SVG, built as values; whatever text goes in comes out escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

# What a browser does not show, or what turns the order of the letters around.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

Content = Element | str | None


def build(tag: str, *content: Content, **attributes: str | float | None) -> Element:
    """An element around its content, text and elements in their order; None leaves a part out.

    In an attribute's name an underscore stands for a hyphen, and one at the end for nothing
    (`class_`); a number is written as short as a picture needs it.
    """
    element = Element(tag)
    for name, value in attributes.items():
        if value is not None:
            text = clean_text(value) if isinstance(value, str) else format_number(value)
            element.set(name.rstrip("_").replace("_", "-"), text)
    return extend(element, content)


def extend(element: Element, content: Iterable[Content]) -> Element:
    """The same element with more content at its end."""
    for part in content:
        if isinstance(part, Element):
            element.append(part)
        elif part and len(element):
            element[-1].tail = (element[-1].tail or "") + clean_text(part)
        elif part:
            element.text = (element.text or "") + clean_text(part)
    return element


def clean_text(text: str) -> str:
    """The text with a visible mark wherever a character would show nothing or mislead."""
    return _UNSHOWN.sub("\ufffd", text)


def format_number(number: float) -> str:
    """A number with at most one decimal: "12", "12.5"."""
    return f"{number:.1f}".removesuffix(".0")


def render(element: Element) -> str:
    """The element as HTML."""
    return tostring(element, encoding="unicode", method="html")
