"""The console's environment. See libs/settings for the rules."""

from typing import Self

from pydantic import Field, model_validator

from libs.web.settings import WebSettings, with_targets


@with_targets
class Config(WebSettings):
    """`INCASSO_<NAME>` for each field, and `INCASSO_<SERVICE>_TARGET` for each service."""

    # The console's URL in browsers; it redirects only within it, and to the OpenID provider.
    public_url: str = Field(alias="INCASSO_CONSOLE_URL")
    # Fernet keys, newest first: for forms and sign-ins in progress. Replicas share them.
    seal_keys: str
    # The OpenID provider: its issuer, and the console's client there. The redirect address is
    # <INCASSO_CONSOLE_URL>/sign-in/return.
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = Field(default="", repr=False)
    # Sign-in by password, for the embedded stack; merchants has to allow it too.
    local_sign_in: bool = False
    # Shown on the page of the local sign-in: whom to sign in as, e.g. in a demo.
    local_hint: str = ""
    # Sign-in attempts per address and process.
    sign_ins_per_minute: float = Field(default=10.0, gt=0)
    sign_ins_burst: float = Field(default=20.0, ge=1)

    @model_validator(mode="after")
    def _somebody_can_sign_in(self) -> Self:
        if bool(self.oidc_issuer) != bool(self.oidc_client_id):
            raise ValueError("INCASSO_OIDC_ISSUER and INCASSO_OIDC_CLIENT_ID: both or neither")
        if not self.oidc_issuer and not self.local_sign_in:
            raise ValueError("INCASSO_OIDC_ISSUER is needed: nobody could sign in")
        return self
