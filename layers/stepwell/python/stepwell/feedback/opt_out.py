"""Is a text an opt-out, an opt-in, or a text like any other? Pure.

A text counts when it says one of these and besides it only words that change nothing ("please stop
texting me"). So "Can you stop by tomorrow?" and "cancel my order" are no opt-outs. The words are
those of carriers and of the FCC's rule of 2025 (REVOKE and OPT OUT are missing in AWS's own list),
and plain ones of a few more languages. HELP is answered by AWS.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class Wish(StrEnum):
    """What a text asks for. The values are `opt` of the event `Message Replied`."""

    OUT = "out"
    IN = "in"
    NONE = "none"


_OUT = (
    *("stop", "stopall", "stopp", "end", "quit", "cancel", "unsubscribe", "revoke"),
    *("optout", "opt out", "remove", "unsub", "no more", "leave me alone"),
    *("do not text", "dont text", "do not contact", "dont contact", "do not message"),
    *("alto", "parar", "pare", "baja", "cancelar", "detener", "no mas"),  # Spanish, Portuguese
    *("sair", "arret", "arreter", "desabonner", "desinscrire", "desinscription"),  # French
    *("abmelden", "abbestellen", "aufhoren", "ferma", "fermare", "cancella", "basta"),
    *("stoppen", "afmelden", "uitschrijven"),
)
_IN = ("start", "unstop", "yes start", "optin", "opt in", "subscribe", "resubscribe")
_MEANINGLESS = frozenset(
    (
        *("please", "pls", "plz", "now", "all", "me", "my", "number", "from", "this", "these"),
        *("it", "texting", "texts", "text", "messages", "messaging", "message", "msgs", "sms"),
        *("sending", "contacting", "thanks", "thank", "you", "list", "the", "your", "again"),
        *("i", "want", "to", "just", "sms", "marketing", "promotions", "ads", "spam"),
        *("por", "favor", "bitte", "svp", "s", "sil", "il", "vous", "plait", "mensajes", "grazie"),
        *("alstublieft", "per", "nachrichten"),
    )
)
_WORDS = re.compile(r"[a-z]+")
_APOSTROPHES = re.compile("['`\u2018\u2019\u00b4]")


def wish_of(text: str) -> Wish:
    """Opt-outs are looked for first."""
    said = _plain(text)
    if _says(said, _OUT):
        return Wish.OUT
    return Wish.IN if _says(said, _IN) else Wish.NONE


def _says(said: str, phrases: tuple[str, ...]) -> bool:
    for phrase in phrases:
        rest, found = re.subn(rf"\b{phrase}\b", " ", said)
        if found and all(word in _MEANINGLESS for word in rest.split()):
            return True
    return False


def _plain(text: str) -> str:
    """Small letters without accents, apostrophes and signs, one space between words."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(each for each in apart if not unicodedata.combining(each))
    return " ".join(_WORDS.findall(_APOSTROPHES.sub("", bare)))
