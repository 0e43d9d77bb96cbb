"""Which provider each channel goes out by, as the function's settings say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from stepwell.aws import clock
from stepwell.aws.clients import client
from stepwell.aws.message_functions import store
from stepwell.aws.providers.email import SesEmail
from stepwell.aws.providers.end_user_push import EndUserPush
from stepwell.aws.providers.end_user_sms import EndUserSms
from stepwell.aws.providers.inbox import Inbox
from stepwell.aws.providers.push import SnsPush
from stepwell.aws.providers.sms import SnsSms
from stepwell.aws.providers.whatsapp import WhatsApp
from stepwell.aws.settings import Settings
from stepwell.messages.services import Service
from stepwell.ports import Provider


class ProviderSettings(Settings):
    email_from: str
    email_configuration_set: str = ""
    sms_provider: Service = Service.END_USER_MESSAGING
    sms_origination: str = ""
    sms_configuration_set: str = ""
    sms_sender_id: str = ""
    push_provider: Service = Service.END_USER_MESSAGING
    push_application_id: str = ""
    push_application_arn: str = ""
    whatsapp_number_id: str = ""
    lanes: str = "{}"
    """A JSON text, as `messages.lanes.read_lanes` takes it."""


class ChosenProviders(Mapping[str, Provider]):
    """By channel, each made when it is first used: a client takes its time to make.

    The clients retry nothing: a second try after a lost answer would send twice.
    """

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._made: dict[str, Provider] = {}

    def __getitem__(self, channel: str) -> Provider:
        if channel not in self._made:
            self._made[channel] = _MAKERS[channel](self._settings)
        return self._made[channel]

    def __iter__(self) -> Iterator[str]:
        return iter(_MAKERS)

    def __len__(self) -> int:
        return len(_MAKERS)


def _email(settings: ProviderSettings) -> Provider:
    return SesEmail(
        client("sesv2", retries=False), settings.email_from, settings.email_configuration_set
    )


def _sms(settings: ProviderSettings) -> Provider:
    if settings.sms_provider is Service.SNS:
        return SnsSms(client("sns", retries=False), settings.sms_sender_id)
    return EndUserSms(
        client("pinpoint-sms-voice-v2", retries=False),
        settings.sms_origination,
        settings.sms_configuration_set,
    )


def _push(settings: ProviderSettings) -> Provider:
    if settings.push_provider is Service.SNS:
        return SnsPush(client("sns", retries=False), settings.push_application_arn)
    return EndUserPush(client("pinpoint", retries=False), settings.push_application_id)


def _whatsapp(settings: ProviderSettings) -> Provider:
    return WhatsApp(client("socialmessaging", retries=False), settings.whatsapp_number_id)


def _in_app(_settings: ProviderSettings) -> Provider:
    return Inbox(store(), clock.now)


_MAKERS: Mapping[str, Callable[[ProviderSettings], Provider]] = {
    "email": _email,
    "sms": _sms,
    "push": _push,
    "whatsapp": _whatsapp,
    "in_app": _in_app,
}
