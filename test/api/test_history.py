#!/usr/bin/env python3
"""
Goal: the history of an item is all its events, newest first, each once and as the feed has it: of one cell, of a subtree, of
all cells; in pages of any size, on both axes, while writing goes on and across restarts.
Method: facts of any age; every page followed to the end and compared with the feed, filtered and sorted here.
"""
import datetime
import random
import threading
import unittest
from urllib.parse import quote

from server import FolderCase, ServerCase

UTC = datetime.timezone.utc


def pages(server, item, limit, query="", between=None):
    """All entries, page by page."""
    entries, cursor = [], None
    while True:
        answer = server.get("/v1/history/%s?limit=%d%s%s" % (item, limit, query, cursor and "&cursor=" + cursor or ""))
        if answer.status != 200:
            raise AssertionError(repr(answer))
        page = answer.json()
        if len(page["entries"]) > limit or (page["next"] is not None and len(page["entries"]) != limit):
            raise AssertionError("a page of %d, limit %d" % (len(page["entries"]), limit))
        entries += page["entries"]
        cursor = page["next"]
        if cursor is None:
            return entries
        if between:
            between()


def occurred(event):
    """Nothing occurs after it is recorded."""
    return min(event["occurred_at"], event["recorded_at"], key=datetime.datetime.fromisoformat)


def in_order(events, axis):
    if axis == "recorded":
        return sorted(events, key=lambda event: -event["seq"])
    return sorted(events, key=lambda event: (datetime.datetime.fromisoformat(occurred(event)), event["seq"]), reverse=True)


class History(FolderCase):
    def fill(self, server, n, first=1, places=("DC", "DC/B1", "S1")):
        rng = random.Random(first)
        now = datetime.datetime.now(UTC)
        lines = []
        for i in range(first, first + n):
            more = {}
            if rng.random() < 0.4:
                more["occurred_at"] = (now - datetime.timedelta(seconds=rng.randrange(-200, 200000))).isoformat()
            kind = rng.choice(["receive", "sale", "hold"])
            if kind == "hold":
                more = {"hold": "H%d" % i, "expires_in": 0, "guard": False}
            lines.append({"kind": kind, "source": "s", "id": str(i), "item": rng.choice(["A", "A", "B"]),
                          "location": rng.choice(places), "quantity": rng.randrange(1, 9), **more})
        answers = server.stream(lines).lines()
        self.assertTrue(all(answer["status"] == "accepted" for answer in answers[:n]), answers[:3])

    def test_all_entries_once_and_in_order(self):
        server = self.start()
        for name, body in (("DC", b"{}"), ("DC/B1", b'{"parent":"DC"}')):
            self.assertEqual(server.request("PUT", "/v1/locations/" + quote(name, safe=""), body,
                                            {"Content-Type": "application/json"}).status // 100, 2)
        self.fill(server, 900)
        for _ in range(2):
            events = [event for event in server.events() if event.get("item") == "A" and event.get("location")]
            self.assertGreater(len(events), 500)
            for axis in ("recorded", "occurred"):
                for location, names in ((None, None), ("S1", ("S1",)), ("DC", ("DC", "DC/B1")), ("DC/B1", ("DC/B1",))):
                    query = "&axis=" + axis + (location and "&location=" + quote(location, safe="") or "")
                    mine = in_order([e for e in events if names is None or e["location"] in names], axis)
                    for limit in (1000, 97):
                        self.assertEqual(pages(server, "A", limit, query), mine)
            server.stop()
            server = self.start()

    def test_pages_hold_while_writing_goes_on(self):
        server = self.start()
        self.fill(server, 300, places=("L",))
        before = in_order([e for e in server.events() if e.get("item") == "A" and e.get("location")], "recorded")
        number = [1000]

        def write():
            number[0] += 50
            self.fill(server, 50, number[0], places=("L",))
        writer = threading.Thread(target=self.fill, args=(server, 3000, 100000, ("L",)))
        first = server.get("/v1/history/A?limit=1").json()["entries"][0]
        writer.start()
        entries = pages(server, "A", 20, between=write)
        writer.join()
        self.assertEqual(entries[0]["seq"] >= first["seq"], True)
        self.assertEqual([e for e in entries if e["seq"] <= before[0]["seq"]], before)
        self.assertEqual(entries, in_order(entries, "recorded"))
        self.assertEqual(len({e["seq"] for e in entries}), len(entries))
        # A cursor is good after a restart, too.
        page = server.get("/v1/history/A?limit=5&axis=occurred").json()
        server.stop()
        server = self.start()
        again = server.get("/v1/history/A?limit=5&axis=occurred&cursor=" + page["next"]).json()["entries"]
        self.assertEqual(page["entries"] + again, server.get("/v1/history/A?limit=10&axis=occurred").json()["entries"])


class Refusals(ServerCase):
    def test_what_makes_no_sense_is_refused(self):
        for n in range(4):
            self.server.send(kind="receive", source="s", id=str(n), item="AB"[n % 2], location="L", quantity=1)
        cursor = self.server.get("/v1/history/A?limit=1").json()["next"]
        self.assertRegex(cursor, "^[0-9a-f]{48}$")
        flipped = cursor[:-1] + "0123456789abcdef"[int(cursor[-1], 16) ^ 1]
        for path, status, code, field in (
                ("none", 404, "unknown_item", "item"), ("A?location=none", 404, "unknown_location", "location"),
                ("A?location=", 422, "bad_value", "location"), ("A?limit=0", 422, "bad_value", "limit"),
                ("A?limit=1001", 422, "bad_value", "limit"), ("A?axis=", 422, "bad_value", "axis"),
                ("A?axis=both", 422, "bad_value", "axis"), ("A?cursor=x", 422, "bad_value", "cursor"),
                ("A?cursor=" + cursor.upper(), 422, "bad_value", "cursor"), ("A?cursor=" + "0" * 48, 422, "bad_value", "cursor"),
                ("A?cursor=" + flipped, 422, "bad_value", "cursor"), ("B?cursor=" + cursor, 422, "bad_value", "cursor"),
                ("A?axis=occurred&cursor=" + cursor, 422, "bad_value", "cursor"),
                ("A?location=L&cursor=" + cursor, 422, "bad_value", "cursor"),
                ("A?as_of=2026-01-01T00:00:00Z", 422, "unknown_field", "as_of")):
            answer = self.server.get("/v1/history/" + path)
            self.assertEqual(answer.status, status, path)
            self.assertEqual((answer.json()["code"], answer.json()["field"]), (code, field), path)
        self.assertEqual(len(self.server.get("/v1/history/A?limit=1&cursor=" + cursor).json()["entries"]), 1)

    def test_an_item_without_entries_has_none(self):
        self.server.request("PUT", "/v1/items/E", b'{"scale":0}', {"Content-Type": "application/json"})
        self.assertEqual(self.server.get("/v1/history/E").json()["entries"], [])
        self.assertEqual(self.server.get("/v1/history/E?axis=occurred").json()["next"], None)


if __name__ == "__main__":
    unittest.main()
