#!/usr/bin/env python3
"""
Goal: a running server proves its journal, its checkpoints and its memory, says what is wrong and where, and goes on.
Method: load meanwhile, packed segments, a standby; then a bit of an old segment and of a checkpoint turned on the disk under
it, and a figure changed in its memory (/proc/PID/mem). The chain's heads against a second implementation, wherever the journal goes, and
against a journal that was changed with all its checksums.
"""
import json
import os
import struct
import subprocess
import threading
import time
import unittest

from journal_stream import crc32c, heads_of, items_of
from server import BIN, FolderCase, receive, request_bytes, until, verify

from standby import Standby
from test_audit import UNITS, SMALL, change_units

TIER = "check"


def online(server, *options):
    return subprocess.run([BIN, "verify", "--server", "http://127.0.0.1:%d" % server.port, *options], capture_output=True,
                          text=True, timeout=120, check=False)


def turn(path, at, bit=1):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ bit]))


class Verify(FolderCase):
    def right(self, server):
        result = online(server, "--json")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        report = json.loads(result.stdout)
        self.assertEqual(report["state"], "right")
        return report

    def wrong(self, server, words):
        result = online(server)
        self.assertEqual(result.returncode, 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        report = server.get("/v1/verify").json()
        self.assertEqual(report["state"], "wrong")
        self.assertIn(report["problem"], result.stderr)
        until(lambda: report["problem"] in server.log(), "the log does not say it")
        self.assertEqual(server.metric("onhand_verify_wrong"), 1)
        return report

    def fill(self, server, parts, first=0):
        for part in range(first, first + parts):
            server.stream([receive(n, "part%d" % part, meta={"x": "y" * 900}) for n in range(5000)])

    def test_a_good_one_under_load(self):
        server = self.start("--segment-mib", "8", "--raw-segments", "1", "--checkpoint-mib", "8")
        self.assertEqual(server.get("/v1/verify").json(), {"state": "never"})
        self.assertNotIn("onhand_verify_age_seconds", server.request("GET", "/metrics").body.decode())
        self.fill(server, 5)
        packed = os.path.join(server.data, "%020d.journal" % 1)
        until(lambda: os.path.getsize(packed) < 4 << 20, "nothing is packed")
        stop = threading.Event()
        sent = []

        def load():
            while not stop.is_set():
                sent.append(server.send(**receive(len(sent), "load")).status)

        thread = threading.Thread(target=load)
        thread.start()
        reports = [self.right(server) for _ in range(3)]
        stop.set()
        thread.join()
        self.assertEqual(set(sent), {200})
        for before, after in zip(reports, reports[1:]):
            self.assertGreater(int(after["position"].split("-")[1]), int(before["position"].split("-")[1]))
            self.assertGreater(after["frames"], before["frames"])
        self.assertEqual(reports[-1]["frames"], reports[-1]["until_frame"])
        self.assertTrue(all(row["verdict"] == "right" for row in reports[-1]["checkpoints"]))
        self.assertEqual(server.metric("onhand_verifies_total"), 3)
        self.assertEqual(server.metric("onhand_verify_wrong"), 0)
        # One at a time: whoever comes meanwhile is told of the one that runs.
        answers = [server.request("POST", "/v1/verify", b"{}") for _ in range(5)]
        self.assertEqual({answer.status for answer in answers}, {202})
        self.assertLessEqual(server.metric("onhand_verifies_total"), 3 + len({a.json()["began_at"] for a in answers}))
        # When all is quiet it is what the offline check says.
        frames = -1
        while frames != server.metric("onhand_journal_frames_total"): # until it is sealed
            frames = server.metric("onhand_journal_frames_total")
            time.sleep(0.3)
        last = self.right(server)
        server.stop()
        whole = verify(server.data)
        self.assertEqual(last["state_hash"], whole["state_hash"])
        self.assertEqual(last["chain"], whole["chain"])
        for field in ("segments", "frames", "decisions"):
            self.assertEqual(last[field], whole[field])

    def test_one_whose_beginning_was_dropped(self):
        server = self.start("--segment-mib", "8", "--raw-segments", "1", "--checkpoint-mib", "4", "--retain-mib", "1",
                            "--history-days", "0", "--id-window", "1")
        first = os.path.join(server.data, "%020d.journal" % 1)
        heads = []
        for part in range(100):
            self.fill(server, 1, part)
            if not os.path.exists(first):
                break
            heads.append("%(position)s:%(head)s" % self.right(server)["chain"])
        self.assertFalse(os.path.exists(first), "nothing is dropped")
        report = self.right(server)
        heads.append("%(position)s:%(head)s" % report["chain"])
        server.send(**receive(1, "one"))
        heads.append("%(position)s:%(head)s" % self.right(server)["chain"])
        self.assertLess(report["frames"], report["until_frame"])
        server.stop()
        whole = verify(server.data)
        # The chain goes on over what is gone: the last heads are right, of the first only its place is gone.
        code, again, complaints = self.offline(server.data, *heads[-2:])
        self.assertEqual((code, again["chain"], complaints), (0, whole["chain"], ""))
        code, _, complaints = self.offline(server.data, heads[0])
        self.assertEqual(code, 1)
        self.assertIn("no longer kept", complaints)
        self.assertEqual(whole["state_hash"], whole["state_hash"])
        self.assertEqual([row["verdict"] for row in whole["checkpoints"]], ["right", "sound"])
        result = subprocess.run([BIN, "backup", server.data, "--to", self.folder + "/to"], capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        code, again, complaints = self.offline(self.folder + "/to", *heads[-2:])
        self.assertEqual((code, again["chain"], again["state_hash"], complaints), (0, whole["chain"], whole["state_hash"], ""))

    def test_what_is_damaged_on_the_disk_is_found(self):
        server = self.start("--segment-mib", "8", "--raw-segments", "1", "--checkpoint-mib", "8")
        self.fill(server, 4)
        packed = os.path.join(server.data, "%020d.journal" % 1)
        until(lambda: os.path.getsize(packed) < 4 << 20, "nothing is packed")
        raw = os.path.join(server.data, sorted(name for name in os.listdir(server.data) if name.endswith(".journal"))[-1])
        until(lambda: server.metric("onhand_checkpoints_total") > 0, "no checkpoint is made")
        self.right(server)
        for path in (packed, raw):
            at = 4096 + 16384 + 77
            turn(path, at)
            report = self.wrong(server, [os.path.basename(path), "offset"])
            self.assertLess(report["frame"], report["until_frame"])
            turn(path, at)
            self.right(server)
        checkpoint = sorted(name for name in os.listdir(server.data) if name.endswith(".checkpoint"))[-1]
        turn(os.path.join(server.data, checkpoint), 1500)
        report = self.wrong(server, [checkpoint, "Delete it"])
        self.assertIn({"name": checkpoint, "verdict": "wrong"}, report["checkpoints"])
        turn(os.path.join(server.data, checkpoint), 1500)
        self.right(server)
        self.assertEqual(server.send(**receive(1, "on")).status, 200)
        # A file that is gone.
        os.rename(packed, packed + ".away")
        self.wrong(server, ["the first segment is missing"])
        os.rename(packed + ".away", packed)
        self.right(server)

    def test_what_is_wrong_in_memory_is_found(self):
        server = self.start(*SMALL, "--audit-rate", "0")
        self.assertEqual(server.send(**receive(1, quantity=UNITS)).status, 200)
        self.right(server)
        self.assertGreater(change_units(server.pid), 0)
        server.send(**receive(2)) # its event is told with the figure that is wrong, so the journal has it; the hash has not
        result = online(server)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        server.kill()

    def test_a_standby_and_one_that_stops(self):
        server = self.start("--segment-mib", "8")
        self.fill(server, 2)
        standby = Standby(self.folder + "/standby", server)
        self.servers.append(standby)
        standby.wait_for(server.position())
        self.assertEqual(self.right(standby)["state_hash"], self.right(server)["state_hash"])
        standby.stop()
        # A stop ends it.
        self.fill(server, 4, 2)
        self.assertEqual(server.request("POST", "/v1/verify", b"{}").status, 202)
        began = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - began, 20)
        server.start()
        self.assertEqual(server.get("/v1/verify").json(), {"state": "never"})

    def offline(self, data, *heads):
        """verify of a directory: exit code, report, complaints."""
        done = subprocess.run([BIN, "verify", data, "--json", *(word for head in heads for word in ("--chain", head))],
                              capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    def test_the_chain_is_the_same_wherever_the_journal_goes(self):
        server = self.start("--segment-mib", "8", "--raw-segments", "1")
        self.fill(server, 4)
        for n in range(3):
            server.send(**receive(n, "single"))
        packed = os.path.join(server.data, "%020d.journal" % 1)
        until(lambda: os.path.getsize(packed) < 4 << 20, "nothing is packed")
        items = items_of(server.get("/v1/journal?until=now").body, quick=True)
        heads = heads_of(items)
        last = max(heads)
        standby = Standby(self.folder + "/standby", server)
        self.servers.append(standby)
        standby.wait_for(server.position())
        standby.stop()
        subprocess.run([BIN, "backup", "http://127.0.0.1:%d" % server.port, "--to", self.folder + "/backup"], check=True,
                       capture_output=True)
        server.stop()
        subprocess.run([BIN, "restore", self.folder + "/backup", "--to", self.folder + "/restored"], check=True,
                       capture_output=True)
        given = ["1-%d:%s" % (seq, heads[seq]) for seq in sorted(heads)[1::1 + len(heads) // 40]]
        for data in (server.data, standby.data, self.folder + "/backup", self.folder + "/restored"):
            with self.subTest(data):
                code, report, complaints = self.offline(data, *given)
                self.assertEqual((code, complaints), (0, ""))
                self.assertEqual(report["chain"]["head"], heads[last])
        # To a point: what was before it is the same.
        point = sorted(heads)[len(heads) // 2]
        subprocess.run([BIN, "restore", self.folder + "/backup", "--to", self.folder + "/part", "--to-position", "1-%d" % point],
                       check=True, capture_output=True)
        code, report, complaints = self.offline(self.folder + "/part", "1-%d:%s" % (point, heads[point]))
        self.assertEqual((code, complaints, report["chain"]["head"]), (0, "", heads[point]))
        # What cannot be right.
        for head, words in (("1-%d:%s" % (last, heads[point]), "is not what it was"), ("1-%d:%s" % (last + 1, heads[last]), "ends before it"),
                            ("1-%d:%s" % (point - 1, heads[point]), "in the middle of a group"), ("9-1:" + heads[point], "never had")):
            code, report, complaints = self.offline(server.data, head)
            self.assertEqual((code, report["ok"]), (1, False))
            self.assertIn(words, complaints)
        for head in ("1-5", "1-5:abc", "x:" + heads[point], "1-5:" + "g" * 64):
            self.assertEqual(self.offline(server.data, head)[0], 2)

    def test_the_chain_finds_what_checksums_do_not(self):
        server = self.start()
        for n in range(30):
            server.send(**receive(n, "x", reason="honest"))
        server.stop()
        name = os.path.join(server.data, "%020d.journal" % 1)
        heads = heads_of(items_of(self.stream_of(server.data), quick=True))
        with open(name, "rb") as file:
            data = bytearray(file.read())
        # Another word in one decision, and all that vouches for it made right again.
        at, chain, changed = 4096, 0, None
        while data[at:at + 8] == b"\xffonhfrm\n":
            size, first = struct.unpack_from("<I", data, at + 32)[0], struct.unpack_from("<Q", data, at + 48)[0]
            place = data.find(b"honest", at, at + size)
            if changed is None and first > 15 and place > 0:
                data[place:place + 6] = b"stolen"
                changed = first
            struct.pack_into("<I", data, at + 36, crc32c(data[at + 128:at + size]))
            chain = crc32c(struct.pack("<I", chain) + data[at:at + 120])
            struct.pack_into("<I", data, at + 120, chain)
            struct.pack_into("<I", data, at + 124, crc32c(data[at:at + 124]))
            at += size
        with open(name, "wb") as file:
            file.write(data)
        self.assertEqual(self.offline(server.data)[0], 0) # nothing else notices
        before, behind, last = changed - 1, changed, max(heads)
        code, _, complaints = self.offline(server.data, *("1-%d:%s" % (seq, heads[seq]) for seq in (last, before, behind)))
        self.assertEqual(code, 1)
        self.assertEqual(complaints.count("is not what it was"), 2)
        self.assertIn("behind event %d, where a head given is right" % before, complaints)
        self.assertNotIn("--chain 1-%d:" % before, complaints)

    def stream_of(self, data):
        to = self.folder + "/stream.onhand"
        subprocess.run([BIN, "backup", data, "--to", to], check=True, capture_output=True)
        with open(to, "rb") as file:
            return file.read()

    def test_refusals(self):
        server = self.start()
        self.assertEqual(server.request("POST", "/v1/verify", b"").status, 422)
        self.assertEqual(server.request("POST", "/v1/verify", b'{"a":1}').status, 422)
        self.assertEqual(server.request("GET", "/v1/verify?x=1").status, 422)
        self.assertEqual(server.request("DELETE", "/v1/verify").status, 405)
        self.assertEqual(subprocess.run([BIN, "verify", server.data, "--server", "x"], capture_output=True, check=False).returncode, 2)
        server.stop()
        self.assertEqual(online(server).returncode, 3)


if __name__ == "__main__":
    unittest.main()
