"""What must never happen, looked for in a simulation that has been played.

The rules are written here a second time, from the policies and from what was sent and applied:
nothing here calls the modules that decide about messages, so that a mistake in them shows.
"""

from stepwell.simulation.never.broken import Broken, Rule
from stepwell.simulation.never.enrollments import unreached
from stepwell.simulation.never.search import find_broken

__all__ = ["Broken", "Rule", "find_broken", "unreached"]
