#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: healthy
short_description: Wait until every API answers as it should
version_added: 0.1.0
description:
  - Asks all at once, again and again, until each answers with the status that is expected.
  - Changes nothing. In check mode it asks nothing either, as there may be nothing to ask yet.
options:
  urls:
    description: What to ask, by GET and without a token.
    type: list
    elements: str
    required: true
  status:
    description: The status to expect.
    type: int
    default: 200
  ca_file:
    description: Authority that the servers' certificates must come from.
    type: path
    required: true
  timeout:
    description: Seconds until it gives up.
    type: int
    default: 60
attributes:
  check_mode: {support: full, description: Asks nothing.}
  diff_mode: {support: none, description: There is never a difference.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Wait for keystone
  cairn.cloud.healthy:
    urls: [https://172.30.0.11/identity/healthcheck]
    ca_file: /etc/cairn/pki/ca.pem
"""

RETURN = r""" # """

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from ansible.module_utils.basic import AnsibleModule

PAUSE = 0.25
# Longer than a check takes to find out that the queue is dead.
PATIENCE = 10


def ask(url, context, expected):
    """None when it answers as expected, else what is wrong."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE, context=context) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    except (OSError, http.client.HTTPException) as error:
        return str(getattr(error, "reason", error))
    return None if status == expected else complaint(status, body)


def complaint(status, body):
    """What a health check that is not well says. Pure."""
    try:
        checks = json.loads(body)["checks"]
        wrong = [f"{name}: {check['reason']}" for name, check in checks.items() if not check["ok"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        wrong = []
    return "; ".join(wrong) or f"answers {status}"


def wait(urls, timeout, ask):
    """What is wrong with those that are not well when time is up, by URL."""
    end = time.monotonic() + timeout
    wrong = dict.fromkeys(urls, "was not asked")
    with ThreadPoolExecutor(max_workers=len(urls) or 1) as pool:
        while True:
            answers = dict(zip(wrong, pool.map(ask, wrong), strict=True))
            wrong = {url: answer for url, answer in answers.items() if answer is not None}
            if not wrong or time.monotonic() > end:
                return wrong
            time.sleep(PAUSE)


def main():
    module = AnsibleModule(
        argument_spec={
            "urls": {"type": "list", "elements": "str", "required": True},
            "status": {"type": "int", "default": 200},
            "ca_file": {"type": "path", "required": True},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False)
    try:
        context = ssl.create_default_context(cafile=module.params["ca_file"])
    except OSError as error:
        module.fail_json(msg=f"{module.params['ca_file']}: {error}")
    status = module.params["status"]
    wrong = wait(
        module.params["urls"], module.params["timeout"], lambda url: ask(url, context, status)
    )
    if wrong:
        module.fail_json(msg="\n".join(f"{url}: {answer}" for url, answer in wrong.items()))
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
