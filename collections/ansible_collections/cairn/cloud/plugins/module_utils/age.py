# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""When files were changed: what a service that started before must be restarted for."""

from __future__ import annotations

import os


def newest(paths, default=0.0):
    """When the last of the paths, or of what is in them, was changed."""
    found = [default]
    for path in paths:
        if not os.path.lexists(path):
            continue
        found.append(os.lstat(path).st_mtime)
        if os.path.isdir(path) and not os.path.islink(path):
            found.extend(entry.stat(follow_symlinks=False).st_mtime for entry in os.scandir(path))
    return max(found)
