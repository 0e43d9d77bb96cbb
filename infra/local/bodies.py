"""The body of an HTTP request: by its length or in chunks, never more than is bearable, never a
part of one for the whole.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from email.message import Message
from io import BufferedIOBase

LARGEST = 10 * 1024 * 1024
"""API Gateway's limit."""
_LONGEST_LINE = 1024
"""Of a chunk's size, with what may be said beside it."""
_PATIENCE = 0.5
"""Seconds that a client which was refused may be silent."""
_DIGITS = "0123456789abcdefABCDEF"


class BodyError(Exception):
    """There is no whole body; the connection is of no more use. An answer's status, type, text."""

    def __init__(self, status: int, kind: str, text: str) -> None:
        super().__init__(text)
        self.status, self.kind, self.text = status, kind, text


def read_body(headers: Message, stream: BufferedIOBase) -> bytes:
    """Raises BodyError."""
    encoding = (headers.get("Transfer-Encoding") or "").strip().lower()
    length = headers.get_all("Content-Length") or []
    if encoding:
        if encoding != "chunked" or length:  # two lengths are a way to hide a second request
            raise _malformed()
        return _read_chunks(stream)
    if len(set(length)) > 1:
        raise _malformed()
    return _read_exactly(stream, _number(length[0], 10)) if length else b""


def linger(connection: socket.socket) -> None:
    """Take what a client still sends, for a moment: closed at once, the connection would be reset,
    and who sends all before reading would never see why.
    """
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(_PATIENCE)
        taken = 0
        while taken < 10 * LARGEST and (more := connection.recv(65_536)):
            taken += len(more)


def _read_chunks(stream: BufferedIOBase) -> bytes:
    whole = bytearray()
    while size := _number(_line(stream).partition(b";")[0].decode("latin-1"), 16):
        if len(whole) + size > LARGEST:
            raise _too_large()
        whole += _read_exactly(stream, size)
        if _line(stream):
            raise _malformed()
    while _line(stream):
        """Trailers say nothing that is of interest."""
    return bytes(whole)


def _line(stream: BufferedIOBase) -> bytes:
    line = stream.readline(_LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise _malformed()
    return line.rstrip(b"\r\n")


def _read_exactly(stream: BufferedIOBase, size: int) -> bytes:
    if size > LARGEST:
        raise _too_large()
    body = stream.read(size)
    if len(body) < size:
        raise _malformed()
    return body


def _number(text: str, base: int) -> int:
    """Digits alone: Python's own reader takes signs, spaces and underscores too."""
    digits = text.strip()
    known = _DIGITS[: base if base == 10 else None]
    if not digits or len(digits) > 16 or not set(digits) <= set(known):
        raise _malformed()
    return int(digits, base)


def _malformed() -> BodyError:
    return BodyError(400, "BAD_REQUEST_BODY", "Bad Request")


def _too_large() -> BodyError:
    return BodyError(413, "REQUEST_TOO_LARGE", "Request Too Long")
