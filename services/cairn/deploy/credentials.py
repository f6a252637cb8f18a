"""clouds.yaml and what else the deployment wrote down for clients, in the cloud's directory."""

import json
import os
import shlex
from typing import Any

import yaml

from cairn.deploy.cloud import Cloud
from cairn.deploy.errors import Failed

Entry = dict[str, Any]


def entries(cloud: Cloud) -> dict[str, Entry]:
    """Who one can be on this cloud: the entries of clouds.yaml."""
    cloud.existing()
    return dict(yaml.safe_load(_text(cloud, "clouds.yaml"))["clouds"])


def admin(cloud: Cloud) -> Entry:
    """The admin's entry. Raises Failed where the file is of a release that named it otherwise."""
    try:
        return entries(cloud)[cloud.admin]
    except KeyError:
        raise Failed(f"{cloud.clouds_yaml} has no entry '{cloud.admin}'",
                     "Let it be written again: ./cairn up") from None


def facts(cloud: Cloud) -> dict[str, Any]:
    """What the inventory came to, as far as a client must know it."""
    return dict(json.loads(_text(cloud, "facts.json")))


def _text(cloud: Cloud, name: str) -> str:
    try:
        return (cloud.directory / name).read_text()
    except FileNotFoundError:
        raise Failed(
            f"the cloud '{cloud.name}' is not finished: it has no {name} yet",
            "Let it go on with: ./cairn up",
        ) from None
    except PermissionError:
        raise Failed(f"only root may read {cloud.directory}", "Try: sudo ./cairn ...") from None


def exports(entry: Entry) -> str:
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


def environment(cloud: Cloud, who: str | None = None) -> dict[str, str]:
    """A process environment in which the client speaks to this cloud and no other.

    The user's own OS_ variables would be mixed in by the client, so only those that choose an API
    version or one of this cloud's entries stay.
    """
    names = entries(cloud)
    who = who or cloud.admin
    kept = {
        name: value for name, value in os.environ.items()
        if not name.startswith("OS_") or name.endswith("_API_VERSION")
    }
    requested = os.environ.get("OS_CLOUD", who)
    return kept | {
        "OS_CLIENT_CONFIG_FILE": str(cloud.clouds_yaml),
        "OS_CLOUD": requested if requested in names else who,
    }
