"""neutron-rpc-server: what agents ask and tell."""
