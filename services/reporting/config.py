"""Where reporting listens and finds its database, its bus, merchants and paylink."""

from libs.settings import ServiceSettings, TlsSettings


class Config(ServiceSettings):
    merchants_target: str  # gRPC target, e.g. dns:///merchants-headless:50051
    paylink_target: str


class RebuildConfig(TlsSettings):
    """Of the jobs that build the ledger anew: its database, as the owner, and those whose event logs they
    read.
    """

    database_url: str
    cod_database_url: str
    instalments_database_url: str
    merchants_database_url: str
    paylink_database_url: str
    payments_database_url: str
