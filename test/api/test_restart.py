#!/usr/bin/env python3
"""
Goal: what was acknowledged survives the process, and only a whole, lone data directory is served.
Method: servers that are stopped, killed under load and started again on the same directory; copies of directories; bytes
flipped in them. ONHAND_BIN2 names a second build (another compiler, other flags) that must come to the same state.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
import unittest

from server import BIN, Closed, FolderCase, ndjson, receive, request_bytes, verify

BIN2 = os.environ.get("ONHAND_BIN2")


def mixed(count, source="mix", seed=1, lives=(0, 1, 3600)):
    """Commands of all kinds, accepted and refused."""
    prng = random.Random(seed)
    commands = []
    for n in range(count):
        cell = {"item": "i%d" % prng.randrange(40), "location": "p%d" % prng.randrange(4),
                "quantity": prng.randint(1, 9)}
        kind = prng.choice(("receive", "receive", "sale", "ship", "return", "adjust", "reclassify", "transfer", "hold",
                            "extend", "commit", "release"))
        command = {"kind": kind, "source": source, "id": str(n)}
        if kind in ("extend", "commit", "release"):
            command["hold"] = "h%d" % prng.randrange(n + 1)
            if kind == "extend":
                command["expires_in"] = 3600
        else:
            command.update(cell)
        if kind == "hold":
            command.update(hold="h%d" % n, expires_in=prng.choice(lives), mode="partial")
        if kind == "adjust":
            command.update(reason="found", quantity=prng.choice((-3, 4)))
        if kind == "reclassify":
            command.update({"from": "sellable", "to": "damaged"})
        if kind == "transfer":
            command["to"] = "p%d" % (4 + prng.randrange(2))
        commands.append(command)
    return commands


def counts(lines):
    result = {}
    for line in lines:
        result[line["status"]] = result.get(line["status"], 0) + 1
    return result


class SameState(FolderCase):
    def fill(self, server):
        rows = server.stream(mixed(4000)).lines()
        counted = counts(rows)
        self.assertEqual(set(counted), {"accepted", "refused"}, [row for row in rows if row["status"] == "invalid"][:1])
        self.assertGreater(min(counted.values()), 300)
        self.assertEqual(server.request("PUT", "/v1/items/wire", b'{"scale":3}').status, 200)
        server.wait_for_ends()

    def test_a_restart_and_a_copy_have_the_same_state(self):
        server = self.start()
        self.fill(server)
        figures = server.figures()[0]
        server.stop()
        first = verify(server.data)
        self.assertEqual(first["torn_bytes"], 0)
        copy = os.path.join(self.folder, "copy")
        shutil.copytree(server.data, copy)
        self.assertEqual(verify(copy)["state_hash"], first["state_hash"])
        server.start()
        self.assertEqual(server.figures()[0], figures)
        server.stop()
        # The second start journals nothing that changes the state.
        self.assertEqual(verify(server.data)["state_hash"], first["state_hash"])

    def test_a_kill_leaves_the_state_that_was_answered(self):
        server = self.start()
        self.fill(server)
        figures, _ = server.figures()
        server.kill()
        first = verify(server.data)
        server.start()
        self.assertEqual(server.figures()[0], figures)
        server.stop()
        self.assertEqual(verify(server.data)["state_hash"], first["state_hash"])

    @unittest.skipUnless(BIN2, "ONHAND_BIN2 names no second build")
    def test_another_build_comes_to_the_same_state(self):
        server = self.start()
        self.fill(server)
        figures = server.figures()[0]
        server.stop()
        self.assertEqual(verify(server.data, BIN2), verify(server.data, BIN))
        other = os.path.join(self.folder, "other")
        os.mkdir(other)
        shutil.copytree(server.data, os.path.join(other, "data"))
        second = self.start(folder=other, program=BIN2)
        self.assertEqual(second.figures()[0], figures)
        # Both go on in the same way.
        server.start()
        more = mixed(500, "more", 2, (0, 3600))  # when one would end is not the same for both
        answers = [[{key: value for key, value in row.items() if key != "expires_at"}
                    for row in one.stream(more).lines()] for one in (server, second)]
        self.assertEqual([(row["status"], row.get("figures"), row.get("code")) for row in answers[0]],
                         [(row["status"], row.get("figures"), row.get("code")) for row in answers[1]])
        second.stop()
        server.stop()


class Sender(threading.Thread):
    """An ordered source: sends its commands in streams, and after a break repeats what was not answered."""

    def __init__(self, server, number, count):
        super().__init__(daemon=True)
        self.server, self.number = server, number
        self.commands = [receive("%d" % n, "i%d" % (n % 97), source="sender-%d" % number, seq=n + 1)
                         for n in range(count)]
        self.answered = {}  # id: position
        self.breaks, self.replayed, self.trouble = 0, 0, []
        self.over = threading.Event()

    def run(self):
        at = 0
        while at < len(self.commands) and not self.over.is_set():
            # Not all that was answered is remembered as answered: the server must know it again.
            at = max(0, at - 50)
            part = self.commands[at:at + 3000]
            try:
                with self.server.connect() as wire:
                    wire.send(request_bytes(wire.port, "POST", "/v1/commands", ndjson(part),
                                            {"Content-Type": "application/x-ndjson"}))
                    wire.head()
                    for line in wire.body_lines():
                        row = json.loads(line)
                        if row["status"] != "accepted":
                            if row["status"] in ("retry", "unknown"):
                                raise Closed(line)
                            self.trouble.append(row)
                            return
                        self.replayed += row["replayed"]
                        if self.answered.setdefault(row["id"], row["position"]) != row["position"]:
                            self.trouble.append(row)
                        at = int(row["id"]) + 1
                if at < len(self.commands) and at < int(part[-1]["id"]) + 1:
                    raise Closed(b"")
            except (Closed, OSError, ValueError):
                self.breaks += 1
                time.sleep(0.02)


class KillUnderLoad(FolderCase):
    KILLS = 6

    def test_senders_resume_after_kills_and_nothing_is_lost_or_twice(self):
        server = self.start()
        count = 20000
        senders = [Sender(server, n, count) for n in range(4)]
        for sender in senders:
            sender.start()
        prng = random.Random(7)
        for _ in range(self.KILLS):
            time.sleep(prng.uniform(0.02, 0.25))
            server.kill()
            server.start()
        for sender in senders:
            sender.join(120)
            sender.over.set()
            self.assertEqual(sender.trouble, [])
            self.assertEqual(len(sender.answered), count)
        self.assertGreater(sum(sender.breaks for sender in senders), 0)
        self.assertGreater(sum(sender.replayed for sender in senders), 0)
        figures = server.figures()[0]
        self.assertEqual(sum(cell["on_hand"] for cell in figures.values()), 4 * count)
        self.assertEqual(sum(cell["version"] for cell in figures.values()), 4 * count)
        # Every position that was answered is in the feed, and is that command.
        events = {event["position"]: event for event in server.events("&kind=receive")}
        self.assertEqual(len(events), 4 * count)
        for sender in senders:
            for name, position in sender.answered.items():
                self.assertEqual((events[position]["id"], events[position]["source"]),
                                 (name, "sender-%d" % sender.number))
        server.stop()
        report = verify(server.data)
        self.assertEqual(report["ids"], 4 * count)


class Refusals(FolderCase):
    """What is not served, and why: in words, with an exit code."""

    def serve(self, *options, data=None):
        done = subprocess.run([BIN, "serve", "--data", data or os.path.join(self.folder, "data"), *options],
                              capture_output=True, timeout=30, check=False)
        return done.returncode, done.stderr.decode()

    def test_a_directory_has_one_server(self):
        server = self.start()
        code, text = self.serve("--listen", "127.0.0.1:0")
        self.assertEqual(code, 4, text)
        self.assertIn(server.data, text)
        self.assertRegex(text, "another|in use|lock")
        self.assertEqual(server.send(**receive(1)).status, 200)
        server.stop()

    def test_a_port_that_is_taken_is_named(self):
        server = self.start()
        code, text = self.serve("--listen", "127.0.0.1:%d" % server.port, data=os.path.join(self.folder, "other"))
        self.assertEqual(code, 4, text)
        self.assertIn("127.0.0.1:%d" % server.port, text)
        server.stop()

    def test_an_address_that_others_reach_needs_insecure(self):
        for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0", "10.0.0.1:0"):
            code, text = self.serve("--listen", address)
            self.assertEqual(code, 4, text)
            self.assertIn("--insecure", text)
        for address in ("localhost", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", ":0", ""):
            code, text = self.serve("--listen", address)
            self.assertEqual(code, 2, text)
            self.assertIn("--listen", text)

    def test_insecure_listens_there_and_says_so(self):
        log = os.path.join(self.folder, "log")
        with open(log, "wb") as file:
            process = subprocess.Popen([BIN, "serve", "--data", os.path.join(self.folder, "data"), "--listen",
                                        "127.0.0.1:0", "--insecure"], stdout=subprocess.PIPE, stderr=file)
        try:
            self.assertIn(b"listening on", process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(30), 0)
            process.stdout.close()

    def damage(self, change):
        """A directory with enough in it, closed, and then changed in one file; what the next start says."""
        server = self.start()
        server.stream([receive(n, "i%d" % (n % 10), reason="damage") for n in range(5000)], "?answers=summary")
        server.stop()
        files = [os.path.join(server.data, name) for name in sorted(os.listdir(server.data))]
        path = max(files, key=lambda name: (os.path.getsize(name), name))
        with open(path, "r+b") as file:
            change(file)
        return path, self.serve("--listen", "127.0.0.1:0")

    def test_a_rotten_byte_is_named_by_file_and_offset(self):
        def flip(file):
            file.seek(100000)
            byte = file.read(1)
            file.seek(100000)
            file.write(bytes([byte[0] ^ 4]))
        path, (code, text) = self.damage(flip)
        self.assertEqual(code, 4, text)
        self.assertIn(os.path.basename(path), text)
        self.assertRegex(text, r"(offset|byte) \d+")
        with self.assertRaisesRegex(AssertionError, os.path.basename(path)):
            verify(os.path.join(self.folder, "data"))

    def test_a_segment_that_is_missing_is_noticed(self):
        server = self.start("--segment-mib", "8")
        text = {"reason": "r" * 120, "document": "d" * 120, "actor": "a" * 120}
        for part in range(6):
            answer = server.stream([receive("%d-%d" % (part, n), **text) for n in range(10000)], "?answers=summary")
            self.assertEqual(answer.lines()[-1]["summary"]["accepted"], 10000)
        self.assertGreaterEqual(server.metric("onhand_journal_segments"), 3)
        server.stop()
        segments = [name for name in sorted(os.listdir(server.data))
                    if os.path.getsize(os.path.join(server.data, name)) >= 8 << 20]
        self.assertGreaterEqual(len(segments), 3)
        for name in segments[:2]:
            path = os.path.join(server.data, name)
            os.rename(path, os.path.join(self.folder, "away"))
            code, said = self.serve("--listen", "127.0.0.1:0")
            self.assertEqual(code, 4, said)
            self.assertIn(server.data, said)
            os.rename(os.path.join(self.folder, "away"), path)
        server.start()
        self.assertEqual(server.cell("A", "L")["on_hand"], 60000)
        server.stop()

    def test_something_else_in_its_place_is_refused(self):
        path = os.path.join(self.folder, "file")
        with open(path, "wb") as file:
            file.write(b"x")
        code, text = self.serve("--listen", "127.0.0.1:0", data=path)
        self.assertEqual(code, 4, text)
        self.assertIn(path, text)


if __name__ == "__main__":
    unittest.main()
