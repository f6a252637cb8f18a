"""The unmodified OpenStack client, told where the cloud is."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from cairn.deploy import credentials
from cairn.deploy.cloud import Cloud


def become(cloud: Cloud, arguments: Sequence[str]) -> NoReturn:
    """Turn this process into the client, so that its exit code is ours."""
    environment = credentials.environment(cloud)
    # Ours is not the client's business: it must run as it would anywhere.
    environment.pop("PYTHONPATH", None)
    sys.stdout.flush()
    program = Path(sys.executable).with_name("openstack")
    os.execve(program, [str(program), *arguments], environment)
