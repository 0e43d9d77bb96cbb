"""What functions may call outside of the stage: providers of messages, and destinations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Aws

from infra.names import Names
from infra.permissions import Permission, allow
from infra.settings import Settings, SettingsError, Stage
from stepwell.handover.destinations import CONNECT_TASK, EVENT_BUS, targets_of
from stepwell.messages.services import Service

_DESTINATIONS_FILE = "statemachines/destinations.yaml"


def providers(settings: Settings) -> tuple[Permission, ...]:
    """What delivery may send through: of each channel by its provider, and by nothing else."""
    return (_email(settings), _sms(settings), *_push(settings), *_whatsapp(settings))


def _email(settings: Settings) -> Permission:
    """SES asks for the sender's address instead of its domain where it knows both; it may know
    either in small letters only, and IAM tells capitals apart.
    """
    named = (settings.email_identity, settings.email_from)
    senders = dict.fromkeys((*named, *(each.lower() for each in named)))
    resources = [f"identity/{sender}" for sender in senders]
    if settings.email_configuration_set:
        resources.append(f"configuration-set/{settings.email_configuration_set}")
    return Permission(("ses:SendEmail",), tuple(_here("ses", each) for each in resources))


def _sms(settings: Settings) -> Permission:
    """A phone number has no ARN at SNS: it is all that is none of SNS. End User Messaging has
    ARNs for who texts come from.
    """
    if settings.sms_provider is Service.SNS:
        return Permission(("sns:Publish",), all_but=(f"arn:{Aws.PARTITION}:sns:*:*:*",))
    kinds = ("pool", "phone-number", "sender-id")
    chosen = (settings.sms_origination,) if settings.sms_origination else ()
    senders = chosen or tuple(_here("sms-voice", f"{kind}/*") for kind in kinds)
    return Permission(("sms-voice:SendTextMessage",), senders)


def _push(settings: Settings) -> tuple[Permission, ...]:
    if settings.push_provider is Service.SNS:
        application = settings.push_application_arn
        return (
            (
                allow(application, "sns:CreatePlatformEndpoint"),
                allow(push_endpoints(application), "sns:Publish"),
            )
            if application
            else ()
        )
    application_id = settings.push_application_id
    sends_to = _here("mobiletargeting", f"apps/{application_id}/messages")
    return (allow(sends_to, "mobiletargeting:SendMessages"),) if application_id else ()


def _whatsapp(settings: Settings) -> tuple[Permission, ...]:
    number = settings.whatsapp_number_id.removeprefix("phone-number-id-")
    sender = _here("social-messaging", f"phone-number-id/{number}")
    return (allow(sender, "social-messaging:SendWhatsAppMessage"),) if number else ()


def destinations(
    documents: Mapping[str, Mapping[str, Any]], names: Names
) -> tuple[Permission, ...]:
    """What hand-overs need. Webhooks need the key that signs them; their addresses need nothing.

    Raises SettingsError for a stage that there is not: what is written for it would go elsewhere.
    """
    wrong = {each for document in documents.values() for each in document["stages"]} - {*Stage}
    if wrong:
        raise SettingsError(
            f"{_DESTINATIONS_FILE} has stages that there are not: {', '.join(sorted(wrong))}"
        )
    allowed = [_destination(each, names) for _, each in targets_of(documents, names.stage)]
    return tuple(dict.fromkeys(allowed))


def _destination(target: Mapping[str, Any], names: Names) -> Permission:
    if target["kind"] == EVENT_BUS:
        return allow(_here("events", f"event-bus/{target['bus']}"), "events:PutEvents")
    if target["kind"] == CONNECT_TASK:
        instance = f"instance/{target['instance']}"
        makes = (f"{instance}/contact/*", f"{instance}/contact-flow/{target['flow']}")
        resources = tuple(_here("connect", each) for each in makes)
        return Permission(("connect:StartTaskContact",), resources)
    return allow(f"{names.webhook_key_arn()}-??????", "secretsmanager:GetSecretValue")


def push_endpoints(application_arn: str) -> str:
    """The pattern of an application's endpoints."""
    return application_arn.replace(":app/", ":endpoint/") + "/*"


def _here(service: str, resource: str) -> str:
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"
