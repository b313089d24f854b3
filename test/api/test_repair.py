#!/usr/bin/env python3
"""
Goal: a damaged data directory starts again when an operator gives up what is damaged, and not otherwise; what that is, is told
before; nothing is deleted; what was kept is what was told then, and positions of what was given up are refused.
Method: journals of several segments, damaged in a frame, a header, by a lost file; repairs interrupted after each rename.
"""
import json
import os
import random
import shutil
import subprocess
import unittest

from server import BIN, FolderCase, receive, verify

TIER = "check"
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))


def repair(data, *options):
    return subprocess.run([BIN, "repair", data, "--json", *options], capture_output=True, timeout=120, check=False)


def files(data):
    return {name: os.path.getsize(os.path.join(data, name)) for name in os.listdir(data)}


def frames_of(data):
    dump = subprocess.run([BIN, "journal", "dump", data], capture_output=True, timeout=120, check=False).stdout
    frames, segment = [], None
    for line in dump.splitlines():
        row = json.loads(line)
        segment = row.get("segment", segment)
        if "frame" in row:
            frames.append(dict(row, segment=segment))
    return frames


class Repair(FolderCase):
    def filled(self, batches=6):
        server = self.start("--segment-mib", "8", "--checkpoint-mib", "0")
        self.rows = []
        for batch in range(batches):
            answer = server.stream([receive(batch * 2000 + n, "A", source="till", meta={"x": "y" * 900}) for n in range(2000)])
            self.rows += [line for line in answer.lines() if "position" in line]
        server.send(**receive(1, "B"))
        server.stop()
        return server

    def flip(self, path, offset):
        with open(path, "r+b") as file:
            file.seek(offset)
            byte = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte[0] ^ 16]))

    def repaired(self, data, kept_seq):
        before = files(data)
        look = repair(data)
        self.assertEqual(look.returncode, 1, look.stderr)
        self.assertEqual(files(data), before)
        report = json.loads(look.stdout)
        self.assertEqual(report["kept"], "1-%d" % kept_seq)
        done = repair(data, "--give-up")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout), report)
        after = verify(data)
        self.assertEqual((after["last_seq"], after["epoch"]), (kept_seq, 2))
        given = [name for name in os.listdir(data) if name.endswith(".jsonl")]
        self.assertEqual(len(given), 1)
        with open(os.path.join(data, given[0]), encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        self.assertEqual(len(lines), report["events"])
        self.assertEqual(sum(line["acknowledged"] for line in lines), report["acknowledged"])
        return report, lines

    def serve_again(self, server, kept_seq):
        server.start()
        beyond = server.get("/v1/feed?after=1-%d" % (kept_seq + 1))
        self.assertEqual((beyond.status, beyond.json()["position"]), (409, "1-%d" % kept_seq))
        n = sum(row["position"] <= "1-%d" % kept_seq if len(row["position"]) == len("1-%d" % kept_seq)
                else int(row["position"][2:]) <= kept_seq for row in self.rows)
        self.assertEqual(server.cell("A", "L")["sellable"], n)
        again = server.send(**receive(n, "A", source="till")).json()
        self.assertFalse(again["replayed"])
        self.assertTrue(again["position"].startswith("2x"))
        server.stop()
        verify(server.data)

    def test_a_damaged_frame(self):
        server = self.filled()
        print("seed %d" % SEED)
        frames = [f for f in frames_of(server.data) if f["last_seq"] >= f["first_seq"]]
        frame = random.Random(SEED).choice(frames[3:-2])
        self.flip(os.path.join(server.data, frame["segment"]), frame["offset"] + 300)
        self.assertEqual(repair(server.data).returncode, 1)
        report, lines = self.repaired(server.data, frame["first_seq"] - 1)
        behind = {f["first_seq"]: f for f in frames if f["frame"] > frame["frame"]}
        self.assertEqual(report["events"], sum(f["last_seq"] - f["first_seq"] + 1 for f in behind.values()))
        self.assertEqual(report["unreadable"], frame["last_seq"] - frame["first_seq"] + 1)
        self.assertEqual(report["acknowledged"], report["events"])  # a seal vouches for the last
        self.assertEqual(report["decisions"]["receive"], report["events"])
        tills = [line["event"] for line in lines if line["event"]["source"] == "till"]
        self.assertTrue(tills and all(e["item"] == "A" and e["quantity"] == 1 for e in tills))
        self.serve_again(server, frame["first_seq"] - 1)

    def test_a_lost_file_and_a_damaged_header(self):
        server = self.filled()
        names = sorted(n for n in os.listdir(server.data) if n.endswith(".journal"))
        self.assertGreater(len(names), 1)
        copy = os.path.join(self.folder, "copy")
        shutil.copytree(server.data, copy)
        self.flip(os.path.join(copy, names[1]), 33)
        first = int(names[1][:20])
        report, _ = self.repaired(copy, first - 1)
        self.assertEqual(report["unreadable"], 0)
        shutil.rmtree(copy)
        shutil.copytree(server.data, copy)
        self.flip(os.path.join(copy, names[0]), 33)
        result = repair(copy, "--give-up")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"restore a backup", result.stderr)

    def test_nothing_is_damaged(self):
        server = self.filled(1)
        before = files(server.data)
        result = repair(server.data, "--give-up")
        self.assertEqual((result.returncode, json.loads(result.stdout)), (0, {"damaged": False}))
        self.assertEqual(files(server.data), before)
        server.start()
        self.assertEqual(repair(server.data).returncode, 4)
        self.assertEqual(repair(os.path.join(self.folder, "none")).returncode, 4)

    def test_an_interrupted_repair_goes_on(self):
        server = self.filled()
        frames = [f for f in frames_of(server.data) if f["last_seq"] >= f["first_seq"]]
        # Not the first of its segment, so that there is something to keep of it.
        frame = [f for f, before in zip(frames[2:], frames[1:]) if f["segment"] == before["segment"]][2]
        self.flip(os.path.join(server.data, frame["segment"]), frame["offset"] + 300)
        whole = os.path.join(self.folder, "whole")
        shutil.copytree(server.data, whole)
        self.repaired(whole, frame["first_seq"] - 1)
        stamp = [n for n in os.listdir(whole) if n.endswith(".jsonl")][0][9:-6]
        moved = sorted((n for n in os.listdir(whole) if ".given-up-" in n), reverse=True)
        new = [n for n in sorted(os.listdir(whole)) if n.endswith(".journal")]
        log = ["%s %s" % (n.split(".given-up-")[0], n) for n in moved]
        log += ["repair.1 " + frame["segment"], "repair.2 " + new[-1]]
        for done in range(len(log) + 1):
            twin = os.path.join(self.folder, "twin")
            shutil.copytree(server.data, twin)
            shutil.copy(os.path.join(whole, frame["segment"]), os.path.join(twin, "repair.1"))
            shutil.copy(os.path.join(whole, new[-1]), os.path.join(twin, "repair.2"))
            with open(os.path.join(twin, "repair.journal"), "w", encoding="ascii") as file:
                file.write("\n".join(log) + "\n")
            for line in log[:done]:
                os.rename(*(os.path.join(twin, name) for name in line.split()))
            check = subprocess.run([BIN, "verify", twin], capture_output=True, check=False)
            self.assertIn(b"was begun and not ended", check.stderr)
            self.assertEqual(repair(twin).returncode, 1)
            self.assertEqual(repair(twin, "--give-up").returncode, 0)
            self.assertEqual(verify(twin)["state_hash"], verify(whole)["state_hash"])
            self.assertEqual({n for n in files(twin) if not n.endswith(".jsonl")}, {n for n in files(whole) if not n.endswith(".jsonl")})
            shutil.rmtree(twin)
        self.assertTrue(stamp)


if __name__ == "__main__":
    unittest.main()
