import http.server
import shutil
import threading

import pytest

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.glance.app import create_app
from cairn.glance.component import Glance
from cairn.glance.core.stores import Stores
from cairn.glance.core.uris import Gate
from cairn.glance.db.models import Base
from cairn.glance.policy import RULES
from cairn.glance.settings import CacheSettings, ImageSettings, ImportSettings, StoreSettings
from cairn.glance.worker.process import make as make_worker


def person(name, project, *roles):
    return Context(name, project_id=project, roles=frozenset(roles))


PEOPLE = {
    "admin": person("root", "ops", "admin", "member", "reader"),
    "nova": person("nova", "service", "service"),
    "alice": person("alice", "red", "member", "reader"),
    "bob": person("bob", "blue", "member", "reader"),
    "rita": person("rita", "red", "reader"),
}
