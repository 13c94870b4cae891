"""`incasso members`: who may use the console for a merchant. It also invites the first owner."""

from enum import StrEnum
from typing import Annotated

import typer

from cli import output
from cli.calls import MEMBERS, ask
from cli.options import Cursor, Limit, MerchantId
from cli.output import AsJson
from cli.plain import plain
from incasso.merchants.v1 import members_pb2 as pb
from incasso.merchants.v1 import sessions_pb2
from libs import ids

app = typer.Typer(help="Members of a merchant: people who use the console.", no_args_is_help=True)

COLUMNS = ("id", "email", "name", "role", "state", "invited_by", "created_at")


class Role(StrEnum):
    VIEWER = "viewer"
    FINANCE = "finance"
    OPERATOR = "operator"
    OWNER = "owner"


MemberId = Annotated[str, typer.Argument(help="mem_…")]


@app.command()
def invite(
    *,
    email: Annotated[str, typer.Argument(help="E-mail address to invite.")],
    merchant: MerchantId,
    role: Annotated[Role, typer.Option(help="What the member may do.")] = Role.OWNER,
    locale: Annotated[
        str, typer.Option(help="Language of the e-mail; by default the merchant's.")
    ] = "",
    show_link: Annotated[
        bool,
        typer.Option("--show-link", help="Also print the link, in case no e-mail can be sent."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Invite a person by e-mail, by default as an owner."""
    request = pb.InviteMemberRequest(
        email=email,
        role=sessions_pb2.Role.Value(f"ROLE_{role.name}"),
        locale=locale or None,
    )
    made = ask(MEMBERS, request, merchant_id=merchant, idempotency_key=ids.new("key"))
    shown = plain(made)["member"]
    if show_link:
        link = pb.IssueInvitationLinkRequest(member_id=made.member.id)
        shown["link"] = ask(MEMBERS, link, merchant_id=merchant).url
    if as_json:
        output.print_json(shown)
    else:
        output.print_record("Invited", shown)


@app.command("list")
def list_(
    *, merchant: MerchantId, limit: Limit = 20, cursor: Cursor = "", as_json: AsJson = False
) -> None:
    """List members, invited and former ones too, newest first."""
    request = pb.ListMembersRequest(limit=limit, cursor=cursor or None)
    page = plain(ask(MEMBERS, request, merchant_id=merchant))
    if as_json:
        output.print_json(page)
        return
    empty = "No members yet. `incasso members invite EMAIL` invites the first owner."
    output.print_table("Members", COLUMNS, page["data"], empty=empty)
    output.print_next_page(page.get("next_cursor", ""))


@app.command()
def remove(*, member: MemberId, merchant: MerchantId, as_json: AsJson = False) -> None:
    """Remove a member: their sessions of this merchant end at once."""
    request = pb.RemoveMemberRequest(member_id=member)
    removed = plain(ask(MEMBERS, request, merchant_id=merchant))["member"]
    if as_json:
        output.print_json(removed)
    else:
        output.print_record("Removed", removed)


@app.command()
def revoke(*, member: MemberId, merchant: MerchantId, as_json: AsJson = False) -> None:
    """Revoke an invitation: its links no longer work."""
    request = pb.RevokeInvitationRequest(member_id=member)
    revoked = plain(ask(MEMBERS, request, merchant_id=merchant))["member"]
    if as_json:
        output.print_json(revoked)
    else:
        output.print_record("Invitation revoked", revoked)
