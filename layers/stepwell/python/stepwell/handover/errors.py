"""How a hand-over ends other than well. The state machine goes by the names of these classes."""

from __future__ import annotations


class DestinationRefusedError(Exception):
    """The destination does not take this: asking again would not help. The message is its code."""


class DestinationAwayError(Exception):
    """Throttled, broken or silent: it may go later, and may have been taken already."""


class EnrollmentEndedError(Exception):
    """The enrollment was exited, or is another run's: nobody is to be asked for this one."""


class AlreadyHandedOverError(Exception):
    """It was to be given up, and its record says that it was taken after all."""


REFUSED = DestinationRefusedError.__name__
AWAY = DestinationAwayError.__name__
ENDED = EnrollmentEndedError.__name__
ALREADY = AlreadyHandedOverError.__name__
