"""What SNS or End User Messaging says of push messages, and of the WhatsApp number."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from stepwell.aws.inspection.asking import find
from stepwell.aws.inspection.scene import Scene
from stepwell.messages.services import Service
from stepwell.readiness import push
from stepwell.readiness.findings import Finding


def look_at_application(scene: Scene) -> Finding:
    if scene.setup.push_provider == Service.SNS:
        return _look_at_platform(scene)
    return _look_at_channels(scene)


def _look_at_platform(scene: Scene) -> Finding:
    arn = scene.setup.push_application_arn
    if not arn:
        return push.check_nothing_set("push_application_arn")
    sns = scene.client("sns")
    found = find(sns.get_platform_application_attributes, PlatformApplicationArn=arn)
    if found is None:
        return push.check_platform(arn, None, scene.now)
    attributes = found.get("Attributes", {})
    expires = attributes.get("AppleCertificateExpirationDate")
    platform = push.Platform(
        enabled=attributes.get("Enabled", "true").lower() == "true",
        expires=_moment(expires) if expires else None,
    )
    return push.check_platform(arn, platform, scene.now)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _look_at_channels(scene: Scene) -> Finding:
    application = scene.setup.push_application_id
    if not application:
        return push.check_nothing_set("push_application_id")
    pinpoint = scene.client("pinpoint")
    if find(pinpoint.get_app, ApplicationId=application) is None:
        return push.check_channels(application, None)
    asked = {"APNS": pinpoint.get_apns_channel, "GCM": pinpoint.get_gcm_channel}
    found = {name: find(get, ApplicationId=application) for name, get in asked.items()}
    channels = [
        _channel(name, answer[f"{name}ChannelResponse"]) for name, answer in found.items() if answer
    ]
    return push.check_channels(application, channels)


def _channel(name: str, found: Any) -> push.Channel:
    credentials = any(
        found.get(each) for each in ("HasCredential", "HasTokenKey", "HasFcmServiceCredentials")
    )
    enabled = bool(found.get("Enabled")) and not found.get("IsArchived")
    return push.Channel(name, enabled, credentials)


def look_at_whatsapp(scene: Scene) -> Finding | None:
    number = scene.setup.whatsapp_number_id
    if not number:
        return None
    social = scene.client("socialmessaging")
    found = find(social.get_linked_whatsapp_business_account_phone_number, id=number)
    quality = found["phoneNumber"].get("qualityRating", "") if found else None
    return push.check_whatsapp(number, quality)
