#!/usr/bin/env python3
"""
Goal: what is in a data directory can be read by people and programs, up to damage too; and after a standby took over, what
the old primary alone had acknowledged is listed, all of it and nothing else.
Method: dumps against the feed of the same server, whole and in ranges; a bit turned. Two histories that part at a known
position, each written on; the list against what the old one was told, by directory, by server and by position.
"""
import json
import os
import subprocess
import unittest

from server import BIN, FolderCase, receive

TIER = "check"


def run(*words):
    return subprocess.run([BIN, *words], capture_output=True, timeout=120, check=False)


def lines_of(result):
    return [json.loads(line) for line in result.stdout.decode().splitlines()]


class Dump(FolderCase):
    def serve(self, data):
        server = self.start(folder=data + "-server", start=False)
        os.makedirs(server.folder, exist_ok=True)
        server.data = data
        server.start()
        return server

    def test_a_dump_has_what_the_feed_had(self):
        server = self.start("--segment-mib", "8")
        for batch in range(6):
            server.stream([receive(batch * 2000 + n, "A", meta={"x": "y" * 900}) for n in range(2000)])
        server.send(kind="hold", id="h", source="s", hold="h", lines=[{"item": "A", "location": "L", "quantity": 10 ** 6}])
        feed = server.events("&include=refused,reported")
        self.assertEqual(run("journal", "dump", server.data).returncode, 4)  # a server runs on it
        server.stop()
        result = run("journal", "dump", server.data)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        lines = lines_of(result)
        self.assertEqual([line["event"] for line in lines if "event" in line], feed)
        segments = [line for line in lines if "segment" in line]
        self.assertEqual([s["segment"] for s in segments], sorted(n for n in os.listdir(server.data) if n.endswith(".journal")))
        frames = [line["frame"] for line in lines if "frame" in line]
        self.assertEqual(frames, list(range(1, len(frames) + 1)))
        self.assertIn({"seal": True}, lines)
        self.assertIn("genesis", lines[2])
        self.assertIn({"name": "A", "of": "item", "number": 0}, lines)
        only = run("journal", "dump", server.data, "--events")
        self.assertEqual(lines_of(only), feed)
        some = run("journal", "dump", server.data, "--events", "--from-position", feed[4000]["position"], "--to-position",
                   feed[4010]["position"])
        self.assertEqual(lines_of(some), feed[4000:4011])
        low, high = feed[3000]["recorded_at"], feed[9000]["recorded_at"]
        some = run("journal", "dump", server.data, "--events", "--from-time", low, "--to-time", high)
        self.assertEqual(lines_of(some), [e for e in feed if low <= e["recorded_at"] <= high])
        frame = [line for line in lines if "frame" in line and line["last_seq"] >= line["first_seq"]][2]
        with open(os.path.join(server.data, segments[0]["segment"]), "r+b") as file:
            file.seek(frame["offset"] + 200)
            byte = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte[0] ^ 4]))
        broken = run("journal", "dump", server.data, "--events")
        self.assertEqual(broken.returncode, 1)
        self.assertIn(b"offset %d" % frame["offset"], broken.stderr)
        self.assertEqual(lines_of(broken), [e for e in feed if e["seq"] < frame["first_seq"]])

    def test_what_cannot_be_dumped(self):
        for words, code in ((["journal"], 2), (["journal", "dump"], 2), (["journal", "list", "x"], 2),
                            (["journal", "dump", self.folder + "/none"], 4),
                            (["journal", "dump", self.folder, "--from-time", "noon"], 2),
                            (["journal", "dump", self.folder, "--to-position", "noon"], 2)):
            self.assertEqual(run(*words).returncode, code, words)

    def test_what_the_old_primary_alone_had(self):
        old = self.start()
        old.stream([receive(n, "A") for n in range(500)])
        common = old.position()
        # The copy is restored where it was, so it is in an epoch of its own, as a promoted standby is.
        copy, file = os.path.join(self.folder, "copy"), os.path.join(self.folder, "b.onhand")
        self.assertEqual(run("backup", "http://127.0.0.1:%d" % old.port, "--to", file).returncode, 0)
        self.assertEqual(run("restore", file, "--to", copy).returncode, 0)
        old.stop()
        self.assertEqual((run("verify", old.data, "--diverged", copy).returncode), 0)
        old.start()
        rows = old.stream([receive(n, "B", source="till") for n in range(700)]).lines()
        old.stop()
        promoted = self.serve(copy)
        promoted.stream([receive(n, "C") for n in range(900)])
        address = "http://127.0.0.1:%d" % promoted.port
        for other in (address, common):
            result = run("verify", old.data, "--diverged", other)
            self.assertEqual(result.returncode, 1, result.stderr)
            events = lines_of(result)
            told = [row["position"] for row in rows if "position" in row]
            self.assertEqual([event["position"] for event in events if event["source"] == "till"], told)
            self.assertEqual(len(told), 700)
            self.assertTrue(all(event["seq"] > int(common.split("-")[1]) for event in events))
        promoted.stop()
        result = run("verify", old.data, "--diverged", copy)
        self.assertEqual(lines_of(result), events)
        back = lines_of(run("verify", copy, "--diverged", old.data))
        self.assertEqual(sum(event["source"] == "C" for event in back), 900)
        self.assertEqual(run("verify", old.data, "--diverged", "2x00123-5").returncode, 1)
        other = self.start(folder=self.folder + "/other-server", start=False)
        os.mkdir(other.folder)
        other.start()
        other.stop()
        result = run("verify", old.data, "--diverged", other.data)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"of another ledger", result.stderr)


if __name__ == "__main__":
    unittest.main()
