#!/usr/bin/env python3
"""
Goal: while a server reads its journal it says how far it is and tells everybody else to come again; a connection made then is as good
as another; told to stop then, it does, and has changed nothing.
Method: a journal of packed segments, which are read in small pieces, and a server under strace, which delays each read.
"""
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from server import FolderCase, Server, Wire, receive, until

TIER = "check"
COMMANDS = 300000
OPTIONS = ("--segment-mib", "8", "--raw-segments", "1")
READ_DELAY_US = 60000


def can_trace():
    return shutil.which("strace") is not None and subprocess.run(
        ["strace", "-f", "-e", "trace=none", "true"], capture_output=True, check=False).returncode == 0


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def contents(folder):
    out = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        with open(path, "rb") as file:
            out[name] = (os.stat(path).st_mtime_ns, hashlib.sha256(file.read()).hexdigest())
    return out


class Slow(Server):
    """It reads slowly, and listens on a port that is known before."""

    def __init__(self, folder, *options):
        self.known_port = free_port()
        super().__init__(folder, options, start=False)
        self.spawn()
        self.port = self.known_port
        until(self.answers, "it does not listen: %s" % self.log())
        until(lambda: self.get("/readyz").json().get("bytes_to_read", 1) > 0, "it does not know what there is to read")
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii") as file:
            self.pid = int(file.read().split()[0])

    def command(self):
        return ["strace", "-f", "-q", "-o", os.path.join(self.folder, "trace"), "-e", "trace=pread64", "-e",
                "inject=pread64:delay_enter=%d" % READ_DELAY_US, self.program, "serve"]

    def spawn(self):
        command = [*self.command(), "--data", self.data, "--listen", "127.0.0.1:%d" % self.known_port, "--id-capacity", "4000000",
                   *OPTIONS, *self.options]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL)
        os.set_blocking(self.process.stdout.fileno(), False)

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError("it ended: %s" % self.log())
        try:
            return self.get("/livez").status == 200
        except OSError:
            return False


class Recovery(FolderCase):
    @classmethod
    def setUpClass(cls):
        if not can_trace():
            raise unittest.SkipTest("strace is not allowed here")
        cls.made = tempfile.mkdtemp(prefix="onhand-api-")
        cls.addClassCleanup(shutil.rmtree, cls.made)
        server = Server(cls.made, OPTIONS)
        try:
            server.stream([receive(n, "item%d" % (n % 5000)) for n in range(COMMANDS)], "?answers=summary")
            # Packed ones are read in many small pieces.
            until(lambda: server.metric("onhand_journal_segments") - server.metric("onhand_journal_packed_total") <= 2,
                  "they are not packed")
            cls.last = server.position()
            server.stop()
        finally:
            server.kill()

    def setUp(self):
        super().setUp()
        shutil.copytree(os.path.join(self.made, "data"), os.path.join(self.folder, "data"))

    def slow(self, *options):
        server = Slow(self.folder, *options)
        self.servers.append(server)
        return server

    def test_it_tells_how_far_it_is_and_goes_on_over_the_same_connections(self):
        server = self.slow()
        early = server.connect()
        self.addCleanup(early.close)
        seen, ready = [], None
        posted = early.request("POST", "/v1/commands", b'{"kind":"receive"}')
        self.assertEqual((posted.status, posted.json()["code"], posted.head["retry-after"]), (503, "starting", "1"))
        for target in ("/v1/stock", "/v1/stock/item1", "/v1/role", "/v1/feed", "/v1/journal", "/v1/audit", "/v1/figures"):
            answer = early.request("GET", target)
            self.assertEqual((answer.status, answer.json()["code"], answer.head["retry-after"]), (503, "starting", "1"), target)
        self.assertEqual(early.request("GET", "/nothing").status, 404)
        self.assertEqual(early.request("GET", "/openapi.json").status, 200)
        metrics = early.request("GET", "/metrics").body.decode()
        self.assertIn("\nonhand_ready 0\n", metrics)
        self.assertRegex(metrics, r"\nonhand_recovery_bytes [1-9]\d+\n")
        with server.connect() as wire:
            endless = wire.request("POST", "/v1/commands", None, {"Content-Type": "application/x-ndjson",
                                                                  "Transfer-Encoding": "chunked"})
            self.assertEqual((endless.status, endless.json()["code"]), (503, "starting"))
            self.assertTrue(endless.closed)
        while ready is None:
            answer = early.request("GET", "/readyz")
            body = answer.json()
            if answer.status == 200:
                ready = body
            else:
                self.assertEqual((body["code"], body["state"]), ("starting", "recovering"))
                seen.append(body)
            time.sleep(0.02)
        for key in ("bytes_read", "decisions"):
            told = [body[key] for body in seen]
            self.assertEqual(told, sorted(told))
            self.assertGreater(len(set(told)), 3, "%s does not grow: %s" % (key, told))
        self.assertEqual(len({body["bytes_to_read"] for body in seen}), 1)
        self.assertTrue(all(body["bytes_read"] <= body["bytes_to_read"] for body in seen))
        positions = [int(body["position"].split("-")[1]) for body in seen if "position" in body]
        self.assertEqual(positions, sorted(positions))
        self.assertEqual(ready["position"], self.last)
        self.assertLessEqual(positions[-1], int(self.last.split("-")[1]))
        self.assertEqual(early.request("POST", "/v1/commands", b'{"kind":"receive","id":"new","source":"s","item":"new",'
                                       b'"location":"L","quantity":1}').status, 200)
        until(lambda: b"listening on" in (server.process.stdout.read() or b""), "it does not say that it listens")
        self.assertRegex(server.log(), r"recovering: [\d.]+ of [\d.]+ MiB read \(\d+ %\), \d+ decisions replayed, up to event \d+")
        server.stop()

    def test_it_stops_when_it_is_told_while_it_reads(self):
        before = contents(os.path.join(self.folder, "data"))
        server = self.slow()
        until(lambda: server.get("/readyz").json().get("decisions", 0) > 0, "nothing is read")
        with server.connect() as idle:
            began = time.monotonic()
            os.kill(server.pid, signal.SIGTERM)
            self.assertEqual(server.process.wait(20), 0)
            self.assertLess(time.monotonic() - began, 2)
            self.assertTrue(idle.is_closed())
        self.assertNotIn(b"listening", server.process.stdout.read() or b"")
        self.assertIn("stopped before the journal was read; nothing was changed", server.log())
        self.assertEqual(contents(os.path.join(self.folder, "data")), before)
        server.process.stdout.close()
        server.process = None
        again = self.start()
        self.assertEqual(again.position(), self.last)
        again.stop()

    def test_an_address_in_use_is_found_before_the_journal_is_read(self):
        server = self.slow("--io-threads", "2")
        for more in ((), ("--io-threads", "2")):
            done = subprocess.run([server.program, "serve", "--data", os.path.join(self.folder, "other"), "--listen",
                                   "127.0.0.1:%d" % server.port, *more], capture_output=True, timeout=20, check=False)
            self.assertEqual(done.returncode, 4)
            self.assertRegex(done.stderr.decode(), r"cannot listen on 127\.0\.0\.1:\d+: address already in use")
            self.assertFalse(os.path.exists(os.path.join(self.folder, "other")))
        self.assertEqual(server.get("/readyz").json()["code"], "starting")


if __name__ == "__main__":
    unittest.main()
