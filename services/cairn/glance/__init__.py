"""Image: disk images, who may see them, and their bytes.

Processes: glance-api (WSGI). Neighbours: none for now; nova asks it over HTTP.
"""
