"""What AWS takes a second of what the stage sends."""

from __future__ import annotations

from stepwell.aws.inspection.asking import ask
from stepwell.aws.inspection.scene import Scene
from stepwell.aws.inspection.sms import originations
from stepwell.messages.services import Service
from stepwell.readiness import pace
from stepwell.readiness.findings import Finding


def look_at_email(scene: Scene) -> Finding:
    found = ask(scene.client("sesv2").get_account).get("SendQuota", {})
    return pace.check_pace(pace.EMAIL, scene.setup.paces.get("email"), found.get("MaxSendRate"))


def look_at_sms(scene: Scene) -> Finding:
    """A number's or sender id's own rate; a pool's and what AWS chooses are not told."""
    allowed = None
    if scene.setup.sms_provider == Service.END_USER_MESSAGING and scene.setup.sms_origination:
        found = (each for each in originations(scene) if scene.setup.sms_origination in each.names)
        allowed = next((each.a_second for each in found), None)
    return pace.check_pace(pace.SMS, scene.setup.paces.get("sms"), allowed)
