"""nova-compute: one host's servers. It has no database; its conductor has, and keeps its works."""
