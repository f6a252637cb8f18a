"""Why a host could not do what it was asked, in words a fault may carry."""

from cairn.common.errors import Problem


class ImageBroken(Problem):
    message = "Image {id} is unacceptable: {reason}"


class ImageChanged(Problem):
    message = "Image {id} is not what it is said to be: its checksum is {found}, not {said}"


class NoDiskSpace(Problem):
    message = "Host {host} has {free} MiB of disk left, {needed} MiB are needed for {what}."


class FlavorTooSmall(Problem):
    message = (
        "Flavor's disk is too small for requested image. Flavor disk is {disk} bytes, image is "
        "{image} bytes."
    )


class PortNotPlugged(Problem):
    message = "Port {id} is {status}, not ACTIVE, on host {host} after {seconds:.0f} s."


class PortGone(Problem):
    message = "Port {id} is the server's no more."


class Unsupported(Problem):
    message = "This host cannot do that: {reason}"


class HypervisorFailed(Problem):
    message = "The hypervisor refused: {reason}"
