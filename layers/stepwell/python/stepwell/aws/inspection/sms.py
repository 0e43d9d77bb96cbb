"""What SNS or End User Messaging says of texts: account, spend limit, origination."""

from __future__ import annotations

from typing import Any

from stepwell.aws.inspection.asking import ask, find, pages
from stepwell.aws.inspection.scene import Scene
from stepwell.messages.services import Service
from stepwell.readiness import sms
from stepwell.readiness.findings import Finding

_VOICE = "pinpoint-sms-voice-v2"
_TEXTS = "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT"
_COUNTED = ("PHONE_NUMBERS", "SENDER_IDS")


def _by_sns(scene: Scene) -> bool:
    return scene.setup.sms_provider == Service.SNS


def look_at_account(scene: Scene) -> Finding:
    if _by_sns(scene):
        found = ask(scene.client("sns").get_sms_sandbox_account_status)
        return sms.check_sns_account(sandbox=found["IsInSandbox"])
    attributes = pages(scene.client(_VOICE), "describe_account_attributes", "AccountAttributes")
    values = {each["Name"]: each["Value"] for each in attributes}
    return sms.check_account(values.get("ACCOUNT_TIER", ""))


def look_at_spend(scene: Scene) -> Finding:
    if _by_sns(scene):
        found = ask(scene.client("sns").get_sms_attributes).get("attributes", {})
        return sms.check_sns_spend(int(found.get("MonthlySpendLimit") or sms.DEFAULT_LIMIT))
    limits = pages(scene.client(_VOICE), "describe_spend_limits", "SpendLimits")
    limit = next(each for each in limits if each["Name"] == _TEXTS)
    return sms.check_spend(sms.Limit(enforced=limit["EnforcedLimit"], most=limit["MaxLimit"]))


def look_at_origination(scene: Scene) -> Finding:
    if _by_sns(scene):
        numbers = pages(scene.client("sns"), "list_origination_numbers", "PhoneNumbers")
        able = [each["PhoneNumber"] for each in numbers if "SMS" in each["NumberCapabilities"]]
        return sms.check_sns_origination(scene.setup.sms_sender_id, able)
    return sms.check_origination(scene.setup.sms_origination, originations(scene))


def look_at_replies(scene: Scene) -> Finding | None:
    if _by_sns(scene):
        return None
    return sms.check_replies(scene.setup.sms_origination, originations(scene))


def look_at_receipts(scene: Scene) -> Finding | None:
    if _by_sns(scene):
        return None
    name = scene.setup.sms_configuration_set
    describe = scene.client(_VOICE).describe_configuration_sets
    found = find(describe, ConfigurationSetNames=[name]) if name else None
    exists = bool(found and found.get("ConfigurationSets"))
    return sms.check_receipts(name, exists=exists)


def look_at_room(scene: Scene) -> Finding | None:
    if _by_sns(scene):
        return None
    limits = pages(scene.client(_VOICE), "describe_account_limits", "AccountLimits")
    rooms = {
        each["Name"]: sms.Room(each["Used"], each["Max"])
        for each in limits
        if each["Name"] in _COUNTED
    }
    return sms.check_room(rooms)


def originations(scene: Scene) -> list[sms.Origination]:
    voice = scene.client(_VOICE)
    return [
        *map(_number, pages(voice, "describe_phone_numbers", "PhoneNumbers")),
        *map(_sender, pages(voice, "describe_sender_ids", "SenderIds")),
        *map(_pool, pages(voice, "describe_pools", "Pools")),
    ]


def _number(found: Any) -> sms.Origination:
    return sms.Origination(
        names=(found["PhoneNumber"], found["PhoneNumberId"], found["PhoneNumberArn"]),
        kind=found["NumberType"],
        status=found["Status"],
        a_second=_rate(found),
        two_way=found["TwoWayEnabled"],
    )


def _sender(found: Any) -> sms.Origination:
    names = (found["SenderId"], found["SenderIdArn"])
    return sms.Origination(names=names, kind="SENDER_ID", a_second=_rate(found))


def _pool(found: Any) -> sms.Origination:
    return sms.Origination(
        names=(found["PoolId"], found["PoolArn"]),
        kind="POOL",
        status=found["Status"],
        two_way=found["TwoWayEnabled"],
    )


def _rate(found: Any) -> int | None:
    rate = found.get("MessagingLimits", {}).get("RateLimits", {}).get("SMS")
    return None if rate is None else int(rate)
