#!/usr/bin/env python3
"""
Goal: stock as of a time is what it was: on `recorded` what anyone was told then, on `occurred` what is known now of then.
Late facts move the one and not the other; sums count nothing twice; writes and restarts change no answer about the past.
Method: facts of any age in a few cells. For each event its own time, a microsecond before and after it, compared with the
figures that the feed gave; on `occurred` with the sum of all changes that occurred by then, added up here.
"""
import datetime
import random
import threading
import unittest
from urllib.parse import quote

from server import FolderCase, ServerCase, until, verify

UTC = datetime.timezone.utc
SUMMED = ("on_hand", "sellable", "unavailable", "held", "committed", "picked", "backordered", "in_transit", "incoming",
          "outgoing")


def instant(text):
    """Microseconds since 1970 of a time as the server writes it."""
    time = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (time - datetime.datetime(1970, 1, 1, tzinfo=UTC)) // datetime.timedelta(microseconds=1)


def text_of(us):
    return (datetime.datetime(1970, 1, 1, tzinfo=UTC) + datetime.timedelta(microseconds=us)).strftime(
        "%Y-%m-%dT%H:%M:%S.%fZ")


def as_of(server, path, us, axis=None):
    response = server.get("/v1/stock/%s?as_of=%s%s" % (path, quote(text_of(us)), axis and "&axis=" + axis or ""))
    if response.status != 200:
        raise AssertionError(repr(response))
    return response.json()


def seq_of(position):
    return int(position.split("-")[1])


class StoryS2Axes(FolderCase):
    """The axes of story S2 without its count: what is missing then is adjusted."""

    def clock(self, text):
        """A time of yesterday."""
        hours, minutes = text.split(":")
        return (self.yesterday + 60 * int(hours) + int(minutes)) * 60 * 1000000

    def command(self, kind, quantity, at, **more):
        self.number = getattr(self, "number", 0) + 1
        answer = self.server.send(kind=kind, source="wms", id=str(self.number), item="A", location="S1", quantity=quantity,
                                  occurred_at=text_of(self.clock(at)), **more)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def occurred(self, at, **figures):
        cell = as_of(self.server, "A/S1", self.clock(at), "occurred")
        self.assertEqual({name: cell[name] for name in figures}, figures, at)

    def test_every_number_of_the_story(self):
        self.yesterday = int(datetime.datetime.now(UTC).timestamp()) // 86400 * 1440 - 1440
        self.server = self.start()
        self.command("receive", 100, "08:00")
        self.command("sale", 10, "09:00")
        self.command("adjust", -5, "10:10", reason="counted 85")
        self.command("sale", 4, "10:30")
        before_late = instant(self.server.events()[-1]["recorded_at"])
        self.occurred("07:59", on_hand=0, version=0, position="1-0")
        self.occurred("08:00", on_hand=100, available=100, version=1)
        self.occurred("09:45", on_hand=90, version=2)
        self.occurred("10:20", on_hand=85, version=3)
        self.occurred("23:00", on_hand=81, version=4)
        self.command("sale", 5, "09:30")
        self.command("adjust", 5, "10:10", reason="those 5 were sold")
        for _ in range(2):
            self.occurred("08:00", on_hand=100, version=1)
            self.occurred("09:15", on_hand=90, version=2)
            self.occurred("09:45", on_hand=85, version=5)
            self.occurred("10:20", on_hand=85, version=6)
            self.occurred("23:00", on_hand=81, version=6)
            self.assertEqual(as_of(self.server, "A/S1", before_late)["on_hand"], 81)
            self.assertEqual(as_of(self.server, "A/S1", self.clock("23:00"))["version"], 0)  # all was told today
            self.server.stop()
            self.server = self.start()
        self.server.stop()
        verify(self.server.data)


