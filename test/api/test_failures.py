#!/usr/bin/env python3
"""
Goal: what fails below the server is told with file, offset and error, costs who asked an answer and nobody anything that was
acknowledged.
Method: the real server under strace, which makes its n-th write, flush or read fail; bytes changed under a running server; few
files to be open.
"""
import os
import re
import resource
import shutil
import subprocess
import time
import unittest

from server import BIN, Closed, FolderCase, receive, until, verify

TIER = "check"

EXIT_JOURNAL = 70


def can_trace():
    return shutil.which("strace") is not None and subprocess.run(
        ["strace", "-f", "-e", "trace=none", "true"], capture_output=True, check=False).returncode == 0


class Failures(FolderCase):
    def start_failing(self, inject, **more):
        if not can_trace():
            self.skipTest("strace is not allowed here")
        call = inject.split(":")[0]
        return self.start(wrapper=["strace", "-f", "-q", "-o", os.path.join(self.folder, "trace"), "-e", "trace=" + call,
                                   "-e", "inject=" + inject], **more)

    def ended(self, server):
        code = server.process.wait(60)
        server.process.stdout.close()
        server.process = None
        return code

    def feed(self, server):
        return [event["id"] for event in server.events("&type=receive")]

    def test_a_failed_write_is_final_and_named(self):
        server = self.start_failing("pwritev2:error=EIO:when=9")
        acknowledged, last = [], None
        for n in range(40):
            try:
                answer = server.send(**receive(n))
            except (Closed, OSError):
                break
            last = answer.status
            if answer.status == 200:
                acknowledged.append(str(n))
        self.assertIn(last, (500, 503))
        self.assertEqual(self.ended(server), EXIT_JOURNAL)
        self.assertRegex(server.log(), r"the journal cannot be written .*\d{20}\.journal, offset \d+: write: Input/output error")
        self.assertGreater(len(acknowledged), 2)
        again = self.start()
        self.assertEqual(self.feed(again)[:len(acknowledged)], acknowledged)
        self.assertLessEqual(len(self.feed(again)), len(acknowledged) + 1)  # the one of which nothing is known
        again.stop()

    def test_a_seal_that_fails_is_told(self):
        server = self.start()
        server.send(**receive(1))
        server.stop()
        server = self.start_failing("pwritev2:error=ENOSPC:when=2+")
        self.assertEqual(server.send(**receive(2)).status, 200)
        self.assertEqual(self.ended(server), EXIT_JOURNAL)
        self.assertRegex(server.log(), r"the journal cannot be written .*\d{20}\.journal, offset \d+: write: No space")
        again = self.start()
        self.assertEqual(self.feed(again), ["1", "2"])
        again.stop()

    def restarted(self, count=300):
        """Nothing of it is in the tail."""
        server = self.start()
        server.stream([receive(n) for n in range(count)])
        server.stop()
        return server

    def unreadable(self, server, words):
        answer = server.get("/v1/feed?limit=100")
        self.assertEqual((answer.status, answer.json()["code"]), (503, "feed_unreadable"), answer)
        self.assertGreater(server.metric("onhand_journal_read_failures_total"), 0)
        until(lambda: "could not be read back" in server.log(), "the log says it")
        for word in words:
            self.assertRegex(server.log(), word)
        self.assertEqual(server.get("/readyz").status, 200)
        self.assertEqual(server.send(**receive("after")).status, 200)
        self.assertEqual(server.cell("A", "L")["on_hand"], 301)

    @staticmethod
    def traced(pid, tracer):
        with open("/proc/%d/status" % pid, encoding="ascii") as file:
            return re.search(r"TracerPid:\s+%d" % tracer, file.read())

    def test_a_read_that_fails_costs_its_answer(self):
        self.restarted()
        server = self.start()
        if not can_trace():
            self.skipTest("strace is not allowed here")
        tracer = subprocess.Popen(["strace", "-f", "-q", "-o", os.path.join(self.folder, "trace"), "-e", "trace=pread64", "-e",
                                   "inject=pread64:error=EIO", "-p", str(server.pid)], stderr=subprocess.DEVNULL)
        try:
            until(lambda: self.traced(server.pid, tracer.pid), "it is traced")
            time.sleep(0.2)
            self.unreadable(server, [r"\d{20}\.journal, offset \d+: read: Input/output error"])
        finally:
            tracer.terminate()
            tracer.wait(60)
        self.assertEqual(len(self.feed(server)), 301)
        server.stop()

    def test_damage_under_a_running_server_is_found_by_who_reads(self):
        self.restarted()
        server = self.start()
        path = os.path.join(server.data, "%020d.journal" % 1)
        with open(path, "r+b") as file:
            whole = file.read(1 << 20)
            at = whole.index(b"\x03299") if b"\x03299" in whole else 6000
            file.seek(at)
            file.write(bytes([whole[at] ^ 1]))
        self.unreadable(server, [r"\d{20}\.journal, offset \d+: .*run 'onhand verify'"])
        with open(path, "r+b") as file:
            file.seek(at)
            file.write(whole[at:at + 1])
        server.stop()
        verify(server.data)

    def test_few_files_are_fewer_connections_and_no_failure(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        server = self.start("--io-threads", "1", start=False)
        server.wrapper = []
        program = os.path.join(self.folder, "few")
        with open(program, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\nulimit -n 100\nexec '%s' \"$@\"\n" % BIN)
        os.chmod(program, 0o755)
        server.program = program
        server.start()
        self.assertIn("ulimit -n", server.log())
        wires = []
        for _ in range(200):
            wires.append(server.connect())
        until(lambda: "connections were closed" in server.log(), "the log says it")
        for wire in wires:
            wire.close()

        def answers():
            try:
                return server.send(**receive(1)).status == 200
            except (Closed, OSError):
                return False
        until(answers, "it takes connections again")
        self.assertGreater(server.metric("onhand_connections_refused_total"), 100)
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE), (soft, hard))
        server.stop()


if __name__ == "__main__":
    unittest.main()
