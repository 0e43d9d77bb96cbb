"""Pieces of SVG as text. Everything that comes from outside is escaped here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape as _escape

CHARACTER = 6.7
"""About how wide a character of the pictures' text is, in pixels."""


def escape(text: str) -> str:
    """For text and for attributes; control characters, which no document may hold, become �."""
    return _escape("".join(each if each.isprintable() or each == " " else "�" for each in text))


def element(tag: str, content: str = "", **attributes: str | float) -> str:
    """`content` is markup. A trailing _ is dropped from names, other _ become -."""
    given = "".join(f' {_name(name)}="{_value(value)}"' for name, value in attributes.items())
    return f"<{tag}{given}>{content}</{tag}>"


def _name(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _value(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, content: str, class_: str = "", anchor: str = "middle") -> str:
    return element("text", escape(content), x=x, y=y, class_=class_, text_anchor=anchor)


def titled(title: str, content: Iterable[str], class_: str = "") -> str:
    """A group with what is shown when one points at it, and read out."""
    return element("g", element("title", escape(title)) + "".join(content), class_=class_)


def picture(width: float, height: float, title: str, content: Iterable[str]) -> str:
    """A drawing that shrinks with the page and has a name for those who do not see it."""
    return element(
        "svg",
        element("title", escape(title)) + "".join(content),
        role="img",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=round(width),
        height=round(height),
        aria_label=title,
    )


def wide(content: str) -> float:
    """About how wide a text is."""
    return len(content) * CHARACTER
