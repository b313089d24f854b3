#!/usr/bin/env python3
"""
Goal: a server that starts from a checkpoint is the one that stopped, whatever it was asked and however it ended.
Method: load with checkpoints each MiB of journal, stops and kills in it; figures, lists, histories and questions about the past before
and after; checkpoints that are damaged, false, of another ledger, or ahead of the journal, and what verify says of them.
"""
import json
import os
import random
import shutil
import struct
import subprocess
import time
import unittest

from journal_stream import crc32c
from server import BIN, FolderCase, verify

from test_restart import mixed

TIER = "check"
EACH_MIB = ("--checkpoint-mib", "1", "--segment-mib", "8")


def checkpoints(data):
    return sorted(name for name in os.listdir(data) if name.endswith(".checkpoint"))


def judge(data):
    """What verify says of the checkpoints: its exit code, name -> verdict, and what it complains about."""
    done = subprocess.run([BIN, "verify", data, "--json"], capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, {row["name"]: row["verdict"] for row in json.loads(done.stdout)["checkpoints"]}, done.stderr


def change(path, offset, of, form, value):
    """A field of a block or the head, with the checksum that is right again: such a file was never damaged, it is false."""
    with open(path, "r+b") as file:
        whole = bytearray(file.read())
        struct.pack_into(form, whole, offset, value)
        struct.pack_into("<I", whole, of[1], crc32c(whole[of[0]:of[1]]))
        file.seek(0)
        file.write(whole)


HEAD = (0, 508)


class Checkpoints(FolderCase):
    def start_with(self):
        return self.start(*EACH_MIB)

    def wait_for_checkpoints(self, server, count):
        end = time.monotonic() + 60
        while server.metric("onhand_checkpoints_total") < count:
            self.assertLess(time.monotonic(), end, "no checkpoint is made")
            time.sleep(0.05)

    def fill(self, server, rounds, first=0):
        for n in range(first, first + rounds):
            server.stream(mixed(6000, "mix%d" % n, n, (0, 3600))).lines()

    def looks(self, server):
        """What can be asked of it, as text."""
        paths = ["/v1/stock/i%d" % n for n in range(0, 40, 7)] + [
            "/v1/holds?limit=200", "/v1/locations?limit=50", "/v1/items?limit=50", "/v1/drift?limit=50",
            "/v1/history/i3?limit=50", "/v1/stock/i3?as_of=" + self.middle, "/v1/stock/i3/p1?explain=true"]
        answers = [server.get(path) for path in paths]
        for path, answer in zip(paths, answers):
            self.assertEqual(answer.status, 200, "%s: %r" % (path, answer.body))
        heard = {row["source"]: row["quality"]["heard_at"] for row in server.get("/v1/sources?limit=100").json()["sources"]}
        return [server.figures()[0], heard] + [answer.body for answer in answers]

    def test_stops_and_kills(self):
        server = self.start_with()
        self.fill(server, 2)
        self.middle = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
        time.sleep(1.1)
        prng = random.Random(5)
        for turn in range(4):
            self.fill(server, 4, 4 + 4 * turn)
            self.wait_for_checkpoints(server, 1)
            server.wait_for_ends()
            before = self.looks(server)
            if prng.random() < 0.5:
                server.kill()
            else:
                server.stop()
            server.start()
            self.assertIn("checkpoint of event", server.log())
            self.assertEqual(self.looks(server), before)
        server.stop()
        self.assertEqual(len(checkpoints(server.data)), 2)
        state = verify(server.data)["state_hash"]
        for name in checkpoints(server.data):
            os.remove(os.path.join(server.data, name))
        self.assertEqual(verify(server.data)["state_hash"], state)

    def filled(self):
        server = self.start_with()
        for first in (0, 4):
            made = first // 4 + 1
            self.fill(server, 4, first)
            self.wait_for_checkpoints(server, made)
        server.wait_for_ends()
        figures = server.figures()[0]
        server.stop()
        return server, figures

    def test_damaged_ones_are_passed_over(self):
        server, figures = self.filled()
        first, second = (os.path.join(server.data, name) for name in checkpoints(server.data))
        with open(second, "rb") as file:
            whole = file.read()
        change(second, 112, HEAD, "<Q", 1)  # places of the index at every byte
        server.start()
        self.assertIn("a checkpoint was passed over: ", server.log())
        self.assertEqual(server.figures()[0], figures)
        server.stop()
        with open(second, "wb") as file:
            file.write(whole)
        for path in (second, first):
            size = os.path.getsize(path)
            with open(path, "r+b") as file:
                file.seek(size // 2)
                byte = file.read(1)
                file.seek(size // 2)
                file.write(bytes([byte[0] ^ 4]))
            code, verdicts, complaints = judge(server.data)
            self.assertEqual(code, 1)
            self.assertEqual(verdicts[os.path.basename(path)], "wrong")
            self.assertEqual(verdicts[os.path.basename(first)], "wrong" if path == first else "right")
            self.assertIn("%s: %s, offset" % (2 * (os.path.basename(path),)), complaints)
            self.assertIn("Delete it", complaints)
            server.start()
            log = server.log()
            self.assertIn("a checkpoint was passed over: " + os.path.basename(second), log)
            self.assertEqual("checkpoint of event" in log.split("passed over")[-1], path == second)
            self.assertEqual(server.figures()[0], figures)
            server.stop()
        for path in (first, second):
            with open(path, "r+b") as file:
                file.truncate(100)
        os.remove(second)
        os.mkdir(second)  # whatever the reason that it cannot be read
        server.start()
        self.assertIn("a checkpoint was passed over: %s cannot be" % os.path.basename(second), server.log())
        self.assertEqual(server.figures()[0], figures)
        server.stop()
        os.rmdir(second)
        server.start()
        self.assertEqual(server.figures()[0], figures)
        server.stop()

    def test_one_of_another_ledger(self):
        server, figures = self.filled()
        folder = os.path.join(self.folder, "other")
        os.mkdir(folder)
        other = self.start(folder=folder)
        other.stream(mixed(50)).lines()
        other.stop()
        state = verify(other.data)["state_hash"]
        for name in checkpoints(server.data):
            shutil.copy(os.path.join(server.data, name), other.data)
        other.start()
        self.assertIn("a checkpoint was passed over", other.log())
        other.stop()
        code, verdicts, complaints = judge(other.data)
        self.assertEqual((code, set(verdicts.values())), (1, {"wrong"}))
        self.assertEqual(complaints.count("is of another ledger"), 2)
        for name in checkpoints(other.data):
            os.remove(os.path.join(other.data, name))
        self.assertEqual(verify(other.data)["state_hash"], state)

    def test_verify_holds_them_against_the_journal(self):
        server, _ = self.filled()
        first, second = checkpoints(server.data)
        self.assertEqual(judge(server.data), (0, {first: "right", second: "right"}, ""))
        path = os.path.join(server.data, first)
        with open(path, "rb") as file:
            good = file.read()
        ordinal, = struct.unpack_from("<Q", good, 104)
        cases = (("state hash", 72, "<Q", 1, "another state hash"),     # not that of its own image
                 ("event", 56, "<Q", 1, "is not that of this file"),
                 ("time", 64, "<q", 1, "or of another time"),
                 ("frame's chain", 52, "<I", 1, "which is another one here"),
                 ("offset", 88, "<Q", 512, "which is another one here"),
                 ("frame", 104, "<Q", ordinal - 1, "which is another one here"),
                 ("a frame that is not there", 104, "<Q", ordinal + 10 ** 9, "the journal has lost its end"),
                 ("another ledger", 16, "<Q", 1, "is of another ledger"))
        for what, offset, form, value, words in cases:
            with self.subTest(what):
                change(path, offset, HEAD, form, value)
                code, verdicts, complaints = judge(server.data)
                self.assertEqual((code, verdicts), (1, {first: "wrong", second: "right"}))
                self.assertIn(words, complaints)
                self.assertIn(first, complaints)
            with open(path, "wb") as file:
                file.write(good)
        change(path, 12, HEAD, "<I", 4711)
        code, verdicts, complaints = judge(server.data)
        self.assertEqual((code, verdicts), (0, {first: "other_version", second: "right"}))
        with open(path, "wb") as file:
            file.write(good)

    def test_too_little_room_names_the_limit(self):
        server, _ = self.filled()
        server.options += ["--cells-max", "10"]
        with self.assertRaises(AssertionError):
            server.start()
        self.assertIn("raise --cells-max", server.log())

    def test_what_is_there_is_not_made_again(self):
        server, _ = self.filled()
        for _ in range(3):  # one begins with a checkpoint of the end: nothing is behind it, whatever place the segment has
            server.start()
            time.sleep(1)
            behind, made = server.metric("onhand_checkpoint_behind_bytes"), server.metric("onhand_checkpoints_total")
            self.assertLess(behind, 1 << 20)
            self.assertEqual(server.metric("onhand_checkpoint_failures_total"), 0)
            server.stop()
        self.assertEqual(made, 0)

    def test_none_are_made_when_none_are_wanted(self):
        server = self.start("--checkpoint-mib", "0")
        self.fill(server, 3)
        self.assertEqual(checkpoints(server.data), [])
        self.assertNotIn("onhand_checkpoint", server.request("GET", "/metrics").body.decode())


if __name__ == "__main__":
    unittest.main()