class Claims(ServerCase):
    def test_claims_are_as_they_were_and_policy_as_it_was_set(self):
        def send(n, kind, **more):
            answer = self.server.send(kind=kind, source="shop", id=str(n), **more)
            self.assertEqual(answer.status, 200, answer)
            return instant(self.server.events(after="1-%d" % (seq_of(answer.json()["position"]) - 1))[0]["recorded_at"])
        line = {"item": "C", "location": "L"}
        received = send(1, "receive", **line, quantity=10)
        policy = send(2, "set_policy", item="C", location="L", safety_stock=2)
        held = send(3, "hold", hold="H", **line, quantity=4)
        send(4, "commit", hold="H")
        shipped = send(5, "ship", hold="H")
        send(6, "set_policy", item="C", location="L", safety_stock=3)
        for axis in ("recorded", "occurred"):
            was = as_of(self.server, "C/L", received, axis)
            self.assertEqual((was["on_hand"], was["held"], was["safety_stock"]), (10, 0, 0))
            was = as_of(self.server, "C/L", policy, axis)
            self.assertEqual((was["on_hand"], was["held"], was["safety_stock"]), (10, 0, 2))
            was = as_of(self.server, "C/L", held, axis)
            self.assertEqual((was["held"], was["reserved"], was["available"]), (4, 4, 6))
            was = as_of(self.server, "C/L", shipped, axis)
            self.assertEqual((was["on_hand"], was["committed"], was["safety_stock"]), (6, 0, 2))
        self.assertEqual(self.server.cell("C", "L")["safety_stock"], 3)

    def test_a_fact_from_ahead_counts_from_when_it_was_recorded(self):
        ahead = datetime.datetime.now(UTC) + datetime.timedelta(minutes=4)
        answer = self.server.send(kind="receive", source="fast", id="1", item="F", location="L", quantity=1,
                                  occurred_at=ahead.isoformat())
        self.assertEqual(answer.status, 200, answer)
        recorded = instant(self.server.events("&item=F")[-1]["recorded_at"])
        self.assertEqual(as_of(self.server, "F/L", recorded, "occurred")["on_hand"], 1)
        self.assertEqual(as_of(self.server, "F/L", recorded - 1, "occurred")["on_hand"], 0)


