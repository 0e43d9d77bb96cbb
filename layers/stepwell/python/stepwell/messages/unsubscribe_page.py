"""The pages behind an unsubscribe link: one file of HTML, without scripts, for every screen.

A page that is only looked at changes nothing, because mail scanners and previews follow links; the
button does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from stepwell.messages.unsubscribing import Link

HEADERS: Mapping[str, str] = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""The address names the link, so that no other site may learn it and nothing may keep it."""

_BY = {
    "email": "by email",
    "sms": "by text message",
    "push": "as notifications on your phone",
    "in_app": "in the app",
    "whatsapp": "by WhatsApp",
}
_STYLE = (
    "body{font:1.125rem/1.6 system-ui,sans-serif;max-width:34rem;margin:12vh auto;"
    "padding:0 1.25rem;color:#1a1a1a;background:#fff}h1{font-size:1.5rem;line-height:1.3}"
    "button{font:inherit;font-weight:600;padding:.75rem 1.5rem;min-height:44px;"
    "border:2px solid #1a1a1a;border-radius:.5rem;background:#1a1a1a;color:#fff;cursor:pointer}"
    "button:focus-visible{outline:3px solid #0b57d0;outline-offset:3px}"
    "@media(prefers-color-scheme:dark){body{color:#f2f2f2;background:#121212}"
    "button{background:#f2f2f2;color:#121212;border-color:#f2f2f2}button:focus-visible{outline-color:#8ab4f8}}"
)


def question(link: Link) -> str:
    """Asks; the form goes to the address that the page has."""
    form = (
        '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
        '<button type="submit">Unsubscribe</button></form>'
    )
    return _page("Unsubscribe?", f"You will get no more {_what(link)}.", form)


def done(link: Link) -> str:
    return _page("You are unsubscribed", f"You will get no more {_what(link)}.")


def unknown_link() -> str:
    return _page(
        "This link does not work",
        "It is not complete, or it is not one of ours. Open it from the message once more; if that "
        "does not help, answer the message.",
    )


def not_now() -> str:
    return _page(
        "Please try again",
        "We could not finish this just now. Try again in a minute: load this page once more.",
    )


def _what(link: Link) -> str:
    return escape(f"{link.purpose.replace('_', ' ')} messages {_BY.get(link.channel, '')}".rstrip())


def _page(title: str, text: str, form: str = "") -> str:
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n<p>{text}</p>\n{form}\n</main>\n</body>\n</html>\n"
    )
