"""The PostgreSQL roles of a service: the owner of its database, and its working role.

`<service>_owner` runs migrations. `<service>` serves: it reads and changes rows and nothing else. No
other role may connect to the database, and neither may connect to another service's.
"""


def owner(service: str) -> str:
    return f"{service}_owner"


def roles(service: str) -> tuple[str, str]:
    return owner(service), service


def in_the_cluster(service: str, how: str = "") -> list[str]:
    """Statements that create the database for existing roles; `how` is appended to CREATE DATABASE."""
    return [
        f'CREATE DATABASE "{service}" OWNER "{owner(service)}"{how}',
        f'REVOKE ALL ON DATABASE "{service}" FROM PUBLIC',
        f'GRANT CONNECT ON DATABASE "{service}" TO "{service}"',
    ]


def in_the_database(service: str) -> list[str]:
    """Statements to run in the new database, before its first migration."""
    by_default = f'ALTER DEFAULT PRIVILEGES FOR ROLE "{owner(service)}" IN SCHEMA public'
    return [
        f'ALTER SCHEMA public OWNER TO "{owner(service)}"',
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f'GRANT USAGE ON SCHEMA public TO "{service}"',
        f'{by_default} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{service}"',
        f'{by_default} GRANT USAGE ON SEQUENCES TO "{service}"',
    ]


def login(role: str, password: str) -> str:
    """`password` contains no quote."""
    return f"CREATE ROLE \"{role}\" LOGIN PASSWORD '{password}'"