class RandomPast(FolderCase):
    def fill(self, server, n, first=1):
        rng = random.Random(first)
        now = datetime.datetime.now(UTC)
        lines = []
        for i in range(first, first + n):
            place = rng.choice(["DC", "DC/B1", "DC/B2", "S1"])
            more = {}
            if rng.random() < 0.4:
                more["occurred_at"] = (now - datetime.timedelta(seconds=rng.randrange(200000))).isoformat()
            if rng.random() < 0.2:
                lines.append({"kind": "transfer", "source": "s", "id": str(i), "item": "A", "location": place, "quantity": 1,
                              "to": rng.choice(["S1", "DC"]) if place.startswith("DC/") else "DC/B1", **more})
            else:
                lines.append({"kind": rng.choice(["receive", "receive", "sale"]), "source": "s", "id": str(i), "item": "A",
                              "location": place, "quantity": rng.randrange(1, 9), **more})
        answers = server.stream(lines).lines()
        self.assertTrue(all(answer["status"] == "accepted" for answer in answers[:n]), answers[:3])

    def place_all(self, server):
        for name, body in (("DC", b"{}"), ("S1", b"{}"), ("DC/B1", b'{"parent":"DC","promise":false}'),
                           ("DC/B2", b'{"parent":"DC","promise":false}')):
            answer = server.request("PUT", "/v1/locations/" + quote(name, safe=""), body,
                                    {"Content-Type": "application/json"})
            self.assertEqual(answer.status // 100, 2, answer)

    def check(self, server, events, rng, times):
        """Random times on both axes against the events."""
        cells = sorted({event["location"] for event in events})
        for _ in range(times):
            some = rng.choice(events)
            for axis, when in (("recorded", "recorded_at"), ("occurred", "occurred_at")):
                us = instant(some[when]) + rng.randrange(-1, 2)
                mine = {name: [e for e in events if e["location"] == name and instant(e[when]) <= us] for name in cells}
                for name in cells:
                    was = as_of(server, "A/" + quote(name, safe=""), us, axis)
                    if name == "DC":  # what is below it is in its sum
                        self.assertEqual(was["version"], sum(e[-1]["version"] for n, e in mine.items()
                                                             if n.startswith("DC") and e))
                        continue
                    self.compare(was, mine[name], axis)
                whole = as_of(server, "A", us, axis)
                self.assertEqual([row["location"] for row in whole["locations"]],
                                 [row for row in [cell["location"] for cell in server.get("/v1/stock/A").json()["locations"]]
                                  if mine[row]])
                for row in whole["locations"]:
                    self.compare(row, mine[row["location"]], axis)
                for name in SUMMED:
                    self.assertEqual(whole["total"][name], sum(row[name] for row in whole["locations"]))
                self.assertEqual(seq_of(whole["position"]), max([e[-1]["seq"] for e in mine.values() if e], default=0))
                if axis == "recorded":  # it was so, and the sum of DC is that of its cells
                    below = [row for row in whole["locations"] if row["location"].startswith("DC")]
                    dc = as_of(server, "A/DC", us)
                    self.assertEqual(dc["on_hand"], sum(row["on_hand"] for row in below))
                    self.assertEqual(dc["available"], sum(row["sellable"] - row["reserved"] for row in below))

    def compare(self, was, mine, axis):
        self.assertEqual((was["version"], seq_of(was["position"])), (mine[-1]["version"], mine[-1]["seq"]) if mine else (0, 0))
        if axis == "recorded" and mine:
            figures = mine[-1]["figures"]
            self.assertEqual({name: was[name] for name in figures}, figures)
        elif axis == "occurred":
            for name in ("sellable", "held"):
                self.assertEqual(was[name], sum(e["delta"].get(name, 0) for e in mine))

    def test_the_past_is_what_the_events_say_and_stays_so(self):
        server = self.start("--segment-mib", "8")
        self.place_all(server)
        self.fill(server, 700)
        past = [event for event in server.events() if event.get("location") and "figures" in event]
        rng = random.Random(7)
        self.check(server, past, rng, 12)
        # Writing goes on beside it: nothing of what was recorded before changes.
        until_us = instant(past[-1]["recorded_at"])
        was = as_of(server, "A", until_us)
        writer = threading.Thread(target=self.fill, args=(server, 2000, 100000))
        writer.start()
        for _ in range(30):
            self.assertEqual(as_of(server, "A", until_us), was)
        writer.join()
        until(lambda: server.get("/readyz").status == 200, "it is not ready")
        self.assertEqual(as_of(server, "A", until_us), was)
        server.stop()
        server = self.start()
        self.assertEqual(as_of(server, "A", until_us), was)
        now = [event for event in server.events() if event.get("location") and "figures" in event]
        self.check(server, now, rng, 5)


class Refusals(ServerCase):
    def test_what_makes_no_sense_is_refused_with_what_to_do(self):
        self.server.send(kind="receive", source="s", id="1", item="A", location="L", quantity=1)
        later = quote(text_of(instant("2100-01-01T00:00:00Z")))
        for query, code, field in (("as_of=" + later, "bad_value", "as_of"), ("as_of=2026-01-01", "bad_value", "as_of"),
                                   ("as_of=2026-01-01T00:00:00", "bad_value", "as_of"), ("as_of=", "bad_value", "as_of"),
                                   ("axis=occurred", "missing_field", "as_of"),
                                   ("as_of=2026-01-01T00:00:00Z&axis=both", "bad_value", "axis"),
                                   ("as_of=2026-01-01T00:00:00Z&as_of=2026-01-01T00:00:00Z", "bad_value", "as_of")):
            for path in ("A", "A/L"):
                answer = self.server.get("/v1/stock/%s?%s" % (path, query))
                self.assertEqual(answer.status, 422, query)
                problem = answer.json()
                self.assertEqual((problem["code"], problem["field"]), (code, field), query)
        self.assertIn("leave it out", self.server.get("/v1/stock/A?as_of=" + later).json()["detail"])
        self.assertEqual(self.server.get("/v1/stock/B?as_of=2026-01-01T00:00:00Z").json()["code"], "unknown_item")
        self.assertEqual(self.server.get("/v1/stock/A/M?as_of=2026-01-01T00:00:00Z").json()["code"], "unknown_location")
        empty = self.server.get("/v1/stock/A?as_of=2020-01-01T00:00:00Z").json()
        self.assertEqual((empty["locations"], empty["total"]["on_hand"], empty["position"]), ([], 0, "1-0"))
        # Where it can be followed from, as any position.
        self.assertEqual(self.server.get("/v1/feed?after=1-0&limit=1").json()["events"][0]["seq"], 1)


if __name__ == "__main__":
    unittest.main()
