#!/usr/bin/env python3
"""
Goal: whatever comes in, the answer is a clear 4xx that names the field (and in a stream the line), or a close. Nothing
is applied, nothing lost, memory stays flat, and the next good request is served.

Method: tables in hostile/, one case a row: name, what is expected, bytes. Each table says how its bytes become requests:

    raw       the bytes are all that is sent
    get       a target of GET
    command   a JSON command: sent as an object, as an element of an array and as a line of a stream
    json      text that is not JSON, or not for us: the same three
    item      a body of PUT /v1/items/X
    commands  a whole body of POST /v1/commands

Columns are separated by tabs. Expected is `status[|status] [code [field]]` (code `*`: any), or `close`. In bytes \\r \\n \\t \\0 \\xHH
and \\\\ are escapes, and {{text*count}} is text repeated. {host} is the server's own name and port. In a raw row, {cl}
is the length of what stands behind the empty line.

Good commands around bad ones are dry runs: at the end the feed must stand where it stood, so nothing was applied at all.
"""
import json
import os
import re
import socket
import threading
import time
import unittest

from server import Closed, ServerCase, is_sanitized, request_bytes, until

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hostile")
RSS_GROWTH_KIB = 64 * 1024
FLOOR = 500  # kinds of hostile input, over all tables and contexts

GOOD = b'{"kind":"receive","source":"good","id":"good","item":"A","location":"L","quantity":1,"dry_run":true}'
ESCAPES = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}


def unescape(text):
    def one(match):
        body = match.group(1)
        return bytes([int(body[1:], 16)]) if body[:1] == b"x" else ESCAPES[body]
    data = re.sub(rb"\{\{(.*?)\*(\d+)\}\}", lambda m: m.group(1) * int(m.group(2)), text.encode())
    return re.sub(rb"\\(x[0-9a-fA-F]{2}|[rnt0\\])", one, data)


class Case:
    def __init__(self, table, number, line):
        columns = line.rstrip("\n").split("\t")
        if len(columns) != 3:
            raise ValueError("%s:%d: %d columns" % (table, number, len(columns)))
        self.where = "%s:%d %s" % (table, number, columns[0])
        self.data = unescape(columns[2])
        words = columns[1].split(" ")
        self.close_allowed = "close" in words[0].split("|")
        self.statuses = [int(word) for word in words[0].split("|") if word != "close"]
        self.code = words[1] if len(words) > 1 and words[1] != "*" else None
        self.field = words[2] if len(words) > 2 else None


def read_table(name):
    """How its bytes are used, and its cases. A line that begins with '#' is a comment, the first says the use."""
    with open(os.path.join(FOLDER, name), encoding="utf-8", newline="\n") as file:
        lines = list(file)
    use = re.fullmatch(r"# use: (\w+)\n", lines[0]).group(1)
    return use, [Case(name, n + 1, line) for n, line in enumerate(lines) if line.strip() and not line.startswith("#")]


