"""The unmodified SDK, told where the cloud is."""

from typing import Any

import openstack
from keystoneauth1.exceptions import ClientException
from openstack.config import OpenStackConfig
from openstack.exceptions import SDKException

from cairn.deploy.cloud import Cloud

ERRORS = (SDKException, ClientException)


def connect(cloud: Cloud, who: str, patience: float | None = None) -> Any:
    """A connection as one of the entries of clouds.yaml, untouched by the user's own settings.
    With `patience` no request waits for longer, in seconds."""
    config = OpenStackConfig(
        config_files=[str(cloud.clouds_yaml)], load_envvars=False, app_name="cairn"
    )
    return openstack.connection.Connection(config=config.get_one(cloud=who, api_timeout=patience))


def connect_by_environment(patience: float | None = None) -> Any:
    """A connection as whom the process's OS_ variables name, and no file."""
    config = OpenStackConfig(config_files=[], secure_files=[], vendor_files=[], app_name="cairn")
    return openstack.connection.Connection(config=config.get_one(api_timeout=patience))
