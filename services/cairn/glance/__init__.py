"""Image: disk images, who may see them, and their bytes.

Processes: glance-api (WSGI), glance-worker (imports, the cache, what the dead left). Neighbours:
keystone (limits, other regions' glance); nova asks it over HTTP.
"""
