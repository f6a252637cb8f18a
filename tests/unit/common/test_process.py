import threading

from cairn.common.process import Host


class Reporting:
    def __init__(self):
        self.reported = threading.Event()

    def start(self):
        self.reported.set()

    def stop(self):
        pass


class Plain:
    def start(self):
        pass

    def stop(self):
        pass


def test_a_host_is_reported_when_all_that_report_were_heard():
    host = Host("h")
    late = host.run(Reporting())
    host.run(Plain())
    assert not host.reported(0.01)
    late.start()
    assert host.reported(1)
