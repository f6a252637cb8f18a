"""Who asks, at the newest microversion."""

from cairn.common.context import Context

ALICE = Context("alice", project_id="red", roles=frozenset({"member", "reader"}),
                version=(3, 71))
ADMIN = Context("root", project_id="red", roles=frozenset({"admin", "member"}), version=(3, 71))
