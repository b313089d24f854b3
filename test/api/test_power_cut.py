#!/usr/bin/env python3
"""
Goal: no power cut takes back what was acknowledged.

Method: an ext4 file system in a file, mounted by a loop device, holds the data directory. While witnesses send commands and
write down what is acknowledged, the file system is shut down without writing back (EXT4_IOC_SHUTDOWN, flags NOLOGFLUSH):
what was not flushed is gone. After umount, mount and a new start every acknowledged command must be known with the
position it had, and nothing may be there twice. The same cuts must catch a server that leaves out its flushes. Needs root
and loop mounts.
"""
import fcntl
import json
import os
import random
import shutil
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from server import Closed, Server, ndjson, receive, request_bytes, until

TIER = "check"

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
CUTS = 5


class Disk:
    def __init__(self, folder):
        self.image, self.place = os.path.join(folder, "image"), os.path.join(folder, "disk")
        with open(self.image, "wb") as file:
            file.truncate(256 << 20)
        os.mkdir(self.place)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True, capture_output=True, timeout=60)
        self.mount()

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.place], check=True, capture_output=True, timeout=60)

    def unmount(self):
        if os.path.ismount(self.place):
            subprocess.run(["umount", self.place], check=True, capture_output=True, timeout=60)

    def cut_power(self):
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)


def may_mount():
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None or shutil.which("mount") is None:
        return False
    folder = tempfile.mkdtemp(prefix="onhand-disk-")
    try:
        disk = Disk(folder)
        try:
            disk.cut_power()
        finally:
            disk.unmount()
        return True
    except (OSError, subprocess.SubprocessError):
        return False
    finally:
        shutil.rmtree(folder)


class Witness(threading.Thread):
    """Sends commands, alone or in streams, until the server is gone; knows what was acknowledged."""

    def __init__(self, server, name, lines):
        super().__init__(daemon=True)
        self.server, self.source, self.lines = server, name, lines
        self.acknowledged = {}  # id: position
        self.sent = 0

    def command(self, n):
        return receive(n, "i%d" % (n % 31), source=self.source)

    def run(self):
        try:
            while True:
                commands = [self.command(self.sent + n) for n in range(self.lines)]
                self.sent += self.lines
                with self.server.connect(timeout=5) as wire:
                    wire.send(request_bytes(wire.port, "POST", "/v1/commands", ndjson(commands),
                                            {"Content-Type": "application/x-ndjson"}))
                    wire.head()
                    for line in wire.body_lines():
                        row = json.loads(line)
                        if row["status"] == "accepted":
                            self.acknowledged[row["id"]] = row["position"]
        except (Closed, OSError, ValueError):
            pass


@unittest.skipUnless(may_mount(), "loop mounts or ext4 shutdown are refused here, or this is not root")
class PowerCut(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="onhand-disk-")
        self.disk = Disk(self.folder)
        self.server = None

    def tearDown(self):
        if self.server:
            self.server.kill()
        self.disk.unmount()
        shutil.rmtree(self.folder)

    def cut(self, prng, *options):
        """One cut. Acknowledged, and those of them that are lost or were moved."""
        home = os.path.join(self.disk.place, "home")
        shutil.rmtree(home, ignore_errors=True)
        os.mkdir(home)
        os.sync()  # what was there before the load is there
        self.server = server = Server(home, options)
        # The server's log lies on the disk too: it may fail as all else does.
        witnesses = [Witness(server, "single", 1), Witness(server, "few", 20), Witness(server, "many", 2000)]
        for witness in witnesses:
            witness.start()
        until(lambda: sum(len(witness.acknowledged) for witness in witnesses) > 50, "hardly anything is acknowledged")
        time.sleep(prng.uniform(0.1, 0.5))
        self.disk.cut_power()
        time.sleep(0.05)
        server.kill()
        for witness in witnesses:
            witness.join(20)
        self.disk.unmount()
        self.disk.mount()
        try:
            server.start()
        except AssertionError as problem:
            if not options:
                raise
            server.process = None
            return sum(len(witness.acknowledged) for witness in witnesses), -1, str(problem)
        lost, total = 0, 0
        for witness in witnesses:
            known = sorted(witness.acknowledged, key=int)
            total += len(known)
            rows = server.stream([witness.command(int(name)) for name in known]).lines()
            lost += sum(not row["replayed"] or row["position"] != witness.acknowledged[row["id"]] for row in rows)
        # Nothing twice: as many units as commands in the feed, each there once.
        events = server.events("&kind=receive")
        self.assertEqual(len({(event["source"], event["id"]) for event in events}), len(events))
        self.assertEqual(sum(cell["on_hand"] for cell in server.figures()[0].values()), len(events))
        server.stop()
        return total, lost, ""

    def test_every_acknowledged_command_survives(self):
        prng = random.Random(1)
        total = 0
        for _ in range(CUTS):
            acknowledged, lost, _ = self.cut(prng)
            self.assertEqual(lost, 0)
            total += acknowledged
        print("note: %d power cuts, %d acknowledged commands, none lost, none twice" % (CUTS, total))

    def test_a_server_without_flushes_is_caught(self):
        prng = random.Random(2)
        caught, total, missing = 0, 0, 0
        for _ in range(CUTS):
            acknowledged, lost, _ = self.cut(prng, "--fault-no-flush")
            caught += lost != 0
            total += acknowledged
            missing += max(lost, 0)
        self.assertGreater(caught, 0)
        print("note: without flushes %d of %d power cuts lost %d of %d acknowledged commands" %
              (caught, CUTS, missing, total))


if __name__ == "__main__":
    unittest.main()
