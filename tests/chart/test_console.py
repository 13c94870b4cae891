"""The console in the chart: optional, separate from the gateway, and reachable only by the configured peers."""

import re

import pytest

from libs import services
from libs.identity import CONSOLE, OPERATOR
from stack.chart import CHART
from stack.installation import Installation, manifest
from tests.chart.rendering import (
    DEMO,
    EVERY_SWITCH,
    LATEST,
    MINIMAL,
    deployment,
    env_of,
    helm,
    objects,
    of_kind,
    refused,
)
from tests.chart.test_edges import COMPONENT, components, policies, rule
from tests.chart.test_pods import required_of
from tests.chart.test_switches import led_to

ALONE = CHART / "ci" / "console.yaml"
WANTED = ("console.enabled=true", 'console.url="https://console.example"')
ISSUER = 'console.oidc.issuer="https://id.example"'
CLIENT = 'console.oidc.clientId="incasso"'


def container(component, values, *more):
    return deployment(component, values, *more)["spec"]["template"]["spec"]["containers"][0]


def test_the_console_is_not_installed_by_default():
    for one in objects(MINIMAL):
        assert one["metadata"]["labels"][COMPONENT] != CONSOLE
        assert "INCASSO_CONSOLE_URL" not in str(one)


def test_an_enabled_console_has_the_usual_objects_but_no_ingress():
    kinds = {
        one["kind"] for one in objects(ALONE) if one["metadata"]["labels"][COMPONENT] == CONSOLE
    }
    assert kinds >= {
        "Deployment",
        "Service",
        "ServiceAccount",
        "NetworkPolicy",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
    }
    assert not {"Ingress", "HTTPRoute"} & kinds


def test_the_console_gets_every_required_setting():
    made = manifest(Installation("incasso"))["items"]
    (secret,) = [one["stringData"] for one in made if one["metadata"]["name"] == "incasso-console"]
    settings = env_of(container(CONSOLE, DEMO))
    assert "INCASSO_CONSOLE_URL" in settings
    left = required_of(CONSOLE) - {key.removeprefix("INCASSO_").lower() for key in settings}
    assert left == {key.removeprefix("incasso_") for key in secret}


def test_only_console_and_merchants_get_the_console_url():
    urls = {
        name: env_of(container(name, EVERY_SWITCH)).get("INCASSO_CONSOLE_URL")
        for name in (CONSOLE, *services.NAMES)
    }
    assert {name: url for name, url in urls.items() if url} == dict.fromkeys(
        (CONSOLE, "merchants"), "https://console.example"
    )


def test_password_sign_in_is_switched_on_both_sides_or_neither():
    variables = {CONSOLE: "INCASSO_LOCAL_SIGN_IN", "merchants": "INCASSO_CONSOLE_PASSWORDS"}
    for values, wanted in ((DEMO, "true"), (ALONE, "false")):
        for name, variable in variables.items():
            assert env_of(container(name, values)).get(variable, "false") == wanted


def test_the_oidc_client_secret_comes_from_the_named_secret():
    pod = deployment(CONSOLE, EVERY_SWITCH)["spec"]["template"]["spec"]
    (settings,) = [one for one in pod["volumes"] if one["name"] == "settings"]
    assert settings["projected"]["sources"][-1]["secret"] == {
        "name": "console-oidc",
        "items": [{"key": "secret", "path": "incasso_oidc_client_secret"}],
    }
    env = env_of(pod["containers"][0])
    assert env["INCASSO_OIDC_ISSUER"] == "https://id.example/realms/shop"
    assert env["INCASSO_OIDC_CLIENT_ID"] == "incasso"


def test_the_consoles_ingress_and_route_are_separate_from_the_gateways():
    ingress, backend = led_to(CONSOLE)
    (rule,) = ingress["rules"]
    assert rule["host"] == "console.example"
    assert rule["http"]["paths"][0]["backend"]["service"] == backend
    hosts = [one["spec"]["rules"][0]["host"] for one in of_kind("Ingress", EVERY_SWITCH)]
    assert sorted(hosts) == ["console.example", "pay.example"]


def test_only_operators_and_named_peers_reach_the_console():
    assert components(rule(policies(ALONE)[CONSOLE]["ingress"], "http")["from"]) == {OPERATOR}
    operators, named = rule(policies(EVERY_SWITCH)[CONSOLE]["ingress"], "http")["from"]
    assert components([operators]) == {OPERATOR}
    assert "internal-ingress" in str(named)


def test_the_console_reaches_only_the_identity_provider_outside():
    for values, port in ((ALONE, 443), (EVERY_SWITCH, 8443), (DEMO, None)):
        egress = policies(values)[CONSOLE]["egress"]
        ports = {each["port"] for one in egress for each in one["ports"]}
        assert ports - {50051, 4318} == ({port} if port else set())
    assert "ipBlock" in str(rule(policies(ALONE)[CONSOLE]["egress"], 443)["to"])
    (peer,) = rule(policies(EVERY_SWITCH)[CONSOLE]["egress"], 8443)["to"]
    assert "identity" in str(peer)


@pytest.mark.parametrize(
    ("values", "text"),
    [(ALONE, "port-forward service/incasso-console"), (EVERY_SWITCH, "https://console.example")],
    ids=lambda one: getattr(one, "stem", ""),
)
def test_the_notes_say_how_to_reach_the_console(values, text):
    done = helm(LATEST, "install", "incasso", CHART, "--dry-run=client", "-f", values)
    assert text in done.stdout.partition("NOTES:")[2]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (WANTED, "console.oidc.issuer is needed"),
        ((*WANTED, ISSUER), "console.oidc.issuer and console.oidc.clientId belong together"),
        ((*WANTED, ISSUER, CLIENT, "console.ingress.enabled=true"), "networkPolicy.console.peers"),
    ],
)
def test_an_unusable_console_configuration_is_refused(values, message):
    assert re.search(re.escape(message), refused(*values))
