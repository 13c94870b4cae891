"""The plan of the stack: ports that people rely on, replicas, environment."""

from pathlib import Path

from stack.topology import (
    Backends,
    Folders,
    Ports,
    plan_ports,
    replica_names,
    service_processes,
    targets,
)


def spare(count: int) -> list[int]:
    return list(range(20_000, 20_000 + count))


def processes(ports: Ports, overrides=None):
    plan = service_processes(
        ports,
        Folders(Path("/stack")),
        Backends(lambda name: f"postgresql://host/{name}", "nats://host"),
        lambda port: lambda: port > 0,
        overrides or {},
    )
    return {process.name: process for process in plan}


def test_ports_follow_the_base():
    ports = plan_ports(spare, {}, base=8080)
    assert (ports.gateway, ports.sandbox, ports.postgres, ports.nats) == (8080, 8082, 8083, 8084)
    assert ports.localstripe == 8085
    assert ports.replicas["gateway"][0].admin_port == 8086
    first = [(a.port, a.admin_port) for name in targets_order() for a in ports.replicas[name]]
    assert first == [(8090, 8091), (8092, 8093), (8094, 8095)]


def targets_order() -> list[str]:
    return ["merchants", "payments", "oneclick"]


def test_all_ports_differ():
    ports = plan_ports(spare, {"payments": 3, "gateway": 2})
    assert len(ports.all()) == len(set(ports.all())) == 4 + 2 * (1 + 3 + 1 + 2)


def test_a_single_replica_keeps_the_name_of_its_service():
    assert replica_names("payments", 1) == ["payments"]
    assert replica_names("payments", 2) == ["payments-1", "payments-2"]


def test_targets_name_every_replica():
    ports = plan_ports(spare, {"payments": 2}, base=8080)
    second = ports.replicas["payments"][1].port
    assert targets(ports)["INCASSO_PAYMENTS_TARGET"] == f"ipv4:127.0.0.1:8092,127.0.0.1:{second}"
    assert targets(ports)["INCASSO_ONECLICK_TARGET"] == "ipv4:127.0.0.1:8094"


def test_each_service_has_its_own_database_and_is_migrated_once():
    plan = processes(plan_ports(spare, {"payments": 2}, base=8080))
    assert plan["oneclick"].env["INCASSO_DATABASE_URL"] == "postgresql://host/oneclick"
    assert plan["payments-2"].after == {"payments-migrate", "nats"}
    assert plan["payments-migrate"].after == {"postgres"}
    assert "INCASSO_DATABASE_URL" not in plan["gateway"].env
    assert "INCASSO_DATABASE_URL" not in plan["sandbox"].env


def test_overrides_reach_one_service_or_all():
    overrides = {"*": {"LOUD": "1"}, "payments": {"INCASSO_NATS_URL": "nats://other"}}
    plan = processes(plan_ports(spare, {}, base=8080), overrides)
    assert plan["gateway"].env["LOUD"] == plan["payments"].env["LOUD"] == "1"
    assert plan["payments"].env["INCASSO_NATS_URL"] == "nats://other"
    assert plan["oneclick"].env["INCASSO_NATS_URL"] == "nats://host"
