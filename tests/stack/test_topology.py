"""The plan of the stack: ports that people rely on, replicas, environment."""

from pathlib import Path

from libs.seal import Seal
from libs.services import SERVICES
from stack.outgoing import ensure_seal_keys
from stack.ports import Ports, plan_ports, replica_names, targets
from stack.topology import Backends, Folders, service_processes


def spare(count: int) -> list[int]:
    return list(range(20_000, 20_000 + count))


def processes(ports: Ports, overrides=None, *, console=True):
    plan = service_processes(
        ports,
        Folders(Path("/stack")),
        Backends(
            database_url=lambda name: f"postgresql://{name}@host/{name}",
            owner_url=lambda name: f"postgresql://{name}_owner@host/{name}",
            nats_url=lambda user: f"nats://{user}@host",
            seal_keys="seal",
        ),
        lambda port: lambda: port > 0,
        overrides or {},
        console=console,
    )
    return {process.name: process for process in plan}


def test_ports_follow_the_base():
    ports = plan_ports(spare, {}, base=8080)
    assert (ports.gateway, ports.sandbox, ports.postgres, ports.nats) == (8080, 8082, 8083, 8084)
    assert (ports.localstripe, ports.smtp) == (8085, 8087)
    assert ports.replicas["gateway"][0].admin_port == 8086
    for service in SERVICES:
        (only,) = ports.replicas[service.name]
        assert (only.port, only.admin_port) == (8080 + service.port, 8081 + service.port)
    assert ports.replicas["merchants"][0].port == 8090


def test_all_ports_differ():
    ports = plan_ports(spare, {"payments": 3, "gateway": 2})
    replicas = len(SERVICES) + 2 + 2 + 1  # gateway and console, and the additional replicas
    assert len(ports.all()) == len(set(ports.all())) == 5 + 2 * replicas


def test_a_single_replica_keeps_the_name_of_its_service():
    assert replica_names("payments", 1) == ["payments"]
    assert replica_names("payments", 2) == ["payments-1", "payments-2"]


def test_targets_name_every_replica():
    ports = plan_ports(spare, {"payments": 2}, base=8080)
    second = ports.replicas["payments"][1].port
    assert targets(ports)["INCASSO_PAYMENTS_TARGET"] == f"ipv4:127.0.0.1:8092,127.0.0.1:{second}"
    assert targets(ports)["INCASSO_ONECLICK_TARGET"] == "ipv4:127.0.0.1:8094"
    assert targets(ports)["INCASSO_NOTIFY_TARGET"] == "ipv4:127.0.0.1:8098"


def test_each_service_has_its_own_database_and_is_migrated_once():
    plan = processes(plan_ports(spare, {"payments": 2}, base=8080))
    assert plan["oneclick"].env["INCASSO_DATABASE_URL"] == "postgresql://oneclick@host/oneclick"
    migrating = plan["oneclick-migrate"].env["INCASSO_DATABASE_URL"]
    assert migrating == "postgresql://oneclick_owner@host/oneclick"
    jobs = {name for name in plan if name.endswith("-migrate")}
    assert plan["payments-2"].after == {*jobs, "nats"}  # every consumer receives its events
    assert plan["payments-migrate"].after == {"postgres", "nats"}
    assert "INCASSO_DATABASE_URL" not in plan["gateway"].env
    assert "INCASSO_DATABASE_URL" not in plan["sandbox"].env


def test_each_process_has_its_own_identity_and_only_migrations_get_the_setup_user():
    plan = processes(plan_ports(spare, {"payments": 2}, base=8080))
    assert plan["payments-2"].env["INCASSO_IDENTITY_KEY_FILE"] == "/stack/keys/payments.key"
    assert plan["gateway"].env["INCASSO_IDENTITY_KEY_FILE"] == "/stack/keys/gateway.key"
    assert plan["gateway"].env["INCASSO_TLS_KEY_FILE"] == "/stack/certificates/gateway.key"
    assert not [name for name in plan["sandbox"].env if "IDENTITY" in name or "TLS" in name]
    assert plan["payments-2"].env["INCASSO_NATS_URL"] == "nats://payments@host"
    setting_up = {name for name, process in plan.items() if "setup@" in str(process.env)}
    assert setting_up == {name for name in plan if name.endswith("-migrate")}
    for name in ("gateway", "sandbox"):
        assert not {"INCASSO_NATS_URL", "INCASSO_DATABASE_URL"} & set(plan[name].env)


def test_notify_sends_messages_through_the_sandbox():
    plan = processes(plan_ports(spare, {"notify": 2}, base=8080))
    for name in ("notify-1", "notify-2"):
        assert plan[name].env["INCASSO_SMTP_URL"] == "smtp://127.0.0.1:8087"
        assert plan[name].env["INCASSO_TWILIO_API_BASE"] == "http://127.0.0.1:8082/twilio"
    sandbox = plan["sandbox"].env
    assert sandbox["INCASSO_SANDBOX_SMTP_PORT"] == "8087"
    assert sandbox["INCASSO_SANDBOX_BOUNCE_URL"] == "http://127.0.0.1:8080/webhooks/bounces"
    token = plan["notify-1"].env["INCASSO_TWILIO_AUTH_TOKEN"]
    assert sandbox["INCASSO_SANDBOX_TWILIO_AUTH_TOKEN"] == token


def test_only_sealing_services_and_the_console_get_the_seal_keys():
    plan = processes(plan_ports(spare, {}, base=8080))
    knowing = {name for name, process in plan.items() if "INCASSO_SEAL_KEYS" in process.env}
    sealing = {service.name for service in SERVICES if service.seals}
    assert knowing == {"console"} | sealing | {f"{name}-migrate" for name in sealing}


def test_seal_keys_are_created_once_and_private(tmp_path):
    file = tmp_path / "seal.keys"
    keys = ensure_seal_keys(file)
    assert Seal([keys]).open(Seal([keys]).close("IT60")) == "IT60"
    assert ensure_seal_keys(file) == keys
    assert file.stat().st_mode & 0o077 == 0


def test_overrides_reach_one_service_or_all():
    overrides = {"*": {"LOUD": "1"}, "payments": {"INCASSO_NATS_URL": "nats://other"}}
    plan = processes(plan_ports(spare, {}, base=8080), overrides)
    assert plan["gateway"].env["LOUD"] == plan["payments"].env["LOUD"] == "1"
    assert plan["payments"].env["INCASSO_NATS_URL"] == "nats://other"
    assert plan["oneclick"].env["INCASSO_NATS_URL"] == "nats://oneclick@host"
