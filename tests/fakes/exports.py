"""The export daemon of a storage host, started as its unit starts it, in a folder of the test's."""

import shlex
import subprocess

from cairn.deploy.checkout import ROOT

UNIT = ROOT / "roles/cinder/templates/cairn-exports.service.j2"
FOLDER = "/run/cairn-exports"


class RunningDaemon:
    def __init__(self, folder):
        self.folder = folder
        for name in ("control", "guests"):
            (folder / name).mkdir(parents=True)
        self.control = folder / "control/qmp"
        self.process = None
        self.start()

    def start(self):
        self.control.unlink(missing_ok=True)
        self.process = subprocess.Popen(self._words("ExecStart"))
        subprocess.run(self._words("ExecStartPost"), check=True, timeout=90)

    def _words(self, name):
        line, = [line for line in UNIT.read_text().splitlines() if line.startswith(f"{name}=")]
        return shlex.split(line.removeprefix(f"{name}=").replace(FOLDER, str(self.folder)))

    def kill(self):
        self.process.kill()
        self.process.wait()
