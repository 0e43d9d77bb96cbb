"""A message as one customer gets it on one channel: its text, and the link that ends its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.journeys.program import Message
from stepwell.messages.imprint import TRANSACTIONAL, Imprint, completed
from stepwell.messages.reach import addresses_on
from stepwell.messages.suppression import address_hash
from stepwell.messages.templates import render
from stepwell.messages.unsubscribing import Link, url_of
from stepwell.ports import Hasher
from stepwell.values import value


@value
class Letter:
    """`customer` is who they are now; `message_id` is the message's, whatever the channel."""

    customer: str
    message_id: str
    message: Message
    channel: str
    imprint: Imprint
    hasher: Hasher

    def render(self, context: Mapping[str, Any], profile: Mapping[str, Any]) -> dict[str, str]:
        """The channel's fields. A link in them is of the first address. Raises TemplateError."""
        template = self.message.template[self.channel]
        address = next(iter(addresses_on(profile, self.channel)), "")
        variables = self.imprint.variables(self.unsubscribe_url(address))
        content = render(template, {**context, **variables})
        if self.channel == "email" and self.message.purpose != TRANSACTIONAL:
            return completed(content, template, variables)
        return content

    def unsubscribe_url(self, address: str) -> str:
        """Empty for what nobody unsubscribes from, and where nothing answers."""
        purpose = self.message.purpose
        if purpose == TRANSACTIONAL or not self.imprint.public_url:
            return self.imprint.any_link if purpose != TRANSACTIONAL else ""
        mark = address_hash(self.channel, address, self.hasher)
        link = Link(self.customer, purpose, self.channel, self.message_id, mark)
        return url_of(link, self.imprint.public_url, self.hasher)
