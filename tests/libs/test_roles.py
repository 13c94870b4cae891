from libs import descriptors
from libs.roles import SCOPES, Role


def test_the_roles_scopes_are_exactly_those_of_the_contracts():
    assert frozenset().union(*SCOPES.values()) == descriptors.all_scopes()


def test_a_viewer_can_only_read_and_save_views():
    changing = {scope for scope in SCOPES[Role.VIEWER] if not scope.endswith(":read")}
    assert changing == {"views:write"}


def test_an_owner_has_every_scope_and_no_other_role_has_the_powerful_ones():
    assert SCOPES[Role.OWNER] == descriptors.all_scopes()
    powers = {"api_keys:write", "bank_account:write", "members:write", "routing:write"}
    for role in set(Role) - {Role.OWNER}:
        assert not SCOPES[role] & powers
