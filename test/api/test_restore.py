#!/usr/bin/env python3
"""
Goal: what is restored is exactly what there was at the point, whole or not at all, and who has seen what came behind it is
told where the histories part.
Method: a journal of several segments, restored to points in it by position and by time, also in the middle of frames; each
state against the figures that were told then. Damaged, cut off and foreign sources; targets that are there. The feed of the
restored server with positions of both epochs.
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


def restore(source, to, *options):
    return subprocess.run([BIN, "restore", source, "--to", to, "--json", *options], capture_output=True, timeout=120, check=False)


class Restore(FolderCase):
    def setUp(self):
        super().setUp()
        self.to = os.path.join(self.folder, "restored")

    def done(self, source, *options):
        result = restore(source, self.to, *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertFalse(os.path.exists(self.to + ".restoring"))
        return json.loads(result.stdout)

    def refused(self, source, code, text, *options):
        result = restore(source, self.to, *options)
        self.assertIn(text, result.stderr.decode())
        self.assertEqual((result.returncode, result.stdout), (code, b""))
        self.assertFalse(os.path.exists(self.to + ".restoring"))

    def serve(self, data):
        server = self.start(folder=data + "-server", start=False)
        os.makedirs(server.folder, exist_ok=True)
        server.data = data
        server.start()
        return server

    def filled(self):
        """A data directory of several segments, and what each command was answered, in order."""
        server = self.start("--segment-mib", "8")
        rows = []
        for batch in range(6):
            answer = server.stream([receive(batch * 2000 + n, "A", quantity=1 + n % 3, meta={"x": "y" * 900})
                                    for n in range(2000)])
            rows += [line for line in answer.lines() if "position" in line]
        self.assertEqual(len(rows), 12000)
        server.stop()
        return server, rows

    def test_to_any_position_it_is_what_was_told_then(self):
        server, rows = self.filled()
        print("seed %d" % SEED)
        pick = random.Random(SEED)
        whole = verify(server.data)
        self.assertGreater(whole["segments"], 1)
        for n in range(4):
            row = pick.choice(rows)
            report = self.done(server.data, "--to-position", row["position"])
            self.assertEqual(report["position"], row["position"])
            checked = verify(self.to)
            self.assertEqual(checked["state_hash"], report["state_hash"])
            self.assertEqual((checked["last_seq"], checked["ledger"]), (int(row["position"].split("-")[1]), whole["ledger"]))
            twin = self.serve(self.to)
            number = rows.index(row) + 1
            self.assertEqual(twin.cell("A", "L")["sellable"], sum(1 + n % 2000 % 3 for n in range(number)))
            self.assertEqual(twin.cell("A", "L")["version"], number)
            twin.stop()
            shutil.rmtree(self.to)
        self.assertEqual(verify(server.data)["state_hash"], whole["state_hash"])

    def test_positions_part_where_it_was_restored_to(self):
        server, rows = self.filled()
        common, beyond = rows[2000]["position"], rows[2001]["position"]
        report = self.done(server.data, "--to-position", common)
        twin = self.serve(self.to)
        self.assertEqual(twin.metric("onhand_epoch"), 2)
        answer = twin.get("/v1/feed?limit=1&after=" + common)
        self.assertEqual((answer.status, [event["kind"] for event in answer.json()["events"]]), (200, ["settings"]))
        answer = twin.get("/v1/feed?after=" + beyond)
        self.assertEqual((answer.status, answer.json()["code"], answer.json()["position"]), (409, "feed_forked", common))
        # The same id again: it was decided in what is no longer, so it is decided now.
        again = twin.send(**receive(2001, "A", quantity=5)).json()
        self.assertFalse(again["replayed"])
        self.assertEqual(again["position"].split("-")[1], str(int(beyond.split("-")[1]) + 1))  # behind the settings
        self.assertEqual(again["position"].split("-")[0], report["epoch"])
        self.assertRegex(report["epoch"], "^2x[0-9a-f]{5}$")
        # An answer that both have keeps its position.
        self.assertEqual(twin.send(**receive(5, "A", quantity=3, meta={"x": "y" * 900})).json()["position"], rows[5]["position"])
        events = twin.events()
        self.assertEqual([e["position"].split("-")[0] for e in events[-3:]], ["1", report["epoch"], report["epoch"]])
        self.assertEqual(twin.get("/v1/feed?after=" + again["position"]).status, 200)
        snapshot = {"kind": "snapshot", "id": "s", "source": "erp", "measure": "available", "contains": "none",
                    "lines": [{"item": "A", "location": "L", "quantity": 1}]}
        self.assertEqual(twin.send(**snapshot, seen={"position": beyond}).json()["code"], "seen_forked")
        self.assertEqual(twin.send(**dict(snapshot, id="t"), seen={"position": common}).status, 200)
        twin.stop()
        # And from there once more: to before the epoch began, whose positions are told, too.
        first, second = self.to, self.to + "-2"
        self.to = second
        self.refused(first, 1, "older epoch, which parted", "--to-position", beyond)
        self.done(first, "--to-position", rows[100]["position"])
        third = self.serve(second)
        self.assertEqual(third.metric("onhand_epoch"), 3)
        for position in (beyond, again["position"], common):
            answer = third.get("/v1/feed?after=" + position)
            self.assertEqual((answer.status, answer.json()["position"]), (409, rows[100]["position"]))
        answer = third.get("/v1/feed?after=2x00fff-5")
        self.assertEqual((answer.status, "position" in answer.json()), (409, False))
        third.stop()

    def test_to_a_time(self):
        server, rows = self.filled()
        events = self.serve(server.data)
        at = [e["recorded_at"] for e in events.events()]
        seqs = [e["seq"] for e in events.events()]
        events.stop()
        time = at[len(at) // 2]
        last = max(seq for seq, when in zip(seqs, at) if when <= time)
        report = self.done(server.data, "--to-time", time)
        self.assertEqual(int(report["position"].split("-")[1]), last)
        self.assertLessEqual(report["recorded_at"], time)
        self.assertEqual(verify(self.to)["state_hash"], report["state_hash"])
        shutil.rmtree(self.to)
        self.refused(server.data, 1, "nothing in", "--to-time", "2001-01-01T00:00:00Z")
        self.done(server.data, "--to-time", "2200-01-01T00:00:00Z")
        self.assertEqual(verify(self.to)["state_hash"], verify(server.data)["state_hash"])

    def test_a_stream_in_a_file(self):
        server, rows = self.filled()
        whole = verify(server.data)
        file = os.path.join(self.folder, "b.onhand")
        server.start()
        result = subprocess.run([BIN, "backup", "http://127.0.0.1:%d" % server.port, "--to", file], capture_output=True,
                                timeout=120, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        server.stop()
        self.done(file)
        self.assertEqual(verify(self.to)["state_hash"], whole["state_hash"])
        shutil.rmtree(self.to)
        self.done(file, "--to-position", rows[3456]["position"])
        self.assertEqual(verify(self.to)["last_seq"], int(rows[3456]["position"].split("-")[1]))
        shutil.rmtree(self.to)
        with open(file, "rb") as stream:
            good = stream.read()
        print("seed %d" % SEED)
        pick = random.Random(SEED)
        for n in range(4):
            at = pick.randrange(len(good))
            with open(file, "r+b") as stream:
                stream.seek(at)
                stream.write(bytes([good[at] ^ 1 << pick.randrange(8)]))
            self.refused(file, 1, "Nothing was restored")
            with open(file, "r+b") as stream:
                stream.seek(at)
                stream.write(good[at:at + 1])
        for cut in (64, 65, 1, 5000, len(good) - 10):
            os.truncate(file, len(good) - cut)
            self.refused(file, 1, "cut off" if cut != 64 else "without the mark")
            with open(file, "wb") as stream:
                stream.write(good)

    def test_what_cannot_be_restored(self):
        server, rows = self.filled()
        data, last = server.data, rows[-1]["position"]
        self.refused(data, 1, "beyond the end", "--to-position", "1-999999")
        self.refused(data, 1, "never had", "--to-position", "7-1")
        self.refused(data, 2, "must be a position", "--to-position", "later")
        self.refused(data, 2, "must be a time", "--to-time", "yesterday")
        self.refused(data, 2, "do not go together", "--to-time", "2026-01-01T00:00:00Z", "--to-position", last)
        self.refused(os.path.join(self.folder, "nowhere"), 4, "No such file")
        os.mkdir(self.to)
        self.done(data)  # empty: it takes its place
        result = restore(data, self.to)
        self.assertEqual(result.returncode, 4)
        self.assertIn(b"there already", result.stderr)
        shutil.rmtree(self.to)
        os.mkdir(self.to + ".restoring")
        self.assertEqual(restore(data, self.to).returncode, 4)
        os.rmdir(self.to + ".restoring")
        with open(os.path.join(self.folder, "some.txt"), "w") as file:
            file.write("no journal\n" * 1000)
        self.refused(file.name, 1, "no stream of a journal")
        os.mkdir(os.path.join(self.folder, "empty"))
        self.refused(os.path.join(self.folder, "empty"), 4, "no journal")
        running = self.start()
        self.refused(running.data, 4, "another process")
        running.stop()
        # Damage behind the point, too.
        segment = os.path.join(data, sorted(name for name in os.listdir(data) if name.endswith(".journal"))[1])
        with open(segment, "r+b") as file:
            file.seek(20000)
            file.write(b"\x55")
        self.refused(data, 1, "acknowledged decisions are damaged", "--to-position", rows[10]["position"])

    def test_a_decision_is_restored_whole(self):
        server = self.start()
        answer = server.send(kind="hold", id="h", source="s", hold="h", lines=[
            {"item": item, "location": "L", "quantity": 1} for item in "ABC"], mode="partial")
        server.send(**receive(1, "A", quantity=9))
        server.send(**receive(2, "B", quantity=9))
        answer = server.send(kind="hold", id="h2", source="s", hold="h2", lines=[
            {"item": item, "location": "L", "quantity": 1} for item in "AB"])
        position = answer.json()["position"]
        epoch, seq = position.split("-")
        server.stop()
        self.refused(server.data, 1, "in the middle of a decision", "--to-position", "%s-%d" % (epoch, int(seq) - 1))
        self.done(server.data, "--to-position", position)


if __name__ == "__main__":
    unittest.main()
