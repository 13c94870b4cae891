"""API keys: created with their scopes, shown once, rotated and revoked."""

from collections.abc import Mapping, Sequence
from typing import Final

from incasso.merchants.v1 import merchants_pb2
from libs import descriptors
from services.console.listing import enum_value, rows
from services.console.page import Html, Page, See, get, post
from services.console.visit import Visit

AREA: Final = "settings_keys"
KEY = merchants_pb2.ApiKey
MOST: Final = 100
KINDS: Final = ("secret", "publishable")
# How long a rotated key keeps working: name → seconds.
OVERLAPS: Final = {"none": 0, "hour": 3600, "day": 86_400, "week": 604_800}


async def listed(visit: Visit) -> Html:
    found = await rows(visit, merchants_pb2.ListApiKeysRequest(), "keys")
    return Html("keys.html", {**found, "manages": visit.who.holds("api_keys:write")})


async def form(visit: Visit) -> Html:
    return Html("key_new.html", {"kinds": KINDS, "scopes": _scopes()})


async def create(visit: Visit) -> Html:
    wanted = [name for names in _scopes().values() for name in names]
    chosen = [name for name in wanted if visit.typed(f"scope:{name}") == "yes"]
    request = merchants_pb2.CreateApiKeyRequest(
        kind=enum_value(KEY.Kind, visit.typed("kind")),
        name=visit.typed("name"),
        scopes=["*"] if visit.typed("everything") == "yes" else chosen,
    )
    answer = await visit.change(request)
    return Html("key_made.html", {"key": answer.api_key}, 201)


async def rotate_form(visit: Visit) -> Html:
    return Html("key_rotate.html", {"key": await _key(visit), "overlaps": tuple(OVERLAPS)})


async def rotate(visit: Visit) -> Html:
    """The new key is shown once; the old one works until the overlap has passed."""
    before = await _key(visit)
    request = merchants_pb2.RotateApiKeyRequest(
        api_key_id=visit.part("key_id"),
        overlap_seconds=OVERLAPS.get(visit.typed("overlap"), OVERLAPS["hour"]),
    )
    answer = await visit.change(request, subject=visit.part("key_id"), before=before)
    return Html("key_made.html", {"key": answer.api_key}, 201)


async def revoke(visit: Visit) -> See:
    before = await _key(visit)
    request = merchants_pb2.RevokeApiKeyRequest(api_key_id=visit.part("key_id"))
    await visit.change(request, subject=visit.part("key_id"), before=before)
    return See("/settings/keys", notice="revoked")


async def _key(visit: Visit) -> merchants_pb2.ApiKey | None:
    """The key; None if it is older than the newest hundred, though the service knows it."""
    found = (await visit.ask(merchants_pb2.ListApiKeysRequest(limit=MOST))).data
    return next((key for key in found if key.id == visit.part("key_id")), None)


def _scopes() -> Mapping[str, Sequence[str]]:
    """All scopes, by subject: `payments` has `payments:read` and
    `payments:write`.
    """
    found: dict[str, list[str]] = {}
    for scope in sorted(descriptors.all_scopes()):
        found.setdefault(scope.partition(":")[0], []).append(scope)
    return found


LIST: Final = "merchants.ListApiKeys"
CREATE: Final = "merchants.CreateApiKey"
ROTATE: Final = "merchants.RotateApiKey"
PAGES: Final[tuple[Page, ...]] = (
    get("/settings/keys", listed, AREA, LIST),
    get("/settings/keys/new", form, AREA, CREATE),
    post("/settings/keys/new", create, AREA, CREATE, again=form),
    get("/settings/keys/{key_id}/rotate", rotate_form, AREA, LIST, ROTATE),
    post("/settings/keys/{key_id}/rotate", rotate, AREA, LIST, ROTATE, again=rotate_form),
    post("/settings/keys/{key_id}/revoke", revoke, AREA, LIST, "merchants.RevokeApiKey"),
)
