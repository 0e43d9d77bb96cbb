"""Segment's own SDK for browsers, with only write key and API set, in pages of another origin."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.faulty_proxy import Fault, FaultyProxy
from tests.support.local_stack import Stack, customer, stays, write_key
from tests.support.pages import Page, Site, Visitor

GUIDE = Path("docs/events.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^```(?:js|html) (\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = dict(EXAMPLE.findall(GUIDE))
BASIC = "Basic " + base64.b64encode(b"local:").decode()
IMPORT = "import { AnalyticsBrowser } from '@segment/analytics-next'\n"


def page_with(site: Site, example: str, url: str, key: str = "local") -> str:
    """The address of a page with an example of the guide, and only address and key put in."""
    text = EXAMPLES[example].replace("https://events.example.com", url)
    text = text.replace("YOUR_WRITE_KEY", key)
    name = f"{example}-{url.rpartition(':')[2]}-{key[:8]}"
    if example == "script":
        return site.page(name, text)
    return site.bundle(name, text if IMPORT in text else IMPORT + text)


def open_page(visitor: Visitor, address: str, **settings: str) -> Page:
    """`analytics` is the page's, as a global."""
    page = visitor.open(address, **settings)
    page.run("window.analytics = window.app ? app.analytics : analytics, 1")
    return page


def leave_page(page: Page, site: Site, how: str) -> None:
    if how == "close":
        page.close()
    else:
        page.go(site.page("elsewhere", "<p>Elsewhere</p>"))


def anonymous_id(page: Page) -> str:
    return str(page.run("(await analytics.ready(), (await analytics.user()).anonymousId())"))


def wait_for(proxy: FaultyProxy, calls: int) -> None:
    deadline = time.monotonic() + 60
    while len(proxy.seen) < calls:
        assert time.monotonic() < deadline, proxy.seen
        time.sleep(0.05)


def names(proxy: FaultyProxy) -> list[list[str]]:
    """The events of each call."""
    return [
        [each.get("event") or each["type"] for each in seen.body.get("batch", [seen.body])]
        for seen in proxy.seen
    ]


@pytest.mark.parametrize("example", ["npm", "script"])
def test_all_calls_reach_the_profile(
    stack: Stack, site: Site, visitor: Visitor, example: str
) -> None:
    user = f"browser-{example}"
    with FaultyProxy(stack.port) as proxy:
        page = open_page(
            visitor, page_with(site, example, proxy.url), timezoneId="America/New_York"
        )
        before = anonymous_id(page)
        calls = """Promise.all([
            analytics.identify(user, {email: `${user}@example.com`, plan: 'free'}),
            analytics.group('acme', {name: 'Acme Ltd', plan: 'pro'}),
            analytics.page('Plans', 'Pricing'),
            analytics.screen('Home'),
            analytics.alias(user, `${user}-before`),
            analytics.track('Product Added', {cart_id: 'c', price: 280, cart_value: 280}),
        ]).then(() => 1)"""
        page.run(calls, {"user": user})
        sent = 7 if example == "script" else 6  # the script's example counts the page by itself
        profile = customer(stack, user, 6)["profile"]
        wait_for(proxy, 1)
        assert sum(map(len, names(proxy))) == sent
        assert {seen.path for seen in proxy.seen} == {"/v1/b"}
        assert {seen.headers["content-type"] for seen in proxy.seen} == {"text/plain"}
        assert {seen.headers["authorization"] for seen in proxy.seen} == {BASIC}
        assert ("OPTIONS", "/v1/b") in proxy.asked
        assert {seen.headers["origin"] for seen in proxy.seen} == {site.url}
        told = page.told()
    assert profile["traits"] == {"email": f"{user}@example.com", "plan": "free"}
    assert profile["addresses"] == {"email": f"{user}@example.com"}
    assert profile["anonymous_ids"] == [before]
    assert profile["groups"] == {"acme": {"name": "Acme Ltd", "plan": "pro"}}
    assert profile["previous_ids"] == [f"{user}-before"]
    assert profile["context_zone"] == "America/New_York"
    stack.wait_for(user, "cart_abandonment")
    stays(stack, user, sent)
    assert told.console == []
    assert all(each.split()[1].startswith((site.url, proxy.url)) for each in told.requests), told


