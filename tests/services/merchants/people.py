"""A test's people: invited by the operator, joined with a password, signed in."""

from dataclasses import dataclass
from typing import Any

from incasso.merchants.v1 import sessions_pb2 as pb
from tests.services.merchants.conftest import Merchants

PASSWORD = "correct horse battery"
ORIGIN = {"user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0", "address": "203.0.113.7"}
ISSUER = "https://id.example"
ROLES = {name: pb.Role.Value(f"ROLE_{name.upper()}") for name in ("viewer", "finance", "owner")}


@dataclass
class Colleague:
    member_id: str
    merchant_id: str
    email: str
    token: str


async def invite(
    service: Merchants,
    merchant_id: str,
    email: str = "anna@shop.example",
    role: str = "owner",
    *,
    key: str = "",
) -> Any:
    answer = await service.call(
        "InviteMember",
        merchant_id=merchant_id,
        key=key or f"{email} {merchant_id}",
        email=email,
        role=ROLES[role],
    )
    return answer.member


async def link_token(service: Merchants, merchant_id: str, member_id: str) -> str:
    answer = await service.call("IssueInvitationLink", merchant_id=merchant_id, member_id=member_id)
    return answer.url.rpartition("/")[2]


async def join(
    service: Merchants, merchant_id: str, email: str = "anna@shop.example", role: str = "owner"
) -> Colleague:
    """Invites somebody, who signs in through the OpenID provider."""
    member = await invite(service, merchant_id, email, role)
    token = (await identify(service, email)).token
    await service.call(
        "AcceptInvitation",
        actor="console",
        token=await link_token(service, merchant_id, member.id),
        session_token=token,
    )
    return Colleague(member.id, merchant_id, email, token)


async def identify(service: Merchants, email: str, /, **changes: Any) -> Any:
    """Signs in somebody whose provider vouches for this address."""
    claims = {
        "issuer": ISSUER,
        "subject": f"sub of {email}",
        "email": email,
        "email_verified": True,
        "name": "Anna Rossi",
        "origin": ORIGIN,
        **changes,
    }
    return (await service.call("SignInWithIdentity", actor="console", **claims)).signed_in


async def sign_in(
    service: Merchants, email: str, password: str = PASSWORD, address: str = ORIGIN["address"]
) -> Any:
    origin = {**ORIGIN, "address": address}
    answer = await service.call(
        "SignInWithPassword", actor="console", email=email, password=password, origin=origin
    )
    return answer.signed_in


async def select(service: Merchants, token: str, merchant_id: str) -> Any:
    more = {"merchant_id": merchant_id}
    return await service.call("SelectMerchant", actor="console", token=token, more=more)


async def authenticate(service: Merchants, token: str) -> Any:
    return await service.call("AuthenticateSession", actor="console", token=token)
