"""Counts statements and commits from the server's log, and measures a process's CPU time."""

import os

from bench.cost import Counted, count, counted_names, seconds_of
from stack.ports import plan_ports
from tests.stack.test_topology import processes, spare

LOG = """\
11|oneclick|oneclick|LOG:  statement: BEGIN;
11|oneclick|oneclick|LOG:  execute __asyncpg_stmt_1__: \n\tWITH inserted AS (
\tINSERT INTO charges VALUES ($1))
\tSELECT 1
12|payments|payments|LOG:  execute __asyncpg_stmt_2__: UPDATE payments SET state = $1
11|oneclick|oneclick|LOG:  statement: COMMIT;
11|oneclick|oneclick|LOG:  statement: BEGIN;
11|oneclick|oneclick|LOG:  execute __asyncpg_stmt_3__: SELECT id FROM charges
11|oneclick|oneclick|LOG:  statement: ROLLBACK;
13|payments|bench|LOG:  execute __asyncpg_stmt_4__: SELECT count(*) FROM payments
14|postgres|psql|LOG:  statement: SELECT 1
15|||LOG:  checkpoint starting: time
"""


def test_a_committed_transaction_or_a_lone_statement_counts_as_one_commit() -> None:
    counted = Counted()
    count(counted, LOG)
    assert (counted.statements, counted.commits) == (7, 2)
    assert counted.by_service == {"oneclick": 6, "payments": 1}


def test_statements_are_named_by_command_and_table() -> None:
    counted = Counted()
    count(counted, LOG)
    assert counted.by_name["oneclick INSERT charges"] == 1
    assert counted.by_name["payments UPDATE payments"] == 1
    assert counted.by_name["oneclick BEGIN"] == 2


def test_statements_of_other_clients_and_server_messages_are_not_counted() -> None:
    counted = Counted()
    count(counted, "\n".join(LOG.splitlines()[-3:]))
    assert counted.statements == 0


def test_the_cpu_time_of_a_process_is_positive() -> None:
    assert seconds_of(os.getpid()) > 0


def test_every_counted_process_runs_in_a_stack_without_a_console() -> None:
    ports = plan_ports(spare, {"payments": 2}, None)
    assert (
        {"gateway", "payments-1", "payments-2"}
        < set(counted_names(ports))
        <= set(processes(ports, console=False))
    )
