"""The gRPC servicer of sessions."""

from typing import Final

from incasso.merchants.v1 import sessions_pb2 as pb
from libs import servicer, wire
from services.merchants.flows import sessions, sign_in
from services.merchants.flows.sign_in import SignedIn


def signed_in_pb(made: SignedIn) -> pb.SignedIn:
    session = sessions.shown(made.session, current=True)
    return wire.message(pb.SignedIn, made, session=wire.message(pb.Session, session))


Sessions: Final = servicer.of(
    "incasso.merchants.v1.SessionsService",
    shows={SignedIn: signed_in_pb},
    SignInWithPassword=sign_in.sign_in_with_password,
    SignInWithIdentity=sign_in.sign_in_with_identity,
    AuthenticateSession=sessions.authenticate_session,
    ReauthenticateWithPassword=sign_in.reauthenticate_with_password,
    ReauthenticateWithIdentity=sign_in.reauthenticate_with_identity,
    ListMemberships=sessions.list_memberships,
    SelectMerchant=sessions.select_merchant,
    ListSessions=sessions.list_sessions,
    EndSessions=sessions.end_sessions,
    UpdatePerson=sessions.update_person,
)
