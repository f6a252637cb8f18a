#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_pools
short_description: Own the pools of a Ceph cluster
version_added: 0.1.0
description:
  - Makes replicated pools, and brings their copies, their rule and their placement groups to what
    is asked for. Placement groups are added, never taken away. Nothing is ever deleted.
  - Copies of an object are on different C(apart), by a rule C(cairn-<apart>) of their own; so a
    cluster that has grown from one host to three can put them on different hosts.
  - Runs on a host that has the keyring of C(client.admin).
options:
  names:
    description: The pools.
    type: list
    elements: str
    required: true
  size:
    description: Copies of each object.
    type: int
    required: true
  min_size:
    description: Copies that there must be for the pool to be used.
    type: int
    required: true
  pg_num:
    description: Placement groups of each pool.
    type: int
    required: true
  apart:
    description: What no two copies share.
    type: str
    choices: [osd, host]
    required: true
  application:
    description: What the pools are for.
    type: str
    default: rbd
  oldest_client:
    description:
      - The oldest release of clients that may come. Since V(mimic) snapshots with clones can be
        deleted.
    type: str
    default: mimic
attributes:
  check_mode: {support: full, description: Reports what would change, also without a cluster.}
  diff_mode: {support: full, description: Shows the pools before and after.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: There is room for volumes
  cairn.cloud.ceph_pools:
    names: [volumes]
    size: 3
    min_size: 2
    pg_num: 32
    apart: host
"""

RETURN = r"""
made:
  description: The pools that were not there before.
  type: list
  elements: str
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.ceph import Cluster, Refused, Unreachable
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

RELEASES = [
    "jewel", "kraken", "luminous", "mimic", "nautilus", "octopus", "pacific", "quincy", "reef",
    "squid", "tentacle",
]


def look(cluster, names):
    """Those of the pools that there are, the rules, and who may come."""
    state = cluster.ask("osd dump")
    rules = {rule["rule_id"]: rule["rule_name"] for rule in cluster.ask("osd crush rule dump")}
    pools = {
        pool["pool_name"]: {
            "size": pool["size"],
            "min_size": pool["min_size"],
            # It may still be on its way there.
            "pg_num": pool["pg_num_target"],
            "rule": rules.get(pool["crush_rule"]),
            "pg_autoscale_mode": pool["pg_autoscale_mode"],
            "applications": sorted(pool["application_metadata"]),
        }
        for pool in state["pools"] if pool["pool_name"] in names
    }
    return {"pools": pools, "rules": sorted(rules.values()),
            "oldest_client": state["require_min_compat_client"]}


def plan(before, asked):
    """How they should be. Pure."""
    rule, pools = f"cairn-{asked['apart']}", {}
    for name in asked["names"]:
        old = before["pools"].get(name, {"pg_num": 0, "applications": []})
        pools[name] = {
            "size": asked["size"],
            "min_size": asked["min_size"],
            "pg_num": max(asked["pg_num"], old["pg_num"]),
            "rule": rule,
            "pg_autoscale_mode": "off",
            "applications": sorted({*old["applications"], asked["application"]}),
        }
    oldest = max(before["oldest_client"], asked["oldest_client"], key=rank)
    return {"pools": pools, "rules": sorted({*before["rules"], rule}), "oldest_client": oldest}


def rank(release):
    """Releases in their order; one that is not known yet is the newest."""
    return RELEASES.index(release) if release in RELEASES else len(RELEASES)


def act(cluster, before, after):
    if before["oldest_client"] != after["oldest_client"]:
        cluster.ask("osd set-require-min-compat-client", version=after["oldest_client"])
    for rule in sorted(set(after["rules"]) - set(before["rules"])):
        cluster.ask("osd crush rule create-replicated", name=rule, root="default",
                    type=rule.removeprefix("cairn-"))
    for name, pool in after["pools"].items():
        old = before["pools"].get(name)
        if old is None:
            cluster.ask("osd pool create", pool=name, pg_num=pool["pg_num"],
                        pool_type="replicated", rule=pool["rule"], autoscale_mode="off")
            old = {"pg_num": pool["pg_num"], "rule": pool["rule"], "pg_autoscale_mode": "off",
                   "applications": []}
        # No copy may be lost on the way: what is lowered first is what must be there.
        for option in ("pg_autoscale_mode", "rule", "size", "min_size", "pg_num"):
            if old.get(option) != pool[option]:
                change(cluster, name, option, pool[option])
        for application in sorted(set(pool["applications"]) - set(old["applications"])):
            cluster.ask("osd pool application enable", pool=name, app=application)


def change(cluster, name, option, value):
    # One copy is nothing that a cluster takes for meant.
    really = {"yes_i_really_mean_it": True} if (option, value) == ("size", 1) else {}
    cluster.ask("osd pool set", pool=name, var={"rule": "crush_rule"}.get(option, option),
                val=str(value), **really)


def main():
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "size": {"type": "int", "required": True},
            "min_size": {"type": "int", "required": True},
            "pg_num": {"type": "int", "required": True},
            "apart": {"type": "str", "choices": ["osd", "host"], "required": True},
            "application": {"type": "str", "default": "rbd"},
            "oldest_client": {"type": "str", "default": "mimic"},
        },
        supports_check_mode=True,
    )
    cluster, before = None, {"pools": {}, "rules": [], "oldest_client": "jewel"}
    try:
        cluster = Cluster()
        before = look(cluster, module.params["names"])
    except (Unreachable, Refused) as error:
        if not module.check_mode:
            module.fail_json(msg=str(error))
    after = plan(before, module.params)
    try:
        converge(module, before, after, lambda: act(cluster, before, after),
                 made=sorted(set(after["pools"]) - set(before["pools"])))
    except Refused as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
