"""What SES says of the sender, the account and the configuration set."""

from __future__ import annotations

from stepwell.aws.inspection.asking import ask, find
from stepwell.aws.inspection.scene import Scene
from stepwell.readiness import email
from stepwell.readiness.findings import Finding


def look_at_sender(scene: Scene) -> Finding:
    ses, sender = scene.client("sesv2"), scene.setup.email_from
    identities = []
    for name in email.identities_of(sender):
        found = find(ses.get_email_identity, EmailIdentity=name)
        if found is not None:
            dkim = found.get("DkimAttributes", {})
            signed = bool(dkim.get("SigningEnabled")) and dkim.get("Status") == "SUCCESS"
            verified = bool(found.get("VerifiedForSendingStatus"))
            identities.append(email.Identity(name, verified, signed))
    return email.check_sender(sender, identities)


def look_at_account(scene: Scene) -> Finding:
    found = ask(scene.client("sesv2").get_account)
    quota = found.get("SendQuota", {})
    return email.check_account(
        email.Account(
            production=found["ProductionAccessEnabled"],
            sending=found["SendingEnabled"],
            enforcement=found.get("EnforcementStatus", ""),
            review=found.get("Details", {}).get("ReviewDetails", {}).get("Status", ""),
            daily=quota.get("Max24HourSend", 0),
            a_second=quota.get("MaxSendRate", 0),
            sent=quota.get("SentLast24Hours", 0),
        )
    )


def look_at_events(scene: Scene) -> Finding:
    ses, name = scene.client("sesv2"), scene.setup.email_configuration_set
    found = find(ses.get_configuration_set, ConfigurationSetName=name) if name else None
    if found is None:
        return email.check_events(name, None)
    listed = ask(ses.get_configuration_set_event_destinations, ConfigurationSetName=name)
    destinations = [
        email.Destination(
            enabled=bool(each.get("Enabled")),
            event_bridge="EventBridgeDestination" in each,
            kinds=each.get("MatchingEventTypes", ()),
        )
        for each in listed.get("EventDestinations", ())
    ]
    sending = found.get("SendingOptions", {}).get("SendingEnabled", True)
    return email.check_events(name, email.ConfigurationSet(sending, destinations))


def look_at_footer(scene: Scene) -> Finding | None:
    if scene.setup.postal_address is None:
        return None
    return email.check_footer(scene.setup.postal_address, scene.setup.public_url)
