"""What a message says of its sender: the postal address, and how to get no more of its kind.

Templates print `postal_address` and `unsubscribe_url` where they like. An email that prints one of
them nowhere gets it at its end, so that no author can forget what the law asks for.
"""

from __future__ import annotations

import html
from collections.abc import Mapping

from stepwell.values import value

TRANSACTIONAL = "transactional"
"""The purpose that nobody unsubscribes from, and whose texts carriers put first."""

# The names by which templates print them.
UNSUBSCRIBE_URL = "unsubscribe_url"
POSTAL_ADDRESS = "postal_address"


@value
class Imprint:
    """`public_url` is where the API answers, without a slash at its end; "" for nowhere."""

    public_url: str = ""
    postal_address: str = ""
    any_link: str = ""
    """Of a simulation, where nobody clicks: the link of every message."""

    def variables(self, unsubscribe_url: str) -> dict[str, str]:
        """What templates see. What there is not is missing, so that printing it is an error."""
        both = {UNSUBSCRIBE_URL: unsubscribe_url, POSTAL_ADDRESS: self.postal_address}
        return {name: text for name, text in both.items() if text}


NO_IMPRINT = Imprint()


def completed(
    content: Mapping[str, str], template: Mapping[str, str], variables: Mapping[str, str]
) -> dict[str, str]:
    """An email's rendered fields, each part with those of the variables that its template leaves
    out.
    """
    done = dict(content)
    if "text" in done:
        done["text"] += _text_end(template["text"], variables)
    if "html" in done:
        done["html"] = _html_with_end(done["html"], template["html"], variables)
    return done


def _left_out(template: str, variables: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in variables.items() if name not in template}


def _text_end(template: str, variables: Mapping[str, str]) -> str:
    left_out = _left_out(template, variables)
    lines = []
    if POSTAL_ADDRESS in left_out:
        lines.append(left_out[POSTAL_ADDRESS])
    if UNSUBSCRIBE_URL in left_out:
        lines.append(f"Unsubscribe: {left_out[UNSUBSCRIBE_URL]}")
    return "".join(["\n\n-- \n", *(f"{line}\n" for line in lines)]) if lines else ""


def _html_with_end(text: str, template: str, variables: Mapping[str, str]) -> str:
    left_out = _left_out(template, variables)
    parts = []
    if POSTAL_ADDRESS in left_out:
        lines = html.escape(left_out[POSTAL_ADDRESS]).splitlines()
        parts.append("<br>".join(lines))
    if UNSUBSCRIBE_URL in left_out:
        parts.append(f'<a href="{html.escape(left_out[UNSUBSCRIBE_URL])}">Unsubscribe</a>')
    if not parts:
        return text
    end = f'<p style="font-size:small">{"<br>".join(parts)}</p>\n'
    place = text.lower().rfind("</body>")
    return text + end if place < 0 else text[:place] + end + text[place:]
