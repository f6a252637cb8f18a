"""What a role brought ends with it: by whatever way it came, in whatever token it is."""

import pytest

from .conftest import SYSTEM, Caller, asking, project


@pytest.fixture
def at(admin):
    return {kind: {each["name"]: each["id"] for each in admin.ok("GET", f"/{kind}")[kind]}
            for kind in ("users", "projects", "roles")}


@pytest.fixture
def credential(client, at):
    """credential(caller, role) -> a Caller by an application credential with that role alone."""
    def credential(caller, role):
        made = caller.ok("POST", f"/users/{at['users']['alice']}/application_credentials", {
            "application_credential": {"name": role, "roles": [{"name": role}]},
        })["application_credential"]
        given = {"id": made["id"], "secret": made["secret"]}
        reply = client.post("/v3/auth/tokens", json={"auth": {"identity": {
            "methods": ["application_credential"], "application_credential": given}}})
        assert reply.status_code == 201
        return Caller(client, reply.headers["X-Subject-Token"])
    return credential


def trusted(client, lender, at, trustee, role="reader", **more):
    """A Caller by a trust of `lender`'s to `trustee`."""
    made = lender.ok("POST", "/OS-TRUST/trusts", {"trust": {
        "trustor_user_id": at["users"][lender.name], "trustee_user_id": at["users"][trustee],
        "project_id": at["projects"]["red"], "impersonation": False,
        "roles": [{"name": role}], **more,
    }})["trust"]
    scope = {"OS-TRUST:trust": {"id": made["id"]}}
    reply = client.post("/v3/auth/tokens", json=asking(trustee, f"{trustee}'s", scope))
    assert reply.status_code == 201, reply.text
    found = Caller(client, reply.headers["X-Subject-Token"])
    found.name = trustee
    return found


def alive(caller):
    return caller("GET", "/auth/projects").status_code == 200


def where(at, role="member", place="projects", name="red"):
    return f"/{place}/{at[place][name]}/users/{at['users']['alice']}/roles/{at['roles'][role]}"


class TestImpliedAlone:
    """A token that has what the role implies, and not the role."""

    @pytest.fixture
    def reader(self, alice, credential):
        return credential(alice, "reader")

    def test_the_grant_is_taken(self, admin, at, reader):
        admin.ok("DELETE", where(at))
        assert not alive(reader)

    def test_the_implication_is_deleted(self, admin, at, reader):
        roles = at["roles"]
        admin.ok("DELETE", f"/roles/{roles['member']}/implies/{roles['reader']}")
        assert not alive(reader)

    def test_the_role_is_deleted(self, admin, at, reader):
        member = at["roles"]["member"]
        admin.ok("PATCH", f"/roles/{member}", {"role": {"options": {"immutable": False}}})
        admin.ok("DELETE", f"/roles/{member}")
        assert not alive(reader)

    def test_those_who_have_it_otherwise_stay(self, admin, at, alice, login, reader):
        nova = login("nova", scope=project("service"))
        admin.ok("DELETE", where(at))
        assert alive(nova)


class TestDomainRoles:
    """A domain's role is in no token: only what it implies."""

    @pytest.fixture
    def by(self, admin, at, login):
        """by(actor) -> carol, who has the role reader by the domain's role `audit` of hers, or of
        a group's; and the role."""
        def by(actor):
            carol = admin.make("users", name="carol", password="carol's", domain_id="default")
            role = admin.make("roles", name="audit", domain_id="default")
            admin.ok("PUT", f"/roles/{role['id']}/implies/{at['roles']['reader']}")
            who = f"users/{carol['id']}"
            if actor == "group":
                group = admin.make("groups", name="auditors", domain_id="default")
                admin.ok("PUT", f"/groups/{group['id']}/users/{carol['id']}")
                who = f"groups/{group['id']}"
            admin.ok("PUT", f"/projects/{at['projects']['red']}/{who}/roles/{role['id']}")
            return login("carol", scope=project("red")), role["id"], who, carol["id"]
        return by

    @pytest.mark.parametrize("actor", ["user", "group"])
    @pytest.mark.parametrize("how", ["grant", "implication", "role"])
    def test_ends_with(self, admin, at, by, actor, how):
        carol, role, who, _ = by(actor)
        assert alive(carol)
        admin.ok("DELETE", {
            "grant": f"/projects/{at['projects']['red']}/{who}/roles/{role}",
            "implication": f"/roles/{role}/implies/{at['roles']['reader']}",
            "role": f"/roles/{role}",
        }[how])
        assert not alive(carol)

    def test_ends_with_the_membership(self, admin, by):
        carol, _, who, carol_id = by("group")
        admin.ok("DELETE", f"/{who}/users/{carol_id}")
        assert not alive(carol)


def test_an_inherited_role_taken_from_the_domain(admin, at, login):
    inherited = (f"/OS-INHERIT/domains/default/users/{at['users']['alice']}"
                 f"/roles/{at['roles']['reader']}/inherited_to_projects")
    admin.ok("PUT", inherited)
    caller = login("alice", scope=project("service"))
    admin.ok("DELETE", inherited)
    assert not alive(caller)


def test_a_role_on_the_system(admin, at, login):
    path = f"/system/users/{at['users']['alice']}/roles/{at['roles']['member']}"
    admin.ok("PUT", path)
    caller = login("alice", scope=SYSTEM)
    admin.ok("DELETE", path)
    assert not alive(caller)


@pytest.mark.parametrize("happens", ["grant", "disabled", "deleted", "password"])
def test_a_trust_that_was_passed_on_ends_with_its_first_lender(
    admin, at, alice, client, happens
):
    alice.name = "alice"
    for name in ("bob", "carol"):
        at["users"][name] = admin.make("users", name=name, password=f"{name}'s")["id"]
    red, reader = at["projects"]["red"], at["roles"]["reader"]
    admin.ok("PUT", f"/projects/{red}/users/{at['users']['bob']}/roles/{reader}")
    bob = trusted(client, alice, at, "bob", allow_redelegation=True)
    carol = trusted(client, bob, at, "carol")
    assert alive(carol)
    me = f"/users/{at['users']['alice']}"
    if happens == "grant":
        admin.ok("DELETE", where(at))
    elif happens == "disabled":
        admin.ok("PATCH", me, {"user": {"enabled": False}})
    elif happens == "deleted":
        admin.ok("DELETE", me)
    else:
        admin.ok("PATCH", me, {"user": {"password": "new"}})
    assert not alive(bob)
    assert not alive(carol)


def test_the_trusts_of_a_disabled_domains_users(admin, at, client, login):
    domain = admin.make("domains", name="blue")
    carol = admin.make("users", name="carol", password="carol's", domain_id=domain["id"])
    at["users"]["carol"] = carol["id"]
    role = f"/projects/{at['projects']['red']}/users/{carol['id']}/roles/{at['roles']['member']}"
    admin.ok("PUT", role)
    lender = login("carol", scope=project("red"), domain=domain["id"])
    lender.name = "carol"
    alice = trusted(client, lender, at, "alice")
    assert alive(alice)
    admin.ok("PATCH", f"/domains/{domain['id']}", {"domain": {"enabled": False}})
    assert not alive(alice)
