"""clouds.yaml and openrc: how the client finds the cloud and who it is there."""

import os
import shlex
from dataclasses import dataclass
from typing import Any

import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from cairn.deploy.cloud import Cloud, write
from cairn.deploy.errors import Failed


@dataclass(frozen=True)
class User:
    name: str
    password: str
    project: str


def secrets(cloud: Cloud) -> dict[str, Any]:
    """The generated secrets, out of their vault."""
    try:
        password = cloud.vault_password.read_bytes().strip()
        sealed = cloud.secrets.read_bytes()
    except FileNotFoundError as missing:
        raise Failed(
            f"{missing.filename} is missing", "The deployment has not come far enough: ./cairn up"
        ) from missing
    found = yaml.safe_load(VaultLib([("default", VaultSecret(password))]).decrypt(sealed))
    return dict(found.get("cloud_secrets", found))


def clouds(url: str, region: str, ca: str, admin: User, demo: User | None) -> dict[str, Any]:
    """The document of clouds.yaml: the admin's view, the whole system's, the demo user's."""
    common = {"region_name": region, "cacert": ca, "identity_api_version": 3, "interface": "public"}
    scopes = {
        "cairn": (admin, {"project_name": admin.project, "project_domain_name": "Default"}),
        "cairn-system": (admin, {"system_scope": "all"}),
    }
    if demo:
        project = {"project_name": demo.project, "project_domain_name": "Default"}
        scopes["cairn-demo"] = (demo, project)
    return {
        "clouds": {
            name: {
                **common,
                "auth": {
                    "auth_url": url, "username": user.name, "password": user.password,
                    "user_domain_name": "Default", **scope,
                },
            }
            for name, (user, scope) in scopes.items()
        }
    }


def store(cloud: Cloud, document: dict[str, Any]) -> None:
    header = "# Written by ./cairn up. Secret: whoever can read it is the cloud's admin.\n"
    write(cloud.clouds_yaml, header + yaml.safe_dump(document, sort_keys=False))
    write(cloud.openrc, header + exports(document["clouds"]["cairn"]))


def load(cloud: Cloud) -> dict[str, Any]:
    cloud.existing()
    try:
        return dict(yaml.safe_load(cloud.clouds_yaml.read_text()))
    except FileNotFoundError:
        raise Failed(
            f"the cloud '{cloud.name}' is not finished: it has no clouds.yaml yet",
            "Let it go on with: ./cairn up",
        ) from None


def exports(entry: dict[str, Any]) -> str:
    """The lines that make a shell's clients be this user."""
    auth = entry["auth"]
    names = {
        "OS_AUTH_URL": auth["auth_url"],
        "OS_USERNAME": auth["username"],
        "OS_PASSWORD": auth["password"],
        "OS_PROJECT_NAME": auth["project_name"],
        "OS_USER_DOMAIN_NAME": auth["user_domain_name"],
        "OS_PROJECT_DOMAIN_NAME": auth["project_domain_name"],
        "OS_IDENTITY_API_VERSION": entry["identity_api_version"],
        "OS_REGION_NAME": entry["region_name"],
        "OS_INTERFACE": entry["interface"],
        "OS_CACERT": entry["cacert"],
    }
    return "".join(f"export {name}={shlex.quote(str(value))}\n" for name, value in names.items())


def environment(cloud: Cloud, who: str = "cairn") -> dict[str, str]:
    """A process environment in which the client speaks to this cloud and no other.

    The user's own OS_ variables would be mixed in by the client, so only those that choose an API
    version or one of this cloud's entries stay.
    """
    known = load(cloud)["clouds"]
    kept = {
        name: value for name, value in os.environ.items()
        if not name.startswith("OS_") or name.endswith("_API_VERSION")
    }
    wanted = os.environ.get("OS_CLOUD", who)
    return kept | {
        "OS_CLIENT_CONFIG_FILE": str(cloud.clouds_yaml),
        "OS_CLOUD": wanted if wanted in known else who,
    }
