"""What the tests of standbys share: a standby process beside its primary."""
import json
import os
import subprocess

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


def promote(server, *options):
    done = subprocess.run([BIN, "promote", "http://127.0.0.1:%d" % server.port, "--json", *options], capture_output=True,
                          timeout=60, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr.decode()
