"""Compute: servers on hypervisors, from the request to the running domain and back.

Processes: nova-api and nova-metadata speak HTTP; nova-conductor holds the database for everybody
else and runs the controller's steps of every work; nova-scheduler chooses hosts; nova-compute, one
per hypervisor, runs the host's steps. Neighbours: keystone, placement, glance, neutron.
"""