class Hostile(ServerCase):
    kinds = 0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        setup = [{"kind": "receive", "source": "set-up", "id": "1", "item": "A", "location": "L", "quantity": 10},
                 {"kind": "hold", "source": "set-up", "id": "2", "hold": "H", "expires_in": 0,
                  "lines": [{"item": "A", "location": "L", "quantity": 3}]}]
        cls.server.stream(setup)
        cls.tables = {name: read_table(name) for name in sorted(os.listdir(FOLDER)) if name.endswith(".tsv")}
        # Once through, so that buffers have the size that they keep.
        for use, cases in cls.tables.values():
            for case in cases:
                cls.exchange(use, case)
        cls.position = cls.server.position()
        cls.figures = cls.server.figures()
        cls.rss = cls.server.rss_kib()

    @classmethod
    def tearDownClass(cls):
        try:
            kinds = sum(len(cases) * (3 if use in ("command", "json") else 1) for use, cases in cls.tables.values())
            print("note: %d kinds of hostile input in %d tables; server memory grew %d KiB" %
                  (kinds, len(cls.tables), cls.server.rss_kib() - cls.rss))
        finally:
            super().tearDownClass()

    @classmethod
    def send_raw(cls, data):
        """Response or None for a close, and whether the server ended the connection."""
        with cls.server.connect(timeout=20) as wire:
            wire.try_send(data)
            try:
                response = wire.response()
            except Closed:
                return None
            # Nothing may follow: a second response to one request would answer what was smuggled.
            if response.closed:
                try:
                    while wire.more():
                        pass
                except socket.timeout:
                    raise AssertionError("said to close, but stays open") from None
            response.behind = wire.rest
            return response

    @classmethod
    def post(cls, body, content_type="application/json"):
        return cls.send_raw(request_bytes(cls.server.port, "POST", "/v1/commands", body, {"Content-Type": content_type}))

    @classmethod
    def exchange(cls, use, case):
        """Responses of all contexts: [(context, response)]."""
        if use == "raw":
            host = b"127.0.0.1:%d" % cls.server.port
            data = case.data.replace(b"{host}", host)
            data = data.replace(b"{cl}", b"%d" % len(data.partition(b"\r\n\r\n")[2]))
            return [("raw", cls.send_raw(data))]
        if use == "get":
            return [("get", cls.send_raw(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % case.data))]
        if use == "item":
            return [("item", cls.send_raw(request_bytes(cls.server.port, "PUT", "/v1/items/X", case.data)))]
        if use == "commands":
            return [("commands", cls.post(case.data))]
        return [("object", cls.post(case.data)),
                ("array", cls.post(b"[" + GOOD + b",\n" + case.data + b"," + GOOD + b"]")),
                ("stream", cls.post(GOOD + b"\n" + case.data + b"\n" + GOOD + b"\n", "application/x-ndjson"))]

    def check_problem(self, case, response):
        if response is None:
            self.assertTrue(case.close_allowed, "closed without an answer")
            return
        self.assertIn(response.status, case.statuses, response)
        self.assertEqual(response.behind, b"", "more than one response")
        self.assertEqual(response.head["content-type"], "application/problem+json")
        problem = response.json()
        self.assertTrue(problem["detail"])
        self.check_objection(case, problem)

    def check_objection(self, case, problem):
        if case.code:
            self.assertEqual(problem["code"], case.code, problem)
        if case.field:
            self.assertEqual(problem.get("field"), case.field, problem)

    def check_rows(self, case, rows):
        """One bad command between two good ones."""
        self.assertEqual([row["line"] for row in rows], [1, 2, 3])
        self.assertEqual([row["status"] for row in rows], ["accepted", "invalid", "accepted"], rows)
        self.assertTrue(rows[1]["detail"])

    def check(self, use, case):
        for context, response in self.exchange(use, case):
            with self.subTest(case.where, context=context):
                if context == "array" and use == "command":
                    self.assertEqual(response.status, 200, response)
                    self.check_rows(case, response.json())
                    self.check_objection(case, response.json()[1])
                elif context == "array" and use == "json":
                    self.assertIn(response.status, (400, 413), response)
                    self.assertTrue(response.json()["detail"])
                elif context == "stream":
                    self.assertEqual(response.status, 200, response)
                    rows = response.lines()
                    self.check_rows(case, rows)
                    if use == "command":
                        self.check_objection(case, rows[1])
                else:
                    self.check_problem(case, response)
        self.assertEqual(self.server.get("/livez").status, 200, case.where)
        self.assertEqual(self.server.send(**json.loads(GOOD)).status, 200, case.where)

    def check_table(self, name):
        use, cases = self.tables[name]
        self.assertTrue(cases)
        for case in cases:
            self.check(use, case)
        self.nothing_happened()

    def nothing_happened(self):
        self.assertEqual(self.server.position(), self.position)
        self.assertEqual(self.server.figures(), self.figures)
        if not is_sanitized():
            self.assertLess(self.server.rss_kib() - self.rss, RSS_GROWTH_KIB)

    def test_heads(self):
        self.check_table("head.tsv")

    def test_bodies(self):
        self.check_table("body.tsv")

    def test_targets(self):
        self.check_table("target.tsv")

    def test_json(self):
        self.check_table("json.tsv")

    def test_commands(self):
        self.check_table("command.tsv")

    def test_whole_bodies(self):
        self.check_table("commands.tsv")

    def test_availability(self):
        self.check_table("availability.tsv")

    def test_documents(self):
        self.check_table("documents.tsv")

    def test_items(self):
        self.check_table("item.tsv")

    def test_every_table_is_run(self):
        self.assertEqual(set(self.tables), {"head.tsv", "body.tsv", "availability.tsv", "target.tsv", "json.tsv", "command.tsv",
                                            "commands.tsv", "documents.tsv", "item.tsv"})
        kinds = sum(len(cases) * (3 if use in ("command", "json") else 1) for use, cases in self.tables.values())
        self.assertGreaterEqual(kinds, FLOOR)

    def test_a_request_cut_anywhere_is_nothing(self):
        """A good command, whose sender goes away after each byte but the last."""
        command = json.dumps({**json.loads(GOOD), "dry_run": False}).encode()
        request = request_bytes(self.server.port, "POST", "/v1/commands", command)
        for end in range(len(request)):
            with self.server.connect() as wire:
                wire.send(request[:end])
        self.assertEqual(self.server.get("/livez").status, 200)
        self.nothing_happened()

    def test_every_byte_changed_is_answered_or_closed(self):
        """A good dry run, with each byte in turn replaced by bytes that mean something to a parser."""
        request = request_bytes(self.server.port, "POST", "/v1/commands", GOOD)
        body_at = request.index(b"\r\n\r\n") + 4
        answers = {}
        for at in range(0, len(request)):
            for byte in (b"\0", b"\n", b"\r", b'"', b"\xff", b":", b" "):
                data = request[:at] + byte + request[at + 1:]
                with self.server.connect(timeout=20) as wire:
                    wire.try_send(data)
                    # A head that is not complete gets no answer before its time: the sender goes away.
                    try:
                        wire.socket.shutdown(socket.SHUT_WR)
                        status = wire.response().status
                    except (Closed, OSError):
                        status = None
                answers[status] = answers.get(status, 0) + 1
                self.assertIn(status, (None, 200, 400, 404, 405, 411, 415, 417, 421, 422, 501, 505), data[:at + 1])
                if status == 200 and at >= body_at:
                    self.assertIn(byte, (b":", b" ", request[at:at + 1]), data[:at + 1])
        self.assertGreater(answers[400], 100)
        self.assertEqual(self.server.get("/livez").status, 200)


