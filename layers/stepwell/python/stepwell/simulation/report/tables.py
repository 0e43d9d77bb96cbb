"""Tables of the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stepwell.simulation.report.svg import element, escape

Row = tuple[Sequence[str], str]
"""Cells, and a class for the row."""


def html_table(
    caption: str,
    left: Sequence[str],
    right: Sequence[str],
    rows: Iterable[Sequence[str] | Row],
    note: str = "",
) -> str:
    """Columns of text, then columns of numbers. `note` follows the caption in smaller print."""
    heads = [element("th", escape(name), scope="col") for name in left]
    heads += [element("th", escape(name), scope="col", class_="number") for name in right]
    body = "".join(_row(row, len(left)) for row in rows)
    said = escape(caption) + (element("small", escape(note)) if note else "")
    inside = (
        element("caption", said)
        + element("thead", element("tr", "".join(heads)))
        + element("tbody", body)
    )
    whole = element("table", inside)
    return element("div", whole, class_="wide", tabindex="0", role="region", aria_label=caption)


def _row(row: Sequence[str] | Row, texts: int) -> str:
    cells, class_ = row if _has_class(row) else (row, "")
    made = []
    for place, cell in enumerate(cells):
        content = escape(str(cell))
        if place == 0:
            made.append(element("th", content, scope="row"))
        else:
            made.append(element("td", content, class_="" if place < texts else "number"))
    return element("tr", "".join(made), class_=class_)


def _has_class(row: Sequence[str] | Row) -> bool:
    return len(row) == 2 and not isinstance(row[0], str)
