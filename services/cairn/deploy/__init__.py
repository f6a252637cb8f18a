"""The `cairn` command: builds a cloud, shows it, uses it, tests it and takes it away again.

It runs from a checkout and drives the playbooks there through ansible-runner, so that whatever it
does can be done by hand with `ansible-playbook`. It talks to the finished cloud as any user does,
through the unmodified OpenStack client and SDK. What it must remember lies in the cloud's state
directory (`cloud.py`), and nowhere else.
"""
