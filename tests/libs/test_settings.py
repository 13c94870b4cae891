"""Settings from files: if there are several folders, the last one wins."""

import os

from libs import settings
from libs.settings import TlsSettings


class Config(TlsSettings):
    database_url: str
    seal_keys: str


def test_the_last_of_several_secrets_folders_wins(tmp_path, monkeypatch):
    for name, url in (("settings", "of the service"), ("owner", "of the owner")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "incasso_database_url").write_text(url)
    (tmp_path / "settings" / "incasso_seal_keys").write_text("keys")
    folders = os.pathsep.join(str(tmp_path / name) for name in ("settings", "owner"))
    monkeypatch.setenv("INCASSO_SECRETS_DIR", folders)
    config = settings.load(Config)
    assert (config.database_url, config.seal_keys) == ("of the owner", "keys")
