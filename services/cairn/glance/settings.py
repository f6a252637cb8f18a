"""What glance's processes may be told, by section."""

from dataclasses import dataclass

from cairn.common import settings as common
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
    folder: str = option(
        "/var/lib/cairn/images", "Root of the folders that the proxy may send files from."
    )
    accel: str = option(
        "/_images/", "nginx's internal location of that folder; empty: this process sends itself."
    )
    size_cap: int = option(1099511627776, "The largest image taken, in bytes.")
    check_content: bool = option(
        True, "Refuse content that is not what the image's disk_format says."
    )
    unchecked_containers: str = option(
        "", "Container formats (ova, ovf, docker, compressed, ami, ari, aki) whose content is not "
        "held against them."
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
    schema_file: str = option(
        "", "JSON file of schemas of the properties that images are known to have (upstream's "
        "schema-image.json); empty: the common ones."
    )
    gpt_checks_nonfatal: str = option(
        "", "Checks of a partition table (mbr, gptmbr) that only warn; a space between each."
    )
    do_secure_hash: bool = option(True, "Read and hash what a location that is added points to.")
    show_multiple_locations: bool = option(
        False, "Show images' locations, and let them be changed, to whom the policy allows it."
    )
    show_image_direct_url: bool = option(False, "Show the address of the bytes as direct_url.")
    use_keystone_limits: bool = option(
        True, "Hold projects to the limits that keystone has registered for images; what it has "
        "none for is not limited."
    )


@dataclass(frozen=True)
class StoreSettings:
    enabled: str = option(
        "local:file:/var/lib/cairn/images",
        "Stores, as NAME:KIND[:WHERE] with a space between each. Kinds: file (WHERE is a folder; "
        "without it, NAME in [image] folder), rbd (WHERE is POOL or POOL:USER of the Ceph cluster "
        "in /etc/ceph/ceph.conf) and http (images at other people's web servers, read-only).",
    )
    default: str = option("", "Store of what names none; empty: the first that can be written to.")
    weights: str = option(
        "", "NAME=NUMBER with a space between each: an image is read from its heaviest store."
    )
    import_to: str = option(
        "", "Stores of an import that names none, a space between each; empty: the default store."
    )


@dataclass(frozen=True)
class ImportSettings:
    methods: str = option(
        "glance-direct web-download copy-image glance-download", "Import methods that are offered."
    )
    plugins: str = option(
        "", "What is done to an import before it is stored, in this order: image_decompression, "
        "image_conversion, inject_image_metadata."
    )
    staging: str = option("", "Folder of what is not stored yet; empty: staging in [image] folder.")
    allowed_schemes: str = option("http https", "Schemes of addresses that are downloaded from.")
    disallowed_schemes: str = option("", "Schemes that are not, where none is named as allowed.")
    allowed_hosts: str = option("", "The only hosts that are downloaded from; empty: any.")
    disallowed_hosts: str = option("", "Hosts that are not, where none is named as allowed.")
    allowed_ports: str = option("80 443", "Ports that are downloaded from.")
    disallowed_ports: str = option("", "Ports that are not, where none is named as allowed.")
    refused_networks: str = option(
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
        "192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 "
        "224.0.0.0/3 ::/96 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 "
        "2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8",
        "Networks no download goes to, whatever name leads there: all that are nobody's on the "
        "internet, and those that carry others inside.",
    )
    own_networks: str = option(
        "", "Networks, addresses and names of the cloud itself, which no download goes to either."
    )
    allowed_networks: str = option(
        "", "Networks that downloads go to although they are among refused_networks or "
        "own_networks.",
    )
    transfer_hours: int = option(6, "Hours until a download is given up.")
    transfer_rate: int = option(
        16384, "Bytes a second below which a download is given up, over 20 s of waiting."
    )
    staging_hours: int = option(
        168, "Hours that what is staged waits for its import before it is removed."
    )
    output_format: str = option("raw", "What image_conversion converts to: raw or qcow2.")
    inject: str = option("", "Properties of inject_image_metadata: name:value,name:value.")
    ignore_user_roles: str = option("admin", "Roles whose images get none; a space between each.")
    extra_properties: str = option(
        "hw_ trait: os_distro os_secure_boot os_type",
        "How properties begin that glance-download takes over.",
    )
    task_hours: int = option(48, "Hours until a task that has ended is forgotten.")


@dataclass(frozen=True)
class CacheSettings:
    folder: str = option(
        "", "Where copies of images in slow stores are kept; empty: no image is cached."
    )
    max_size: int = option(10 * 1024**3, "Bytes that POST /v2/cache/prune leaves.")


@dataclass(frozen=True)
class WorkerSettings:
    threads: int = option(4, "Imports one worker runs at once.")


@dataclass(frozen=True)
class PurgeSettings(common.PurgeSettings):
    deleted_days: float = option(30.0, "Days that a deleted image is kept on record; 0: for ever.")


@dataclass(frozen=True)
class Settings:
    database: DatabaseSettings = section(DatabaseSettings)
    messaging: MessagingSettings = section(MessagingSettings)
    identity: IdentitySettings = section(IdentitySettings)
    policy: PolicySettings = section(PolicySettings)
    image: ImageSettings = section(ImageSettings)
    stores: StoreSettings = section(StoreSettings)
    imports: ImportSettings = section(ImportSettings)
    cache: CacheSettings = section(CacheSettings)


@dataclass(frozen=True)
class WorkerProcess:
    database: DatabaseSettings = section(DatabaseSettings)
    messaging: MessagingSettings = section(MessagingSettings)
    identity: IdentitySettings = section(IdentitySettings)
    image: ImageSettings = section(ImageSettings)
    stores: StoreSettings = section(StoreSettings)
    imports: ImportSettings = section(ImportSettings)
    cache: CacheSettings = section(CacheSettings)
    worker: WorkerSettings = section(WorkerSettings)
    purge: PurgeSettings = section(PurgeSettings)
