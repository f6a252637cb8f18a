"""Placement: what every resource provider has, and who was promised how much of it.

Processes: placement-api (WSGI). Neighbours: none; nova and neutron ask it over HTTP.
"""
