"""neutron-agent: one per host. It asks what the host shall have, looks at what it has, and makes
the difference: bridges, taps and tunnels (l2), filters (firewall), addresses (dhcp), routers, and
the way of a guest to its metadata."""
