"""A small OpenID provider: discovery, keys, codes bound to PKCE, ID tokens signed by a library."""

import base64
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID = "the-console"
CLIENT_SECRET = "shared with the console"
CODE = "a-code"


def new_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "alg": "RS256", "use": "sig"})


@dataclass
class Provider:
    url: str = ""
    key: RSAKey = field(default_factory=lambda: new_key("one"))
    signs_with: RSAKey | None = None  # other than the published key
    claims: dict[str, Any] = field(default_factory=dict)  # replace those of the next ID token
    asked: dict[str, str] = field(default_factory=dict)  # parameters of the last authorisation
    exchanged: list[dict[str, str]] = field(default_factory=list)

    def authorise(self, url: str) -> str:
        """Acts as a person who agrees: returns the query with which the browser comes back."""
        assert url.startswith(f"{self.url}/authorize?")
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        return urlencode({"code": CODE, "state": self.asked["state"]})

    def id_token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": "anna-at-work",
            "email": "anna@bottega.example",
            "email_verified": True,
            "name": "Anna Bianchi",
            "nonce": self.asked["nonce"],
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            **self.claims,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        key = self.signs_with or self.key
        return jwt.encode({"alg": "RS256", "kid": key.kid}, kept, key)

    async def configuration(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }
        )

    async def keys(self, _: web.Request) -> web.Response:
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.exchanged.append(form)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        basic = base64.b64encode(f"{CLIENT_ID}:{quote(CLIENT_SECRET)}".encode()).decode()
        as_agreed = (
            form["code"] == CODE
            and challenge == self.asked["code_challenge"]
            and form["redirect_uri"] == self.asked["redirect_uri"]
            and request.headers.get("Authorization") == f"Basic {basic}"
        )
        if not as_agreed:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response(
            {"access_token": "unused", "token_type": "Bearer", "id_token": self.id_token()}
        )


@asynccontextmanager
async def running_provider() -> AsyncIterator[Provider]:
    provider = Provider()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider.configuration)
    app.router.add_get("/keys", provider.keys)
    app.router.add_post("/token", provider.token)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield provider
    await runner.cleanup()
