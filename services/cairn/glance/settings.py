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


@dataclass(frozen=True)
class Settings:
    database: DatabaseSettings = section(DatabaseSettings)
    messaging: MessagingSettings = section(MessagingSettings)
    identity: IdentitySettings = section(IdentitySettings)
    policy: PolicySettings = section(PolicySettings)
    image: ImageSettings = section(ImageSettings)
