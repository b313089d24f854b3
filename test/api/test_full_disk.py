#!/usr/bin/env python3
"""
Goal: a full disk is told of, refuses commands and nothing else, passes by itself, and costs nothing that was acknowledged.
Method: a limit on the size of files (RLIMIT_FSIZE) of a server that fills its first segment is a full disk that can be made and
unmade from outside; the server is followed into it, stopped and started in it, and let out of it.
"""
import json
import os
import resource
import signal
import subprocess
import unittest

from server import BIN, FolderCase, receive, until, verify

MIB = 1 << 20
NO_LIMIT = resource.RLIM_INFINITY


def limit_files(pid, size):
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, NO_LIMIT))


class FullDisk(FolderCase):
    def setUp(self):
        super().setUp()
        self.server = self.start_limited(self.start(start=False), 3 * MIB)
        self.acknowledged = []

    @staticmethod
    def start_limited(server, size):
        """The limit is inherited: what is filled before it is there could not be written any more."""
        limit_files(0, size)
        try:
            server.start()
        finally:
            limit_files(0, NO_LIMIT)
        return server

    def fill(self, prefix):
        """Sends until the disk is full; the first answer that says so."""
        for part in range(100):
            commands = [receive("%s-%d-%d" % (prefix, part, n), item="i%d" % (n % 50), meta={"pad": "x" * 900}) for n in range(500)]
            for row in self.server.stream(commands).lines():
                if row["status"] == "accepted":
                    self.acknowledged.append(row["id"])
                elif row["status"] != "done" and "id" in row:
                    return row
        self.fail("the disk is never full")

    def told(self):
        return [event["id"] for event in self.server.events("&type=receive")]

    def test_commands_are_refused_reads_go_on_and_space_ends_it(self):
        server = self.server
        self.assertEqual(server.send(kind="receive", source="wms", id="first", item="A", location="L", quantity=5).status, 200)
        self.acknowledged.append("first")
        self.assertEqual(server.send(kind="hold", source="shop", id="h", hold="h", item="A", location="L", quantity=5,
                                     expires_in=2).status, 200)
        row = self.fill("a")
        self.assertEqual((row["status"], row["code"]), ("retry", "disk_full"), row)
        # What a sender sees: alone, as configuration, and for what it sent before.
        answer = server.send(**receive("alone", meta={"pad": "x" * 1000}))
        self.assertEqual((answer.status, answer.json()["code"], answer.json()["outcome"]), (507, "disk_full", "retry"), answer)
        self.assertEqual(answer.head["retry-after"], "1")
        for n in range(100):  # one that is small may have its place still
            answer = server.request("PUT", "/v1/items/new%d" % n, json.dumps({"scale": 0, "attributes": {"a": "x" * 200}}).encode())
            if answer.status != 200:
                break
        self.assertEqual((answer.status, answer.json()["code"]), (507, "disk_full"), answer)
        # What an operator sees.
        answer = server.get("/readyz")
        self.assertEqual((answer.status, answer.json()["code"]), (503, "disk_full"), answer)
        self.assertEqual((server.metric("onhand_disk_full"), server.metric("onhand_ready")), (1, 0))
        self.assertGreater(server.metric("onhand_commands_shed_total"), 0)
        until(lambda: "the disk is full" in server.log(), "the log says it")
        self.assertIn("File too large", server.log())
        # Reads go on, and what is due waits.
        until(lambda: server.send(kind="receive", source="wms", id="first", item="A", location="L", quantity=5).status == 507,
              "the hold is due, and before it nothing is decided")
        self.assertEqual(server.cell("A", "L")["held"], 5)
        self.assertEqual(server.get("/livez").status, 200)
        self.assertEqual(sorted(self.told()), sorted(self.acknowledged))
        # A clean stop has its seal, and a start in it serves what there is.
        server.stop()
        verify(server.data)
        self.start_limited(server, 3 * MIB)
        self.assertEqual(server.cell("A", "L")["held"], 5)
        self.fill("b")
        self.assertEqual(server.get("/readyz").status, 503)
        # kill -9 in it loses nothing either.
        server.kill()
        self.start_limited(server, 3 * MIB)
        self.assertEqual(sorted(self.told()), sorted(self.acknowledged))
        told = server.log().count("the disk is full (")
        self.fill("c")
        until(lambda: server.log().count("the disk is full (") > told, "the log says it")
        # Space ends it, without anybody's doing.
        limit_files(server.pid, NO_LIMIT)
        until(lambda: server.get("/readyz").status == 200, "it goes on")
        until(lambda: server.cell("A", "L")["held"] == 0, "what was due is done")
        self.assertEqual(server.send(**receive("alone", meta={"pad": "x" * 1000})).status, 200)
        self.acknowledged.append("alone")
        self.assertEqual(server.metric("onhand_disk_full"), 0)
        until(lambda: "has space again" in server.log(), "the log says it")
        self.assertEqual(sorted(self.told()), sorted(self.acknowledged))
        server.stop()
        verify(server.data)

    def test_a_new_journal_on_a_full_disk_is_refused_and_leaves_nothing(self):
        data = os.path.join(self.folder, "new")
        limit_files(0, MIB // 2)
        try:
            done = subprocess.run([BIN, "serve", "--data", data, "--listen", "127.0.0.1:0"], capture_output=True, text=True,
                                  timeout=60)
        finally:
            limit_files(0, NO_LIMIT)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("the disk is full", done.stderr)
        self.assertIn("free space on the file system", done.stderr)
        self.assertEqual(os.listdir(data), [])


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    unittest.main()
