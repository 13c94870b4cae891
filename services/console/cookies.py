"""The console's cookies. Over TLS their names begin with `__Host-`: no other host can set them."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

SESSION: Final = "incasso-session"
VISIT: Final = "incasso-visit"  # identifies a browser without a session, for signing in
LANGUAGE: Final = "incasso-language"
KEPT: Final = "incasso-kept"  # a form kept while its sender proves their identity
YEAR_SECONDS: Final = 31_536_000
MAX_VALUE: Final = 4000


@dataclass(frozen=True, slots=True)
class Cookies:
    """`secure`: browsers use TLS. Without TLS, on a local machine, a cookie cannot be secure."""

    secure: bool

    def name(self, name: str) -> str:
        return f"__Host-{name}" if self.secure else name

    def get(self, request: web.Request, name: str) -> str:
        value = request.cookies.get(self.name(name), "")
        return value if value.isascii() and value.isprintable() and len(value) <= MAX_VALUE else ""

    def set(
        self, response: web.StreamResponse, name: str, value: str, *, max_age: int | None = None
    ) -> None:
        """Without `max_age` it ends with the browser; the session behind it expires anyway."""
        response.set_cookie(
            self.name(name),
            value,
            max_age=max_age,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="Lax",
        )

    def drop(self, response: web.StreamResponse, name: str) -> None:
        response.del_cookie(
            self.name(name), path="/", secure=self.secure, httponly=True, samesite="Lax"
        )
