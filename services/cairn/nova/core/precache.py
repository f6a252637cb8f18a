"""Images that the hosts of an aggregate shall have before a server asks for them."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from cairn.common.context import Context
from cairn.common.errors import Invalid, Problem
from cairn.nova import rpc
from cairn.nova.component import Nova
from cairn.nova.core import aggregates, hosts, images

log = logging.getLogger(__name__)

# Hosts fetch one image after the other, and a loan is looked at when a transfer begins.
SECONDS = 3600
AT_ONCE = 8  # Hosts that are asked at once: one that does not answer takes its time.


def ask(nova: Nova, ctx: Context, number: str, image_ids: Sequence[str]) -> dict[str, str]:
    """Ask each host of the aggregate that works to fetch what it has not; why not, by host, of
    those that were not asked or did not answer. The rest is theirs, and in their logs. Raises
    NotFound for the aggregate, Invalid naming the image."""
    state = aggregates.get(nova, number)
    if len(set(image_ids)) < len(image_ids):
        raise Invalid(reason="cache: an image is named more than once.")
    lent = [_lend(nova, ctx, image_id) for image_id in image_ids]
    with nova.db.reading() as session:
        services = hosts.computes(session)

    def send(host: str) -> str | None:
        service = services.get(host)
        if service is None or not hosts.up(service, nova.service):
            return "its nova-compute does not answer"
        try:
            nova.compute.cache_images(ctx, host=host, images=[image for image, _ in lent],
                                      loans=[loan for _, loan in lent])
        except Problem as problem:
            return str(problem)
        return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = zip(state.hosts, pool.map(send, state.hosts), strict=True)
        failures = {host: reason for host, reason in answers if reason is not None}
    for host, reason in failures.items():
        log.warning("host %s does not cache images of aggregate %s: %s", host, number, reason)
    aggregates.record_cached(nova, ctx, state, image_ids, failures)
    return failures


def _lend(nova: Nova, ctx: Context, image_id: str) -> tuple[rpc.Image, rpc.Loan]:
    try:
        image = images.find(nova, ctx, image_id)
    except Invalid as invalid:
        raise Invalid(reason=f"cache: {invalid}") from invalid
    path = f"/v2/images/{image['id']}"
    url, token = nova.cloud.images.lend([("GET", f"{path}/file")], SECONDS)
    return image, {"image_id": image["id"], "url": url + path, "token": token}
