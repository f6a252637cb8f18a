"""Role service: whose it is, and where it counts."""

import pytest

from cairn.common.auth import Authenticator
from cairn.common.policy import Policy
from cairn.common.tokens import Token


class Tokens:
    """Stands for a verifier: every text is a token of these roles on that project."""

    def __init__(self, project, domain="Default", roles=("service", "member")):
        self.scope = {"project": {"id": "p", "name": project,
                                  "domain": {"id": "d", "name": domain}}}
        self.roles = [{"id": role, "name": role} for role in roles]

    def verify(self, text):
        user = {"id": "u", "name": "u", "domain": {"id": "d", "name": "Default"}}
        return Token(user, ["password"], ["a"], 0.0, 1.0, self.scope, self.roles)


@pytest.mark.parametrize(("project", "domain", "counts"), [
    ("service", "Default", True), ("service", "blue", False), ("red", "Default", False),
    ("Service", "Default", False),
])
def test_role_service_counts_on_the_service_project_only(project, domain, counts):
    ctx = Authenticator(Tokens(project, domain))({"X-Auth-Token": "t"})
    assert ctx.is_service is counts
    assert ctx.roles == ({"service", "member"} if counts else {"member"})
    assert Policy({}).allows(ctx, "service_api") is counts


def test_the_service_project_is_the_settings():
    authenticate = Authenticator(Tokens("cloud", "ops"), ("cloud", "ops"))
    assert authenticate({"X-Auth-Token": "t"}).is_service
    assert not Authenticator(Tokens("service"), ("cloud", "ops"))({"X-Auth-Token": "t"}).is_service


def test_role_service_counts_on_no_domain_and_not_on_the_system():
    tokens = Tokens("service")
    for scope in ({"system": {"all": True}}, {"domain": {"id": "d", "name": "service"}}, None):
        tokens.scope = scope
        assert not Authenticator(tokens)({"X-Auth-Token": "t"}).is_service