def test_a_visitor_becomes_the_user_and_the_next_one_is_another(
    stack: Stack, site: Site, visitor: Visitor
) -> None:
    page = open_page(visitor, page_with(site, "npm", f"http://127.0.0.1:{stack.port}"))
    first = anonymous_id(page)
    page.run("analytics.track('Product Viewed').then(() => 1)")
    assert customer(stack, first, 1)["profile"].get("user_id") is None
    page.run("analytics.identify('browser-grace', {plan: 'pro'}).then(() => 1)")
    found = customer(stack, "browser-grace", 2)
    assert found["customer"] == customer(stack, first, 2)["customer"]
    page.run("Promise.resolve(analytics.reset()).then(() => 1)")
    second = anonymous_id(page)
    assert second != first
    page.run("analytics.track('Product Viewed').then(() => 1)")
    other = customer(stack, second, 1)
    assert other["customer"] != found["customer"]
    assert other["profile"]["traits"] == {}
    page.run("analytics.alias('browser-hopper').then(() => 1)")
    hopper = customer(stack, "browser-hopper", 2)
    assert hopper["customer"] == other["customer"]
    assert hopper["profile"]["previous_ids"] == [second]
    stays(stack, "browser-grace", 2)


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST, Fault.CUT])
def test_a_batch_is_sent_again_and_each_event_counts_once(
    stack: Stack, site: Site, visitor: Visitor, fault: Fault
) -> None:
    user = f"browser-{fault.name}"
    with FaultyProxy(stack.port, fault, fault) as proxy:
        page = open_page(visitor, page_with(site, "npm", proxy.url))
        page.run("analytics.identify(user).then(() => 1)", {"user": user})
        page.run("Promise.all([1, 2].map((n) => analytics.track(`Counted ${n}`))).then(() => 1)")
        wait_for(proxy, 3)
        stays(stack, user, 3)
    assert [seen.answered for seen in proxy.seen[:3]] == [503, 503, 200]
    assert {tuple(each) for each in names(proxy)} == {("identify", "Counted 1", "Counted 2")}
    assert (
        len({json.dumps([e["messageId"] for e in seen.body["batch"]]) for seen in proxy.seen}) == 1
    )


@pytest.mark.parametrize("leave", ["go", "close"])
def test_what_waits_when_a_page_is_left_is_sent(
    stack: Stack, site: Site, visitor: Visitor, leave: str
) -> None:
    user = f"browser-{leave}"
    with FaultyProxy(stack.port) as proxy:
        page = open_page(visitor, page_with(site, "npm", proxy.url))
        page.run("analytics.identify(user).then(() => 1)", {"user": user})
        page.run("analytics.track('Order Completed', {order_id: '1'}).then(() => 1)")
        assert proxy.seen == []
        leave_page(page, site, leave)
        stays(stack, user, 2)
        assert names(proxy) == [["identify", "Order Completed"]]


@pytest.mark.parametrize("leave", ["go", "close"])
def test_a_batch_on_its_way_outlives_its_page(
    stack: Stack, site: Site, visitor: Visitor, leave: str
) -> None:
    """It is full, so it goes at once; the page is left before even the preflight is answered. For
    another page the SDK sends it a second time, which counts once.
    """
    user = f"browser-way-{leave}"
    with FaultyProxy(stack.port, delay=1) as proxy:
        page = open_page(visitor, page_with(site, "npm", proxy.url))
        page.run("analytics.identify(user).then(() => 1)", {"user": user})
        page.run("Array.from('123456789', () => analytics.track('Counted')).length")
        page.run("new Promise((done) => setTimeout(() => done(1), 200))")
        leave_page(page, site, leave)
        stays(stack, user, 10)
        assert {len(each) for each in names(proxy)} == {10}


def test_nothing_but_events_is_sent_and_nobody_else_is_asked(
    stack: Stack, site: Site, visitor: Visitor
) -> None:
    """The SDK would report its metrics every 30 seconds; here time is a hundred times as fast."""
    with FaultyProxy(stack.port) as proxy:
        address = page_with(site, "script", proxy.url)
        fast = "<script>const real = setTimeout; window.setTimeout = (f, ms) => real(f, ms / 100)"
        page_text = (site.folder / address.rpartition("/")[2]).read_text(encoding="utf-8")
        page = open_page(visitor, site.page("fast", f"{fast}</script>\n{page_text}"))
        anonymous_id(page)
        wait_for(proxy, 1)
        page.run("analytics.track('Counted').then(() => 1)")
        wait_for(proxy, 2)
        page.run("new Promise((done) => real(() => done(1), 1000))")
        told = page.told()
    assert {seen.path for seen in proxy.seen} == {"/v1/b"}
    assert all(each.split()[1].startswith((site.url, proxy.url)) for each in told.requests), told


def test_each_event_by_itself_outlives_a_page_that_is_left_while_the_api_is_away(
    stack: Stack, site: Site, visitor: Visitor
) -> None:
    with FaultyProxy(stack.port, Fault.BUSY, Fault.LOST) as proxy:
        address = page_with(site, "each", proxy.url)
        page = open_page(visitor, address)
        page.run("analytics.identify('browser-each').then(() => 1)")
        page.run("analytics.track('Order Completed', {order_id: '1'}).then(() => 1)")
        leave_page(page, site, "go")
        wait_for(proxy, 2)
        page.go(address)
        stays(stack, "browser-each", 2)
        assert {seen.path for seen in proxy.seen} == {"/v1/i", "/v1/t"}
        assert len(proxy.seen) >= 4


