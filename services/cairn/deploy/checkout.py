"""Where things lie in the checkout this program runs from."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOKS = ROOT / "playbooks"
ROLES = ROOT / "roles"
GROUP_VARS = ROOT / "inventory" / "group_vars" / "all"
ANSIBLE_CFG = ROOT / "ansible.cfg"
