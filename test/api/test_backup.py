#!/usr/bin/env python3
"""
Goal: a backup of a running server is all that was durable when it began, goes on where an earlier one ended, and nothing
that is wrong gets into it.
Method: backups during load into directories, files and standard output; `verify` and `serve` on them, their state hash
against the server's own. A server that flips bits of the stream stands in for a bad network. SEED repeats a run.
"""
import http.server
import json
import os
import random
import shutil
import socket
import subprocess
import threading
import unittest

from journal_stream import MARK, items_of
from server import BIN, FolderCase, receive, until, verify

from test_bad_directories import content

TIER = "check"
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))


def backup(server, to, *options):
    """Of a running one, or with the path of its directory of a stopped one."""
    address = server if isinstance(server, str) else "http://127.0.0.1:%d" % server.port
    return subprocess.run([BIN, "backup", address, "--to", to, "--json", *options], capture_output=True, timeout=120,
                          check=False)


def files_of(rows):
    """Name, size and digest: a directory that is opened to be written on is flushed, which moves its times."""
    return [(row[0], row[2], row[5]) for row in rows]


class Backup(FolderCase):
    def setUp(self):
        super().setUp()
        self.to = os.path.join(self.folder, "backup")

    def done(self, server, to=None):
        result = backup(server, to or self.to)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def test_a_directory_goes_on_where_it_ended(self):
        server = self.start("--segment-mib", "8")
        server.stream([receive(n, "first", meta={"x": "y" * 900}) for n in range(4000)])
        first = self.done(server)
        self.assertEqual(verify(self.to)["last_seq"], int(first["position"][2:]))
        self.assertLessEqual(self.done(server)["frames"], 1)  # a seal
        server.stream([receive(n, "second", meta={"x": "y" * 900}) for n in range(9000)])
        second = self.done(server)
        self.assertLess(second["bytes"], 12 << 20)
        server.stop()
        there, here = verify(server.data), verify(self.to)
        for key in ("ledger", "epoch", "decisions", "last_seq", "state_hash", "segments"):
            self.assertEqual(here[key], there[key])
        # It is a data directory.
        twin = self.start(folder=self.folder + "/twin", start=False)
        os.mkdir(twin.folder)
        twin.data = self.to
        twin.start()
        self.assertEqual(twin.cell("first", "L")["sellable"], 4000)
        self.assertEqual(backup(twin, self.to).returncode, 4)  # it is in use
        twin.send(**receive(1, "twin"))
        twin.stop()
        # What a server has written on has parted from the other.
        server.start()
        server.send(**receive(1, "third"))
        result = backup(server, self.to)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"journal_diverged", result.stderr)
        server.stop()

    def test_it_is_whole_while_commands_come(self):
        server = self.start()
        stop = threading.Event()

        def load():
            for part in range(1000):
                if stop.is_set():
                    return
                server.stream([receive(n, "load%d" % part) for n in range(200)])

        thread = threading.Thread(target=load)
        thread.start()
        try:
            for _ in range(5):
                told = server.position()
                report = self.done(server)
                self.assertGreaterEqual(int(report["position"][2:]), int(told[2:]))
                self.assertEqual(verify(self.to)["last_seq"], int(report["position"][2:]))
        finally:
            stop.set()
            thread.join()
        server.stop()

    def test_a_file_is_the_stream(self):
        server = self.start()
        server.stream([receive(n, "file") for n in range(500)])
        name = os.path.join(self.folder, "monday.onhand")
        report = self.done(server, name)
        with open(name, "rb") as file:
            items = items_of(file.read())
        self.assertTrue(items[-1].end)
        self.assertEqual("1-%d" % max(item.last_seq for item in items if item.kind == "frame"), report["position"])
        self.assertEqual(backup(server, name).returncode, 4)  # never over another one
        standard = backup(server, "-")
        self.assertEqual(standard.returncode, 0)
        frames = [item.data for item in items if item.kind == "frame"]
        self.assertTrue([item.data for item in items_of(standard.stdout) if item.kind == "frame"][:len(frames)] == frames)
        self.assertEqual(sorted(os.listdir(self.folder)), ["data", "log", "monday.onhand"])
        server.stop()

    def test_one_that_was_cut_off_goes_on(self):
        rng = random.Random(SEED)
        server = self.start()
        server.stream([receive(n, "cut") for n in range(2000)])
        self.done(server)
        name = os.path.join(self.to, "%020d.journal" % 1)
        with open(name, "rb") as file:
            whole = file.read()
        content = len(whole.rstrip(b"\0"))
        for _ in range(6):
            at = rng.randrange(8192, content)
            with self.subTest(seed=SEED, at=at):
                with open(name, "r+b") as file:
                    file.truncate(at)
                self.done(server)
                with open(name, "rb") as file:
                    self.assertTrue(file.read(content) == whole[:content])
        server.stop()

    def test_one_that_was_killed_behind_the_header_of_a_segment_goes_on(self):
        server = self.start("--segment-mib", "8")
        server.stream([receive(n, "x", meta={"x": "y" * 900}) for n in range(12000)])
        whole = server.get("/v1/journal?until=now").body
        items = items_of(whole)
        second = [n for n, item in enumerate(items) if item.kind == "segment"][1]
        cut = sum(len(item.data) for item in items[:second + 2])  # the header is written with its first frame, which waits for more
        sent = threading.Event()

        def serve(listener):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(whole) + whole[:cut + 1000])
                sent.wait(60)

        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            thread = threading.Thread(target=serve, args=(listener,))
            thread.start()
            try:
                copying = subprocess.Popen([BIN, "backup", "http://127.0.0.1:%d" % listener.getsockname()[1], "--to", self.to],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                try:
                    until(lambda: os.path.isdir(self.to) and
                          len([name for name in os.listdir(self.to) if name.endswith(".journal")]) == 2, "no second segment")
                finally:
                    copying.kill()
                    copying.wait()
            finally:
                sent.set()
                thread.join()
        self.assertLess(verify(self.to)["last_seq"], 12000)
        self.done(server)
        server.stop()
        self.assertEqual(verify(self.to)["state_hash"], verify(server.data)["state_hash"])

    def test_segments_that_were_packed_are_sent_as_they_were_written(self):
        server = self.start("--segment-mib", "8", "--raw-segments", "1")
        for part in range(6):
            server.stream([receive(n, "part%d" % part, meta={"x": "y" * 900}) for n in range(5000)])
        packed = os.path.join(server.data, "%020d.journal" % 1)
        until(lambda: os.path.getsize(packed) < 4 << 20, "nothing is packed")
        self.done(server)
        server.stop()
        there, here = verify(server.data), verify(self.to)
        for key in ("decisions", "last_seq", "state_hash", "segments"):
            self.assertEqual(here[key], there[key])
        self.assertGreater(os.path.getsize(os.path.join(self.to, "%020d.journal" % 1)), 4 << 20)

    def test_refusals(self):
        server = self.start()
        server.send(**receive(1, "x"))
        os.mkdir(self.folder + "/other")
        other = self.start(folder=self.folder + "/other")
        other.send(**receive(1, "x"))
        self.done(server)
        before = verify(self.to)
        result = backup(other, self.to)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"other_ledger", result.stderr)
        self.assertEqual(verify(self.to), before)
        other.stop()
        self.assertEqual(backup("http://127.0.0.1:1", self.to).returncode, 3)
        self.assertEqual(backup("http://127.0.0.1:1", self.folder + "/none").returncode, 3)
        self.assertEqual(subprocess.run([BIN, "backup"], capture_output=True, check=False).returncode, 2)
        server.stop()

    def test_a_stopped_directory_is_copied_as_its_server_would(self):
        server = self.start("--segment-mib", "8", "--raw-segments", "1")
        for part in range(3):
            server.stream([receive(n, "part%d" % part, meta={"x": "y" * 900}) for n in range(5000)])
        until(lambda: os.path.getsize(os.path.join(server.data, "%020d.journal" % 1)) < 4 << 20, "nothing is packed")
        online, stream = self.folder + "/online", self.folder + "/online.onhand"
        self.done(server, online)
        self.assertEqual(backup(server.data, self.to).returncode, 4) # it runs
        self.assertFalse(os.path.exists(self.to))
        server.stop()
        before = content(server.data)
        first = self.done(server.data)
        there, here = verify(server.data), verify(self.to)
        for key in ("ledger", "epoch", "decisions", "frames", "last_seq", "state_hash", "segments"):
            self.assertEqual(here[key], there[key])
        self.assertEqual(first["frames"], there["frames"])
        self.assertEqual(self.done(server.data)["frames"], 0)
        self.assertLessEqual(self.done(server.data, online)["frames"], 2) # one that the server made goes on, too: the seal
        self.assertEqual(content(server.data), before)
        for name in sorted(os.listdir(self.to)):
            with open(os.path.join(self.to, name), "rb") as one, open(os.path.join(online, name), "rb") as other:
                self.assertEqual(one.read().rstrip(b"\0"), other.read().rstrip(b"\0"))
        # As a stream: the same items as the server sends, but for what its mark says of the time.
        self.done(server.data, stream)
        server.start()
        sent = server.get("/v1/journal?until=now").body
        with open(stream, "rb") as file:
            told = file.read()
        told, sent = ([item.data for item in items_of(text, quick=True) if item.data[:8] != MARK] for text in (told, sent))
        self.assertEqual(len(told), first["frames"] + there["segments"])
        self.assertTrue(told == sent[:len(told)]) # behind it is what the start wrote
        # What is new since.
        server.stream([receive(n, "more") for n in range(1000)])
        server.stop()
        second = self.done(server.data)
        self.assertLess(second["frames"], first["frames"] + 1000)
        self.assertEqual(verify(self.to)["state_hash"], verify(server.data)["state_hash"])

    def test_a_stopped_directory_that_is_not_right_is_refused(self):
        server = self.start()
        server.send(**receive(1, "x"))
        server.stop()
        self.done(server.data)
        older = self.folder + "/older"
        shutil.copytree(self.to, older)
        server.start()
        for n in range(2, 30):
            server.send(**receive(n, "x"))
        server.stop()
        self.assertEqual(backup(server.data, server.data).returncode, 2)
        result = backup(self.folder + "/none", self.folder + "/nowhere")
        self.assertEqual(result.returncode, 4)
        self.assertFalse(os.path.exists(self.folder + "/nowhere"))
        # Another ledger's; one that parted; one that has more.
        os.mkdir(self.folder + "/other")
        other = self.start(folder=self.folder + "/other")
        other.send(**receive(1, "x"))
        other.stop()
        self.refused(other.data, self.to, 1, b"another ledger")
        twin = self.start(folder=self.folder + "/twin", start=False)
        os.mkdir(twin.folder)
        shutil.copytree(older, twin.data)
        twin.start()
        for n in range(40):
            twin.send(**receive(n, "twin"))
        twin.stop()
        self.done(server.data)
        self.refused(twin.data, self.to, 1, b"have parted")
        self.refused(older, self.to, 1, b"which the copy has")
        # Damaged in the middle: not even what is before the damage is copied.
        path = os.path.join(server.data, "%020d.journal" % 1)
        with open(path, "r+b") as file:
            file.seek(4096 + 3 * 4096 + 200)
            file.write(b"damage")
        self.refused(server.data, older, 1, b"acknowledged decisions are damaged")
        self.refused(server.data, self.folder + "/fresh", 1, os.path.basename(path).encode())
        self.refused(server.data, self.folder + "/fresh.onhand", 1, b"nothing was copied")
        self.assertFalse(os.path.exists(self.folder + "/fresh") or os.path.exists(self.folder + "/fresh.onhand.part"))

    def refused(self, source, to, code, words):
        before = content(to) if os.path.isdir(to) else None
        result = backup(source, to)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn(words, result.stderr)
        if before is None:
            self.assertFalse(os.path.exists(to))
        else:
            self.assertEqual(files_of(content(to)), files_of(before))

    def test_nothing_wrong_gets_in(self):
        rng = random.Random(SEED + 1)
        server = self.start()
        for n in range(20):
            server.send(**receive(n, "bit"))
        good = server.get("/v1/journal?until=now").body
        server.stop()
        sent = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "application/vnd.onhand.journal")
                self.send_header("Content-Length", str(len(sent["body"])))
                self.end_headers()
                try:
                    self.wfile.write(sent["body"])
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        bad = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=bad.serve_forever)
        thread.start()
        try:
            address = "http://127.0.0.1:%d" % bad.server_port
            sent["body"] = good
            self.assertEqual(backup(address, self.to).returncode, 0)
            whole = verify(self.to)
            # What comes behind the end is not waited for.
            sent["body"] = good + bytes(9 << 20)
            self.assertEqual(backup(address, self.folder + "/behind").returncode, 0)
            self.assertEqual(verify(self.folder + "/behind"), whole)
            for _ in range(40):
                shutil.rmtree(self.to)
                bit = rng.randrange(8 * len(good))
                flipped = bytearray(good)
                flipped[bit // 8] ^= 1 << bit % 8
                sent["body"] = bytes(flipped)
                with self.subTest(seed=SEED, bit=bit):
                    result = backup(address, self.to)
                    self.assertIn(result.returncode, (1, 5), result.stderr)
                    # What was kept is the beginning, and goes on when the network is mended.
                    if os.path.exists(self.to) and os.listdir(self.to):
                        self.assertLessEqual(verify(self.to)["frames"], whole["frames"])
                os.makedirs(self.to, exist_ok=True)
        finally:
            bad.shutdown()
            thread.join()
            bad.server_close()


if __name__ == "__main__":
    print("seed %d" % SEED)
    unittest.main()