class Slow(ServerCase):
    """All slow peers at once: each must be given up in its time while good requests are served."""

    def wait_for_close(self, name, wire, begin, least_s, most_s):
        """Reads to the end; the seconds it took, and the status of a last word."""
        wire.socket.settimeout(most_s + 10)
        while wire.more():
            pass
        seconds = time.monotonic() - begin
        match = re.match(rb"HTTP/1\.1 (\d\d\d)", wire.rest)
        self.results[name] = (seconds, int(match.group(1)) if match else None, least_s, most_s)
        wire.close()

    def drip(self, name, head, rest, least_s, most_s, first=b""):
        """One byte a second."""
        wire = self.server.connect()
        begin = time.monotonic()
        wire.send(head)

        def go_on():
            for byte in rest:
                if name in self.results:
                    return
                try:
                    wire.socket.sendall(bytes([byte]))
                except OSError:
                    return
                time.sleep(1)
        threading.Thread(target=go_on, daemon=True).start()
        self.wait_for_close(name, wire, begin, least_s, most_s)

    def never_read(self, name, request):
        """Asks for more than the buffers hold and reads nothing: ended when the server says so in its metrics."""
        wire = self.server.connect(receive_bytes=4096)
        begin = time.monotonic()
        wire.socket.setblocking(False)
        sent = 0
        while time.monotonic() - begin < 90:
            try:
                sent += wire.socket.send(request[sent % len(request):])
            except BlockingIOError:
                time.sleep(0.05)
            except OSError:
                break
        self.results[name] = (time.monotonic() - begin, None, 25, 80)
        wire.close()

    def read_slowly(self):
        """Not hostile, only far away: who reads a little all the time gets all of it, however long it takes."""
        with self.server.connect(receive_bytes=65536) as wire:
            wire.send(request_bytes(wire.port, "GET", "/v1/feed?limit=10000"))
            end = time.monotonic() + 40
            while time.monotonic() < end:
                wire.rest += wire.socket.recv(65536)
                time.sleep(1)
            self.slowly = len(wire.response().json()["events"])

    def test_slow_peers_are_given_up_and_hold_up_nobody(self):
        filled = self.server.stream([{"kind": "receive", "source": "s", "id": str(n), "item": "A", "location": "L",
                                      "quantity": 1, "reason": "r" * 120} for n in range(20000)], "?answers=summary")
        self.assertEqual(filled.lines()[-1]["summary"]["accepted"], 20000)
        self.results, self.slowly = {}, None
        body = json.dumps({**json.loads(GOOD), "reason": "x" * 60}).encode()
        head = request_bytes(self.server.port, "POST", "/v1/commands", None,
                             {"Content-Type": "application/json", "Content-Length": str(len(body))})
        put = request_bytes(self.server.port, "PUT", "/v1/items/X", None,
                            {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        flood = request_bytes(self.server.port, "POST", "/v1/commands", None,
                              {"Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked"})
        lines = (GOOD + b"\n") * 300
        pipelined = request_bytes(self.server.port, "GET", "/v1/feed?limit=100") * 50
        before = self.server.metric("onhand_connections")
        slow_before = self.server.metric("onhand_connections_slow_total")
        memory = self.server.rss_kib()
        threads = [threading.Thread(target=self.drip, args=arguments, daemon=True) for arguments in (
            ("head byte by byte", b"", head, 9, 25),
            ("stall in the request line", b"GET /liv", b"", 9, 25),
            ("stall in a field", head[:60], b"", 9, 25),
            ("stall before the empty line", head[:-2], b"", 9, 25),
            ("endless fields", b"GET /livez HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n" * 10, 9, 25),
            ("body byte by byte", head, body, 28, 55),
            ("stall in the body", head + body[:10], b"", 28, 55),
            ("stall before the body", head, b"", 28, 55),
            ("stall in a chunk", put + b"10\r\n{", b"", 28, 55),
            ("stall in a chunk's size", put + b"1", b"", 28, 55),
        )] + [threading.Thread(target=self.never_read, args=arguments, daemon=True) for arguments in (
            ("never reads answers", flood + b"%x\r\n%s\r\n" % (len(lines), lines) * 500),
            ("never reads pages", pipelined))] + [threading.Thread(target=self.read_slowly, daemon=True)]
        # Event streams that are never read: the server has more for them than buffers hold.
        deaf = self.server.connect(receive_bytes=4096)
        deaf.send(request_bytes(deaf.port, "GET", "/v1/feed", None, {"Accept": "text/event-stream"}))
        for thread in threads:
            thread.start()
        worst = 0.0
        while any(thread.is_alive() for thread in threads):
            begin = time.monotonic()
            self.assertEqual(self.server.get("/livez").status, 200)
            self.assertEqual(self.server.send(**json.loads(GOOD)).status, 200)
            worst = max(worst, time.monotonic() - begin)
            if not is_sanitized():
                self.assertLess(self.server.rss_kib() - memory, RSS_GROWTH_KIB)
            time.sleep(0.05)
        for name, (seconds, status, least_s, most_s) in sorted(self.results.items()):
            with self.subTest(name):
                self.assertTrue(least_s <= seconds <= most_s, "%s: %.1f s" % (name, seconds))
                self.assertIn(status, (408, 200, None))
                if "stall" in name or "byte by byte" in name:
                    self.assertEqual(status, 408)
        self.assertEqual(len(self.results), 12)
        self.assertEqual(self.slowly, 10000)
        until(lambda: self.server.metric("onhand_connections") == before, "connections are left over")
        self.assertGreaterEqual(self.server.metric("onhand_connections_slow_total") - slow_before, 3)
        deaf.close()
        print("note: slowest pair of good requests beside 13 slow peers: %.1f ms" % (worst * 1000))


if __name__ == "__main__":
    unittest.main()
