"""What the tests of standbys share: a standby process beside its primary."""
import json
import os
import socket
import subprocess
import threading

from server import BIN, Server, until


class Standby(Server):
    """Started with `onhand follow`; all else is a server."""

    def __init__(self, folder, primary, options=(), start=True):
        os.makedirs(folder, exist_ok=True)
        self.primary = primary if isinstance(primary, str) else "http://127.0.0.1:%d" % primary.port
        super().__init__(folder, options, start=start)

    def command(self):
        return [self.program, "follow", self.primary] if self.primary else [self.program, "serve"]

    def start_as_primary(self):
        """It was promoted, and is started as any server."""
        self.primary = None
        self.start()

    def role(self):
        return self.get("/v1/role").json()

    def caught_up(self, position):
        """Has everything up to there."""
        return int(self.role()["position"].split("-")[1]) >= int(position.split("-")[1])

    def wait_for(self, position):
        until(lambda: self.caught_up(position), "the standby does not come to %s: %s" % (position, self.log()[-2000:]))


class Link:
    """What stands between a standby and its primary: hands on what comes, unless it is told to answer by itself, or to turn a bit."""

    def __init__(self, server):
        self.server, self.answer, self.turn = server, None, False
        self.taken = 0
        self.wires = []
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(16)
        self.address = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                wire, _ = self.listener.accept()
            except OSError:
                return
            self.taken += 1
            threading.Thread(target=self.serve, args=(wire,), daemon=True).start()

    def serve(self, wire):
        with wire:
            try:
                asked = wire.recv(65536)
                if self.answer:
                    wire.sendall(self.answer)
                    return
                with socket.create_connection(("127.0.0.1", self.server.port)) as there:
                    self.wires += [wire, there]
                    there.sendall(asked.replace(self.address[7:].encode(), b"127.0.0.1:%d" % self.server.port))
                    while data := there.recv(1 << 20):
                        at = data.find(b"onhfrm")
                        if self.turn and at >= 0 and at + 140 < len(data):
                            data = data[:at + 140] + bytes([data[at + 140] ^ 4]) + data[at + 141:]
                            self.turn = False
                        wire.sendall(data)
            except OSError:
                pass

    def cut(self):
        """Ends what is open."""
        wires, self.wires = self.wires, []
        for wire in wires:
            try:
                wire.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()


def promote(server, *options):
    done = subprocess.run([BIN, "promote", "http://127.0.0.1:%d" % server.port, "--json", *options], capture_output=True,
                          timeout=60, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr.decode()
