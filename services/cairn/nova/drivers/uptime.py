"""How long the host has been up."""

import os
import time


def uptime() -> str:
    """The host's uptime in the words of uptime(1)."""
    with open("/proc/uptime") as file:
        seconds = int(float(file.read().split()[0]))
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    since = f"{days} days, {hours:2}:{minutes:02}"
    return f" {time.strftime('%H:%M:%S')} up {since},  0 users,  load average: {load}"
