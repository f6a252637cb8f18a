"""Cairn: an OpenStack-compatible private cloud small enough to understand."""
