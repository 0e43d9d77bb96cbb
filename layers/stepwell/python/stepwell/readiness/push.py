"""Push messages and WhatsApp: is what they are sent through there, and switched on?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stepwell.readiness.findings import Finding, ok, problem, warning

APPLICATION = "push application"
WHATSAPP = "WhatsApp number"
_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Platform:
    """SNS's application. `expires`: Apple's certificate, where there is one."""

    enabled: bool
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """One of End User Messaging's ways to phones: APNS or GCM."""

    name: str
    enabled: bool
    credentials: bool

    @property
    def works(self) -> bool:
        return self.enabled and self.credentials


def check_nothing_set(setting: str) -> Finding:
    means = "no push application is set: a message that may go by push tries its other channels"
    return warning(APPLICATION, means, f"make one, and set {setting} in infra/settings.py")


def check_platform(arn: str, found: Platform | None, now: datetime) -> Finding:
    """`found` is None when SNS has no application of this ARN."""
    name = arn.rpartition("/")[2]
    renew = f"aws sns set-platform-application-attributes --platform-application-arn {arn}"
    credentials = "--attributes PlatformCredential=…"
    if found is None:
        means = f"SNS has no application {name} in this Region: every push message is refused"
        return problem(APPLICATION, means, "set push_application_arn in infra/settings.py")
    if found.expires and found.expires <= now:
        means = f"Apple's certificate of {name} expired on {found.expires:%Y-%m-%d}"
        return problem(APPLICATION, means, f"{renew} {credentials}")
    if not found.enabled:
        means = f"{name} is switched off, mostly because its credentials were refused"
        return problem(
            APPLICATION, means, f"{renew} --attributes Enabled=true,PlatformCredential=…"
        )
    if found.expires and found.expires <= now + _SOON:
        means = f"Apple's certificate of {name} expires on {found.expires:%Y-%m-%d}"
        return warning(APPLICATION, means, f"{renew} {credentials}")
    return ok(APPLICATION, f"{name} is enabled")


def check_channels(application: str, channels: Sequence[Channel] | None) -> Finding:
    """`channels` is None when there is no such application; those never set up are left out."""
    place = "console: AWS End User Messaging, Push notifications"
    if channels is None:
        means = f"there is no push application {application}: every push message is refused"
        return problem(APPLICATION, means, f"{place}; set push_application_id in infra/settings.py")
    works = [each.name for each in channels if each.works]
    broken = [each.name for each in channels if not each.works]
    if not works:
        means = f"application {application} has neither APNS nor GCM (FCM) switched on"
        return problem(APPLICATION, means, f"{place}, {application}, Settings")
    if broken:
        means = f"{', '.join(broken)} of application {application} is off or without credentials"
        return warning(APPLICATION, means, f"{place}, {application}, Settings")
    return ok(APPLICATION, f"{', '.join(works)} of application {application} is enabled")


def check_whatsapp(number_id: str, quality: str | None) -> Finding:
    """`quality` is Meta's rating of the number; None when it is not linked to the account."""
    place = "console: AWS End User Messaging, Social messaging"
    if quality is None:
        means = f"WhatsApp number {number_id} is not linked here: every such message is refused"
        return problem(WHATSAPP, means, f"{place}, or set whatsapp_number_id anew")
    if quality.upper() == "RED":
        means = f"WhatsApp rates number {number_id} as low: it may be limited or stopped"
        return warning(WHATSAPP, means, "send less, and only to those who asked for it")
    return ok(WHATSAPP, f"number {number_id} is linked, quality {quality or 'not rated yet'}")
