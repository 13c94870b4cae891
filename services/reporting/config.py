"""Addresses of reporting, its database, its bus, merchants, paylink and payments."""

from libs.settings import ServiceSettings, TlsSettings


class Config(ServiceSettings):
    merchants_target: str  # gRPC target, e.g. dns:///merchants-headless:50051
    paylink_target: str
    payments_target: str


class RebuildConfig(TlsSettings):
    """For the jobs that rebuild the ledger: reporting's database, with the owner's role, and the
    databases whose event logs they read.
    """

    database_url: str
    cod_database_url: str
    instalments_database_url: str
    merchants_database_url: str
    paylink_database_url: str
    payments_database_url: str


class RecountConfig(RebuildConfig):
    """For the job that recounts KPIs."""

    oneclick_database_url: str
