#!/usr/bin/env python3
"""
Goal: a million items are configured in one stream and are there afterwards: one by one, by their aliases, in pages of a
list, and again after a restart. The memory it takes grows with the items that are kept, not with the lines that come.

Method: PUT /v1/items as NDJSON, each line with a scale, a unit, an alias and a GTIN; the defaults of all limits. The
resident memory is looked at all the while. The journal's tail, buffers and tables are there after half of the stream, so
that the other half shows what an item takes; the same stream again replaces each body and may take nothing. Times are
printed, none of them can fail.
"""
import json
import random
import threading
import time
import unittest

from server import BIN, FolderCase, is_sanitized, receive, request_bytes, verify

TIER = "check"

COUNT = 1_000_000
LINES = 1000   # of one chunk
PAGE = 1000
SAMPLES = 200  # items looked at one by one
BYTES_PER_ITEM = 300        # some 180: its name, body and alias, and the index entries of both
WHOLE_BYTES_PER_ITEM = 500  # some 350: the journal's tail and all buffers, too
AGAIN_KIB = 32 << 10  # the same a second time takes nothing that stays; it was 10 to 19 MiB, of 245 the first time


def gtin(n):
    digits = "4%011d" % n
    return digits + str(-sum(int(digit) * (3 if i % 2 else 1) for i, digit in enumerate(digits)) % 10)


def line(n):
    return ('{"name":"bulk-%07d","scale":%d,"units":{"case":12},"aliases":{"erp":["%d"]},"gtin":"%s"}\n'
            % (n, n % 7, n, gtin(n))).encode()


def body(n):
    return {"item": "bulk-%07d" % n, "provisional": False, "scale": n % 7, "units": {"case": 12},
            "aliases": {"erp": [str(n)]}, "gtin": gtin(n)}


@unittest.skipIf(is_sanitized(BIN), "memory is measured")
class Million(FolderCase):
    def put_all(self):
        """All in one stream. Resident memory before, at half of it, and after it, in KiB."""
        begin, before, half = time.monotonic(), self.server.rss_kib(), None
        with self.server.connect() as wire:
            wire.send(request_bytes(self.server.port, "PUT", "/v1/items?answers=summary", None,
                                    {"Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked"}))

            def send():
                for first in range(0, COUNT, LINES):
                    text = b"".join(map(line, range(first, first + LINES)))
                    wire.send(b"%x\r\n%s\r\n" % (len(text), text))
                wire.send(b"0\r\n\r\n")

            sender = threading.Thread(target=send, daemon=True)
            sender.start()
            self.assertEqual(wire.head()[0], 200)
            for text in wire.body_lines():
                row = json.loads(text)
                if half is None and row.get("progress", {}).get("line", 0) >= COUNT // 2:
                    half = self.server.rss_kib()
            sender.join(60)
        after, seconds = self.server.rss_kib(), time.monotonic() - begin
        summary = row["summary"]
        self.assertEqual((summary["lines"], summary["accepted"]), (COUNT, COUNT))
        print("note: %d items in %.1f s, %d to %d MiB" % (COUNT, seconds, before >> 10, after >> 10))
        return before, half, after

    def look(self):
        """Some of them one by one; all of them in pages: each is there once, as it was sent."""
        for n in (0, COUNT - 1, *random.Random(COUNT).sample(range(COUNT), SAMPLES)):
            self.assertEqual(self.server.get("/v1/items/bulk-%07d" % n).json(), body(n))
        begin, cursor, n = time.monotonic(), "", 0
        while cursor is not None:
            page = self.server.get("/v1/items?q=bulk-&limit=%d%s" % (PAGE, cursor and "&cursor=" + cursor)).json()
            for row in page["items"]:
                self.assertEqual(row, body(n))
                n += 1
            cursor = page["next"]
        self.assertEqual(n, COUNT)
        print("note: all of them in pages of %d in %.1f s" % (PAGE, time.monotonic() - begin))

    def test_a_million_items_in_one_stream(self):
        self.server = self.start()
        before, half, after = self.put_all()
        self.assertLess((after - half) * 1024, BYTES_PER_ITEM * COUNT / 2)
        self.assertLess((after - before) * 1024, WHOLE_BYTES_PER_ITEM * COUNT)
        self.look()
        before, _, after = self.put_all()
        self.assertLess(after - before, AGAIN_KIB)
        self.server.stop()
        begin = time.monotonic()
        self.server.start()
        print("note: read back in %.1f s, %d MiB" % (time.monotonic() - begin, self.server.rss_kib() >> 10))
        self.look()
        n = COUNT - 1
        sent = self.server.send(**receive("alias", str(n), source="erp", quantity=2, unit="case"))
        self.assertEqual(sent.status, 200, sent)
        self.assertEqual(self.server.cell(body(n)["item"], "L")["on_hand"], 24)
        self.server.stop()
        self.assertEqual(verify(self.server.data)["items"], COUNT)


if __name__ == "__main__":
    unittest.main()
