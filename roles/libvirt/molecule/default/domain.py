"""Run a machine as nova-compute would, and say what became of it: domain.py VIRT_TYPE"""

import os
import subprocess
import sys
import time

import libvirt

DIRECTORY = "/var/lib/cairn/instances/trial"
XML = f"""
<domain type='{sys.argv[1]}'>
  <name>trial</name>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <cputune><period>100000</period><quota>50000</quota></cputune>
  <os><type arch='x86_64' machine='pc'>hvm</type><bios useserial='yes'/></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='{DIRECTORY}/disk'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <serial type='pty'><log file='{DIRECTORY}/console.log' append='on'/></serial>
  </devices>
</domain>
"""

os.makedirs(DIRECTORY, mode=0o711, exist_ok=True)
subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", f"{DIRECTORY}/disk", "1M"], check=True)
connection = libvirt.open("qemu:///system")
domain = connection.createXML(XML)
deadline = time.monotonic() + 20
log = ""
while "SeaBIOS" not in log and time.monotonic() < deadline:
    time.sleep(0.2)
    with open(f"{DIRECTORY}/console.log") as file:
        log = file.read()
print("said:", "SeaBIOS" if "SeaBIOS" in log else log)
print("quota:", domain.schedulerParameters()["vcpu_quota"])
pid = subprocess.run(["pgrep", "-f", "guest=trial"], capture_output=True, text=True).stdout.split()
with open(f"/proc/{pid[0]}/status") as file:
    uid = next(line for line in file if line.startswith("Uid:")).split()[1]
print("root:", uid == "0")
print("networks:", connection.listNetworks() + connection.listDefinedNetworks())
domain.destroy()
