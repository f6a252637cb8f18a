"""Whether a process was restarted, seen from outside: by systemd, or by the process above it."""

from ..clouds import Cloud

UNITS = "'cairn-*.service' mariadb.service rabbitmq-server.service nginx.service"
# A unit and its state; of one that forks, its workers and when each began.
LOOK = f"""
for unit in $(systemctl list-units --plain --no-legend --type service {UNITS} | cut -d' ' -f1); do
    systemctl show -p Id,NRestarts,ActiveEnterTimestampMonotonic,MainPID --value $unit |
        tr '\\n' ' '
    case $unit in cairn-api*|cairn-data*) ;; *) echo; continue ;; esac
    for child in $(pgrep -P $(systemctl show -p MainPID --value $unit)); do
        printf '%s:%s ' $child $(cut -d' ' -f22 /proc/$child/stat)
    done
    echo
done
"""


def processes(cloud: Cloud) -> set[str]:
    """A line for each unit of each node; it changes when a process of it is another."""
    return {f"{node}: {' '.join(line.split())}" for node in cloud.nodes()
            for line in cloud.within(node, LOOK).splitlines() if line.strip()}


def restarted(before: set[str], after: set[str]) -> list[str]:
    return sorted(line for line in after - before)
