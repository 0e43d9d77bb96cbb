"""Where personal values belong: the whole list. One that is found elsewhere is a leak."""

from __future__ import annotations

import re

from tests.support.marked_sender import MarkedSender
from tests.support.overhearing import Overhearing

# The queue and the buckets: bodies only.
BODIES = (
    r"call sqs\.SendMessageBatch Entries\.MessageBody",
    r"call s3\.PutObject Body",
)
BELONGS = (
    *BODIES,
    # Providers: the address and the content only, no tag and no attribute.
    r"call sns\.Publish (Message|PhoneNumber)",
    r"call sns\.CreatePlatformEndpoint Token",
    r"call sesv2\.SendEmail (Destination\.ToAddresses|Content\..*)",
    # Destinations of hand-overs: what they declare, which the test compares.
    r"call events\.PutEvents Entries\.Detail",
    # Comprehend, where it is asked: the text, and nothing that says whose it is.
    r"call comprehend\.DetectSentiment Text",
    # The tables: no key. What is written is looked at attribute by attribute, as it lies there.
    r"call dynamodb\.(\w+) (TransactItems\.(Put|Update)\.)?(Item|ExpressionAttributeValues)\..*",
    r"item PROFILE (traits|trait_times|addresses|groups|user_id|computed)",
    r"item PROFILE (anonymous_ids|previous_ids|former_user_ids)",
    r"item PROFILE (place|device)",
    r"item ENROLLMENT entry_event",
    r"item CONVERSION value",
    r"item INBOX (title|body|url)",
    r"item APPLIED tells",
)
IDS_BELONG = (
    *BELONGS,
    r"item CONSENTS grants",
    r"item PROFILE (signals|conversation)",
    r"item (CONVERSION|MERGED|NOT_JOINED) event",
    r"item ENROLLMENT (conversion_event|ended_by|\w+_event)",
    # The proof of a consent, on its way into the decision; executions of send_message keep nothing.
    r"item DECISION rules",
    r"(input|output) (consent|frequency-cap|delivery)",
)
"""An id that the sender gave to a call is kept with what came of it."""


def places(sender: MarkedSender, heard: Overhearing, printed: str) -> set[str]:
    """Where marks were found; raises for those that do not belong there."""
    found: set[str] = set()
    leaks: list[str] = []
    said = [*heard.everything(), ("print", printed)]
    belongings = ((sender.marks, BELONGS), (sender.ids, IDS_BELONG), (sender.unkept, BODIES))
    for marks, belong in belongings:
        for place, each in said:
            if shown := marks.found(each):
                found.add(place)
                if not any(re.fullmatch(pattern, place) for pattern in belong):
                    leaks.append(f"{place}: {', '.join(shown[:3])} in {str(each)[:200]}")
    assert not leaks, "\n".join(leaks)
    return found
