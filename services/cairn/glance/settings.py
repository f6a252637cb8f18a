"""Glance's settings, /etc/cairn/api/glance-api.conf."""

from dataclasses import dataclass

from cairn.common.settings import (
    DatabaseSettings,
    IdentitySettings,
    MessagingSettings,
    PolicySettings,
    option,
    section,
)


@dataclass(frozen=True)
class ImageSettings:
    folder: str = option("/var/lib/cairn/images", "Where the file store keeps the bytes.")
    accel: str = option(
        "/_images/", "nginx's internal location of that folder; empty: this process sends itself."
    )
    size_cap: int = option(1099511627776, "The largest image taken, in bytes.")
    check_content: bool = option(
        True, "Refuse content that is not what the image's disk_format says."
    )
    limit_param_default: int = option(25, "Entries of a list's page that names no limit.")
    api_limit_max: int = option(1000, "The most entries of one page.")
    image_property_quota: int = option(128, "Properties an image may have; negative: any number.")
    image_tag_quota: int = option(128, "Tags an image may have; negative: any number.")
    image_member_quota: int = option(128, "Members an image may have; negative: any number.")
    property_protection_file: str = option(
        "", "File that says who may create, read, update and delete which properties; empty: all."
    )
    property_protection_rule_format: str = option(
        "roles", "What that file names: roles, or policies of the policy file."
    )


@dataclass(frozen=True)
class Settings:
    database: DatabaseSettings = section(DatabaseSettings)
    messaging: MessagingSettings = section(MessagingSettings)
    identity: IdentitySettings = section(IdentitySettings)
    policy: PolicySettings = section(PolicySettings)
    image: ImageSettings = section(ImageSettings)
