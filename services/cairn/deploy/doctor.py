"""`cairn doctor`: looks at everything that can be looked at and says what is wrong."""

from cairn.deploy import judge, leftovers, machine, packages, sdk, status, vitals
from cairn.deploy.cloud import Cloud
from cairn.deploy.judge import Finding


def look(cloud: Cloud) -> list[Finding]:
    record = cloud.record()
    here = machine.look()
    findings = [Finding(True, f"{here.title}, {here.architecture}, systemd: {_word(here.systemd)}")]
    if record is None:
        place = "host" if here.systemd else "lab"
        findings += [Finding(False, each) for each in machine.complaints(here, place, "allinone")]
        findings += [
            Finding(False, f"left behind by a cloud: {each}")
            for each in (leftovers.host() if place == "host" else leftovers.lab(cloud))
        ]
        findings.append(Finding(
            True, f"there is no cloud '{cloud.name}'; make it with: ./cairn up"))
        return findings
    lacking = packages.missing((*packages.MACHINE, *packages.DEMO))
    findings += [Finding(False, f"the package {name} is missing here") for name in lacking]
    if here.free_disk < 2 * machine.GIB:
        findings.append(Finding(
            False, f"only {here.free_disk / machine.GIB:.1f} GiB of disk is free"))
    if not record.complete:
        findings.append(Finding(False, "the deployment has not come to its end; go on: ./cairn up"))
    findings += judge.nodes(vitals.look(cloud, record))
    now = status.look(cloud, record)
    lines = [*now.processes, *now.apis, *now.agents]
    findings += [
        Finding(False, f"{line.what} on {line.where}: {line.detail}")
        for line in lines if not line.good
    ]
    if cloud.clouds_yaml.exists():
        findings += isolated(cloud)
    well = sum(line.good for line in lines)
    findings.append(Finding(True, f"{well} of {len(lines)} processes, APIs and agents are well"))
    return findings


def isolated(cloud: Cloud) -> list[Finding]:
    try:
        every = list(sdk.connect(cloud, cloud.admin, status.PATIENCE).network.agents())
    except sdk.ERRORS:
        return []  # The network's API is unwell, which is said already.
    return judge.agents((agent.host, agent.configuration or {}) for agent in every)


def _word(value: bool) -> str:
    return "yes" if value else "no"