def test_a_host_that_the_page_sets_goes_before_the_settings(
    stack: Stack, site: Site, visitor: Visitor
) -> None:
    with FaultyProxy(stack.port) as asked, FaultyProxy(stack.port) as sent:
        place = "'Segment.io': { "
        text = EXAMPLES["each"].replace(
            place, f"{place}apiHost: '{sent.url.removeprefix('http://')}/v1', "
        )
        text = IMPORT + text.replace("https://events.example.com", asked.url)
        page = open_page(visitor, site.bundle("host", text.replace("YOUR_WRITE_KEY", "local")))
        page.run("analytics.identify('browser-host').then(() => 1)")
        customer(stack, "browser-host", 1)
        assert [seen.path for seen in sent.seen] == ["/v1/i"]
        assert asked.asked == [("GET", "/v1/projects/local/settings")]
        assert asked.seen == []


def test_the_settings_are_kept_from_page_to_page(
    stack: Stack, site: Site, visitor: Visitor
) -> None:
    with FaultyProxy(stack.port) as proxy:
        address = page_with(site, "npm", proxy.url)
        page = open_page(visitor, address)
        anonymous_id(page)
        page.go(address)
        page.run("app.analytics.ready().then(() => 1)")
        assert proxy.asked == [("GET", "/v1/projects/local/settings")]


def test_a_key_without_settings_sends_nothing_and_the_page_is_told(
    stack: Stack, site: Site, visitor: Visitor
) -> None:
    with FaultyProxy(stack.port) as proxy:
        page = open_page(visitor, page_with(site, "npm", proxy.url, key="unknown"))
        why = page.run("app.analytics.then(() => '', (error) => error.message)")
        assert json.loads(why)["message"] == "there is no such write key"
        told = page.told()
    assert any("there is no such write key" in each for each in told.console)
    assert proxy.seen == []


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/t", {"writeKey": "unknown", "userId": "u", "event": "A"}, 401, "unauthorized"),
        ("/v1/t", {"writeKey": "local", "userId": "u"}, 400, "invalid"),
        ("/v1/nothing", {"writeKey": "local"}, 404, "not_found"),
        ("/v1/t", {"writeKey": "local", "userId": "u", "event": "A" * 40000}, 413, "too_large"),
        ("/v1/t/more", {}, 404, "NOT_FOUND"),
    ],
)
def test_a_page_may_read_why_it_was_refused(
    stack: Stack, site: Site, visitor: Visitor, path: str, body: Any, status: int, code: str
) -> None:
    page = visitor.open(site.page("bare", "<p>Bare</p>"))
    asked = """fetch(url, {method: 'POST', body, headers: {'Content-Type': 'text/plain'}})
        .then(async (answer) => [answer.status, (await answer.json()).code])"""
    url = f"http://127.0.0.1:{stack.port}{path}"
    assert page.run(asked, {"url": url, "body": json.dumps(body)}) == [status, code]


def test_the_sdk_does_not_send_again_what_a_key_may_not_send(
    stack: Stack, site: Site, visitor: Visitor
) -> None:
    key = write_key(stack, "add", "web", "--types", "page")["key"]
    with FaultyProxy(stack.port) as proxy:
        page = open_page(visitor, page_with(site, "each", proxy.url, key=key))
        page.run(
            "analytics.on('error', (error) => (window.gave = String(error.reason))).then(() => 1)"
        )
        page.run("analytics.track('Counted').then(() => 1)")
        page.run("analytics.page('Home').then(() => 1)")
        customer(stack, anonymous_id(page), 1)
        assert "403" in page.run("gave")
    assert [(seen.path, seen.answered) for seen in proxy.seen] == [("/v1/t", 403), ("/v1/p", 200)]


def test_parts_that_the_sdk_loads_later_come_from_the_site(
    stack: Stack, site: Site, visitor: Visitor
) -> None:
    page = open_page(visitor, page_with(site, "script", f"http://127.0.0.1:{stack.port}"))
    first = anonymous_id(page)
    page.run("document.body.insertAdjacentHTML('beforeend', '<a href=\"#more\">More</a>')")
    page.run("analytics.trackLink(document.querySelector('a'), 'Link Followed').then(() => 1)")
    page.run("document.querySelector('a').click()")
    customer(stack, first, 2)
    told = page.told()
    assert any(f"{site.url}/analytics-next/bundles/auto-track" in each for each in told.requests)
    assert told.console == []
