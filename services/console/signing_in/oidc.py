"""Sign-in with an OpenID provider: authorisation code with PKCE, state and nonce.

Works with any provider that publishes OpenID Connect Discovery. authlib builds the requests and
checks the claims, joserfc checks the signature; this module has the steps and the HTTP. A sign-in
in progress is sealed in a cookie of the browser that began it, so no other browser can finish it.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from libs.errors import ServiceUnavailable
from libs.logs import log
from services.console.errors import SignInFailed

SCOPE: Final = "openid email profile"
# Algorithms that providers may sign with; never "none", never a shared secret.
ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")
FRESH_SECONDS: Final = 3600.0  # how long discovery and keys are cached
TIMEOUT: Final = aiohttp.ClientTimeout(total=8.0)
LEEWAY_SECONDS: Final = 60
_NONE: Final[Mapping[str, str]] = MappingProxyType({})
MAX_BYTES: Final = 256 * 1024
RECENT_SECONDS: Final = 300  # maximum age of the authentication, if it has to be repeated


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in in progress. `again`: the person is signed in and proves their identity."""

    state: str
    nonce: str
    verifier: str
    onward: str
    again: bool = False
    invitation: str = ""

    def fields(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Identified:
    """Whom the provider has identified, by claims of a verified ID token."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str
    locale: str


@dataclass(frozen=True, slots=True)
class _Provider:
    authorization_endpoint: str
    token_endpoint: str
    keys: KeySet
    read_at: float


class OpenId:
    """`secret` may be empty for a public client: PKCE protects the code either way."""

    def __init__(self, issuer: str, client_id: str, secret: str, redirect_url: str) -> None:
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._secret = secret
        self._redirect_url = redirect_url
        self._known: _Provider | None = None
        self._reading = asyncio.Lock()

    async def begin(
        self, onward: str, *, again: bool = False, invitation: str = ""
    ) -> tuple[Begun, str]:
        """A sign-in, and the provider's URL where it continues. Raises ServiceUnavailable."""
        provider = await self._provider()
        begun = Begun(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            onward=onward,
            again=again,
            invitation=invitation,
        )
        more = {"prompt": "login", "max_age": "0"} if again else {}
        url = prepare_grant_uri(
            provider.authorization_endpoint,
            client_id=self._client_id,
            response_type="code",
            redirect_uri=self._redirect_url,
            scope=SCOPE,
            state=begun.state,
            nonce=begun.nonce,
            code_challenge=create_s256_code_challenge(begun.verifier),
            code_challenge_method="S256",
            **more,
        )
        return begun, url

    async def finish(self, begun: Begun, code: str) -> Identified:
        """Raises SignInFailed, and ServiceUnavailable if the provider does not answer."""
        provider = await self._provider()
        answer = await self._exchange(provider, begun, code)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise SignInFailed
        claims = await self._verified(provider, token, begun, answer)
        return Identified(
            issuer=self._issuer,
            subject=str(claims["sub"]),
            email=str(claims.get("email", "")),
            email_verified=claims.get("email_verified") is True,
            name=str(claims.get("name", ""))[:100],
            locale=str(claims.get("locale", ""))[:35],
        )

    async def _exchange(self, provider: _Provider, begun: Begun, code: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_url,
            "client_id": self._client_id,
            "code_verifier": begun.verifier,
        }
        headers = self._proof() if self._secret else {}
        status, answer = await _json("POST", provider.token_endpoint, headers, data=form)
        if status != 200:  # noqa: PLR2004 - RFC 6749's only success
            log.info("the OpenID provider refused a code", status=status)
            raise SignInFailed
        return answer

    def _proof(self) -> dict[str, str]:
        """`client_secret_basic`, each part percent-encoded first (RFC 6749, 2.3.1)."""
        name, secret = quote(self._client_id, safe=""), quote(self._secret, safe="")
        return {"Authorization": aiohttp.encode_basic_auth(name, secret)}

    async def _verified(
        self, provider: _Provider, token: str, begun: Begun, answer: dict[str, Any]
    ) -> CodeIDToken:
        try:
            found = jwt.decode(token, provider.keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            provider = await self._provider(newer_than=provider.read_at)  # perhaps new keys
            try:
                found = jwt.decode(token, provider.keys, algorithms=ALGORITHMS)
            except (JoseError, ValueError) as error:
                raise SignInFailed from error
        expected = {
            "iss": {"essential": True, "values": [self._issuer, f"{self._issuer}/"]},
            "aud": {"essential": True, "value": self._client_id},
        }
        about = {
            "nonce": begun.nonce,
            "client_id": self._client_id,
            "access_token": answer.get("access_token"),
            **({"max_age": RECENT_SECONDS} if begun.again else {}),
        }
        claims = CodeIDToken(found.claims, found.header, options=expected, params=about)
        try:
            claims.validate(now=int(time.time()), leeway=LEEWAY_SECONDS)
        except JoseError as error:
            raise SignInFailed from error
        if begun.again and time.time() - claims["auth_time"] > RECENT_SECONDS:
            raise SignInFailed
        return claims

    async def _provider(self, *, newer_than: float = 0.0) -> _Provider:
        """The provider's published configuration and keys, cached for FRESH_SECONDS."""
        async with self._reading:
            known = self._known
            if (
                known is None
                or time.monotonic() - known.read_at > FRESH_SECONDS
                or (newer_than and known.read_at <= newer_than)
            ):
                known = self._known = await self._read()
            return known

    async def _read(self) -> _Provider:
        _, about = await _json("GET", f"{self._issuer}/.well-known/openid-configuration")
        if str(about.get("issuer", "")).rstrip("/") != self._issuer:
            log.error("the OpenID provider calls itself by another name than INCASSO_OIDC_ISSUER")
            raise ServiceUnavailable
        try:
            _, keys = await _json("GET", about["jwks_uri"])
            return _Provider(
                about["authorization_endpoint"],
                about["token_endpoint"],
                KeySet.import_key_set(keys),  # type: ignore[arg-type]  # checked by the library itself
                time.monotonic(),
            )
        except (KeyError, ValueError, JoseError) as error:
            log.error("the OpenID provider's configuration is not usable", error=str(error))
            raise ServiceUnavailable from error


async def _json(
    method: str, url: str, headers: Mapping[str, str] = _NONE, **more: Any
) -> tuple[int, dict[str, Any]]:
    """Status and JSON. Raises ServiceUnavailable if there is no usable answer."""
    headers = {"Accept": "application/json", **headers}
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as http,
            http.request(method, url, headers=headers, allow_redirects=False, **more) as response,
        ):
            body = await response.content.read(MAX_BYTES)
            return response.status, _object(body)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        log.error("the OpenID provider does not answer", error=type(error).__name__)
        raise ServiceUnavailable from error


def _object(body: bytes) -> dict[str, Any]:
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - handled like an answer that is not JSON
    return found
