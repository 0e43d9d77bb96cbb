"""Email: who it is from, what the account may send, and what comes back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from stepwell.readiness.findings import Finding, ok, problem, warning

SENDER = "email sender"
ACCOUNT = "email account"
EVENTS = "email events"
FOOTER = "email footer"
NEEDED = frozenset({"BOUNCE", "COMPLAINT", "DELIVERY"})
"""What suppression and fallback live on."""
WANTED = frozenset({"OPEN", "CLICK"})
_EXAMPLE = "example.com"
_EXAMPLE_SHOP = "Example Shop"
_USED_UP = 0.8
_GET_OUT = (
    "aws sesv2 put-account-details --production-access-enabled --mail-type MARKETING "
    "--website-url https://YOUR-SITE, or console: SES, Account dashboard, Request production access"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """A domain or an address that SES knows."""

    name: str
    verified: bool
    signed: bool
    """DKIM is on and its records were found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What SES says of the account in this Region."""

    production: bool
    sending: bool
    enforcement: str
    """HEALTHY, PROBATION or SHUTDOWN."""
    review: str = ""
    """Of the request for production access: PENDING, FAILED, GRANTED, DENIED; empty: none."""
    daily: float
    """-1 is no limit."""
    a_second: float
    sent: float
    """In the last 24 hours."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the events of a configuration set go to."""

    enabled: bool
    event_bridge: bool
    kinds: Collection[str]


@dataclass(frozen=True, slots=True)
class ConfigurationSet:
    sending: bool
    destinations: Sequence[Destination]


def domain_of(sender: str) -> str:
    return sender.rpartition("@")[2]


def identities_of(sender: str) -> tuple[str, ...]:
    """What SES may know it by: its domain, a domain above that, or the address itself."""
    domain = domain_of(sender)
    labels = domain.split(".")
    above = (".".join(labels[index:]) for index in range(1, len(labels) - 1))
    return (domain, *above, sender) if sender else ()


def check_sender(sender: str, identities: Sequence[Identity]) -> Finding:
    """`identities`: those of `identities_of` that there are."""
    domain = domain_of(sender)
    if not domain:
        means = "no sender is set: every email is refused"
        return problem(SENDER, means, "set email_from and email_identity in infra/settings.py")
    if domain == _EXAMPLE or domain.endswith(f".{_EXAMPLE}"):
        means = f"emails would come from {sender}, an example address, which SES refuses"
        return problem(SENDER, means, "set email_from and email_identity in infra/settings.py")
    if not identities:
        means = f"SES knows neither {domain} nor {sender}: every email is refused"
        return problem(SENDER, means, f"aws sesv2 create-email-identity --email-identity {domain}")
    verified = [each for each in identities if each.verified]
    if not verified:
        name = identities[0].name
        means = f"SES has not verified {name} yet: every email is refused"
        show = f"aws sesv2 get-email-identity --email-identity {name}"
        return problem(SENDER, means, f"put its DKIM tokens into the DNS: {show}")
    if not any(each.signed for each in verified):
        means = f"emails from {sender} are not signed by its domain: many land in spam"
        show = f"aws sesv2 get-email-identity --email-identity {domain}"
        return warning(SENDER, means, f"verify the domain with DKIM, its tokens in the DNS: {show}")
    return ok(SENDER, f"{sender} is verified and signed (DKIM)")


def check_account(account: Account) -> Finding:
    if not account.sending or account.enforcement == "SHUTDOWN":
        means = "AWS has stopped this account's sending: every email is refused"
        return problem(ACCOUNT, means, "console: SES, Account dashboard; answer AWS's case")
    if not account.production:
        return _sandbox(account)
    if account.enforcement == "PROBATION":
        means = "the account is under review for bounces or complaints, and may be stopped"
        return warning(ACCOUNT, means, "console: SES, Reputation metrics; answer AWS's case")
    if 0 < account.daily * _USED_UP <= account.sent:
        means = f"{account.sent:,.0f} of {account.daily:,.0f} emails a day are sent already"
        return warning(ACCOUNT, means, "console: Service Quotas, Amazon SES, Sending quota")
    return ok(ACCOUNT, f"out of the sandbox: {_quota(account)}")


def _sandbox(account: Account) -> Finding:
    means = f"SES is in its sandbox: only verified addresses get email, {_quota(account)}"
    if account.review == "PENDING":
        return problem(ACCOUNT, f"{means}; the request waits for AWS", "wait for AWS's answer")
    if account.review in {"DENIED", "FAILED"}:
        means = f"{means}; AWS denied the request"
        return problem(ACCOUNT, means, "console: Support Center; answer the case")
    return problem(ACCOUNT, means, _GET_OUT)


def _quota(account: Account) -> str:
    daily = "no daily limit" if account.daily < 0 else f"{account.daily:,.0f} a day"
    return f"{daily}, {account.a_second:,.0f} a second"


def check_events(name: str, found: ConfigurationSet | None) -> Finding:
    """`found` is None when SES has no configuration set of this name."""
    if not name:
        means = "no configuration set: bounces, complaints and opens do not come back as events"
        mend = "make one with an EventBridge destination, and name it in infra/settings.py"
        return warning(EVENTS, means, f"{mend}, email_configuration_set")
    if found is None:
        means = f"SES has no configuration set {name}: every email is refused"
        make = f"aws sesv2 create-configuration-set --configuration-set-name {name}"
        return problem(EVENTS, means, make)
    if not found.sending:
        means = f"sending through configuration set {name} is switched off"
        mend = "aws sesv2 put-configuration-set-sending-options --sending-enabled"
        return problem(EVENTS, means, f"{mend} --configuration-set-name {name}")
    return _published(name, found.destinations)


def _published(name: str, destinations: Sequence[Destination]) -> Finding:
    live = [each for each in destinations if each.enabled and each.event_bridge]
    kinds = {kind for each in live for kind in each.kinds}
    mend = (
        f"console: SES, Configuration sets, {name}, Event destinations: an enabled one to "
        f"EventBridge's default bus with {', '.join(sorted(NEEDED | WANTED))}"
    )
    if missing := sorted(NEEDED - kinds):
        means = f"{name} does not publish {', '.join(missing)} to EventBridge: nobody is suppressed"
        return problem(EVENTS, means, mend)
    if missing := sorted(WANTED - kinds):
        means = f"{name} does not publish {', '.join(missing)}: no journey learns of them"
        return warning(EVENTS, means, mend)
    return ok(EVENTS, f"{name} publishes {', '.join(sorted(NEEDED | WANTED))} to EventBridge")


def check_footer(postal_address: str, public_url: str | None) -> Finding:
    """What the law wants at an email's end. `public_url` is None where links need no setting."""
    if not postal_address or postal_address.startswith(_EXAMPLE_SHOP):
        shown = f"{postal_address!r}, an example" if postal_address else "none"
        means = f"emails carry a postal address, and it is {shown}"
        return problem(FOOTER, means, "set postal_address in infra/settings.py and deploy")
    if public_url == "":
        means = "emails have no address to unsubscribe at"
        return problem(FOOTER, means, "deploy again, or set public_url in infra/settings.py")
    where = f", and the link to unsubscribe leads to {public_url}" if public_url else ""
    return ok(FOOTER, f"emails carry your postal address{where}")
