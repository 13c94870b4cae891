from libs import descriptors
from libs.roles import SCOPES, Role


def test_every_scope_of_the_contracts_is_given_to_a_role_and_no_other_is():
    assert frozenset().union(*SCOPES.values()) == descriptors.all_scopes()


def test_a_viewer_only_reads_and_keeps_views_of_what_they_read():
    changing = {scope for scope in SCOPES[Role.VIEWER] if not scope.endswith(":read")}
    assert changing == {"views:write"}


def test_an_owner_may_do_everything_and_nobody_else_gives_power_away():
    assert SCOPES[Role.OWNER] == descriptors.all_scopes()
    powers = {"api_keys:write", "bank_account:write", "members:write", "routing:write"}
    for role in set(Role) - {Role.OWNER}:
        assert not SCOPES[role] & powers
