"""Identity: who callers are, what they may touch, and where the other services are.

Process: keystone-api (WSGI). Neighbours: none; every API verifies its tokens by public key and
hears of revocations by fanout (common/auth.py).
"""
