"""Networking: networks, subnets, ports, routers, floating IPs, security groups.

Processes: neutron-api (WSGI), neutron-rpc-server (what agents ask and tell), neutron-agent (one per
compute or network host: taps, bridges, tunnels, DHCP, routers, security groups, metadata).
Neighbours: none. Nova comes in over the HTTP API.
"""
