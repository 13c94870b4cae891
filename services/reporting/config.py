"""Where reporting listens and finds its database and bus. It needs nothing beyond the chassis."""

from libs.settings import ServiceSettings, TlsSettings


class Config(ServiceSettings):
    pass


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
