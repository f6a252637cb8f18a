"""The types of what core returns, for those who do not know the database."""

from cairn.keystone.db.endpoints import EndpointGroup
from cairn.keystone.db.models import (
    AccessRule,
    ApplicationCredential,
    Credential,
    Endpoint,
    Group,
    Limit,
    PolicyBlob,
    Project,
    Region,
    RegisteredLimit,
    Role,
    Service,
    Trust,
    User,
)
from cairn.keystone.db.oauth1 import AccessToken, Consumer

__all__ = [
    "AccessRule", "AccessToken", "ApplicationCredential", "Consumer", "Credential", "Endpoint",
    "EndpointGroup", "Group", "Limit", "PolicyBlob", "Project", "Region", "RegisteredLimit",
    "Role", "Service", "Trust", "User",
]
