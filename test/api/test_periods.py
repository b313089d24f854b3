#!/usr/bin/env python3
"""
Goal: what comes late for a closed period is booked in the first open one; the figures of a closed period, as booked, never
change; across a restart too. Nothing is closed that lies ahead, or opens again.
Method: over HTTP, with figures by hand at times of yesterday, and all that follows from the outside: answers, figures as of a
time on each axis, explanations, histories, events.
"""
import unittest
from urllib.parse import urlencode

from test_counts import Counts


class Periods(Counts):
    """The period ends yesterday at noon: what was before 12:00 is October, what is behind it November."""

    def close(self, until, status=200, **more):
        """Dry, then done: the same but for its place."""
        self.number += 1
        command = {"kind": "close_period", "source": "books", "id": str(self.number), "actor": "jo", "until": until, **more}
        position = self.server.position()
        dry = self.server.send(**command, dry_run=True)
        self.assertEqual((dry.status, self.server.position()), (status, position), dry)
        done = self.server.send(**command)
        self.assertEqual(done.status, status, done)
        self.assertEqual(done.json().get("code"), dry.json().get("code"))
        self.assertEqual(done.json().get("until"), dry.json().get("until"))
        return done.json()

    def get(self, path, **parameters):
        return self.server.get(path + "?" + urlencode(parameters))

    def at(self, clock, axis, **more):
        reply = self.get("/v1/stock/A/S1", as_of=self.clock(clock), axis=axis, **more)
        self.assertEqual(reply.status, 200, reply)
        return reply.json()

    def figures(self, clock):
        """on_hand on the axes recorded, occurred, booked."""
        return tuple(self.at(clock, axis)["on_hand"] for axis in ("recorded", "occurred", "booked"))

    def plain(self, clock):
        return self.clock(clock).replace(".000000", "")

    def test_october_is_closed(self):
        """receive 10 @08:00; closed until 12:00; a late sale of 3 @09:00 is booked @12:00: OH at 11:59 is 10, as reported."""
        self.send("receive", 10, occurred_at=self.clock("08:00"))
        self.assertEqual(self.server.get("/v1/periods").json(),
                         {"closed_until": None, "closing": None, "position": self.server.position()})
        self.assertEqual((self.figures("11:59"), self.figures("12:00")), ((0, 10, 10), (0, 10, 10)))
        answer = self.close(self.clock("12:00"), reason="October")
        self.assertEqual((answer["until"], answer["figures"]), (self.plain("12:00"), []))
        self.cell(on_hand=10, version=1)

        sale = self.send("sale", 3, occurred_at=self.clock("09:00"))
        self.assertEqual(sale["booked_at"], self.plain("12:00"))
        self.cell(on_hand=7, version=2)
        self.assertEqual((self.figures("08:30"), self.figures("11:59"), self.figures("12:00")),
                         ((0, 10, 10), (0, 7, 10), (0, 7, 7)))
        self.send("sale", 1, occurred_at=self.clock("13:00"))
        self.assertEqual((self.figures("12:59"), self.figures("13:00")), ((0, 7, 7), (0, 6, 6)))

        event = self.server.events()[-2]
        self.assertEqual((event["type"], event["occurred_at"], event["booked_at"]),
                         ("sale", self.plain("09:00"), self.plain("12:00")))
        self.assertNotIn("booked_at", self.server.events()[-1])
        event = self.get("/v1/feed", after="1-0", kind="close_period").json()["events"][0]
        self.assertEqual((event["type"], event["until"], event["source"], event["actor"], event["reason"]),
                         ("close_period", self.plain("12:00"), "books", "jo", "October"))

        self.server.stop()
        self.server = self.start()
        self.assertEqual((self.figures("11:59"), self.figures("12:00"), self.figures("13:00")),
                         ((0, 7, 10), (0, 7, 7), (0, 6, 6)))
        self.assertEqual(self.send("receive", 5, occurred_at=self.clock("10:00"))["booked_at"], self.plain("12:00"))
        self.assertEqual((self.figures("11:59"), self.figures("12:00")), ((0, 12, 10), (0, 12, 12)))
        periods = self.server.get("/v1/periods").json()
        self.assertEqual((periods["closed_until"], periods["closing"]), (self.plain("12:00"), event))

    def test_it_is_told_in_parts(self):
        """Explained, and in pages: a late sale of 09:00 stands at 12:00, between what was sold at 11:00 and at 13:00."""
        self.send("receive", 10, occurred_at=self.clock("08:00"))
        self.send("sale", 1, occurred_at=self.clock("11:00"))
        self.send("sale", 2, occurred_at=self.clock("13:00"))
        self.close(self.clock("12:00"))
        self.send("sale", 4, occurred_at=self.clock("09:00"))
        for axis, quantities in (("occurred", [2, 1, 4, 10]), ("booked", [2, 4, 1, 10]), ("recorded", [4, 2, 1, 10])):
            pages, cursor = [], None
            while len(pages) < 4:
                more = {} if cursor is None else {"cursor": cursor}
                page = self.get("/v1/history/A", axis=axis, limit=1, **more).json()
                pages += page["entries"]
                cursor = page["next"]
            self.assertEqual(([entry["quantity"] for entry in pages], cursor), (quantities, None), axis)
        for clock, axis, values in (("11:59", "booked", [-1, 10]), ("12:00", "booked", [-4, -1, 10]),
                                    ("11:59", "occurred", [-1, -4, 10])):
            on_hand = self.at(clock, axis, explain="true")["explain"][0]
            entries = on_hand["sum"][0]["sum"]
            self.assertEqual((on_hand["value"], [entry["value"] for entry in entries]), (sum(values), values))
        late = self.at("12:00", "booked", explain="true")["explain"][0]["sum"][0]["sum"][0]
        self.assertEqual((late["occurred_at"], late["booked_at"]), (self.plain("09:00"), self.plain("12:00")))
        cursor = self.get("/v1/history/A", axis="booked", limit=1).json()["next"]
        self.assertEqual(self.get("/v1/history/A", axis="occurred", cursor=cursor).status, 422)

    def test_counts_and_reversals(self):
        """receive 10 @08:00, sale 4 @09:00, closed until 12:00. A count of 5 @10:00: -1, booked @12:00. A sale of 1 @09:30
        corrects it. The first sale is reversed: the count finds 5 less. OH at 11:59 stays 6."""
        self.send("receive", 10, occurred_at=self.clock("08:00"))
        self.send("sale", 4, occurred_at=self.clock("09:00"))
        self.close(self.clock("12:00"))
        counted = self.send("count", 5, counted_to=self.clock("10:00"), counted_from=self.clock("09:45"))
        self.assertEqual((counted["counted"][0]["variance"], counted["booked_at"]), (-1, self.plain("12:00")))
        self.assertEqual((self.figures("11:59"), self.figures("12:00")), ((0, 5, 6), (0, 5, 5)))
        corrected = self.send("sale", 1, occurred_at=self.clock("09:30"))["corrected"]
        self.assertEqual(corrected[0]["variance"], 0)
        self.assertEqual((self.figures("09:35"), self.figures("11:59"), self.figures("12:00")),
                         ((0, 5, 6), (0, 5, 6), (0, 5, 5)))
        self.number += 1
        reply = self.server.send(kind="reverse", source="wms", id=str(self.number), of={"source": "wms", "id": "2"})
        self.assertEqual((reply.status, reply.json()["booked_at"]), (200, self.plain("12:00")), reply)
        self.assertEqual((self.figures("09:35"), self.figures("11:59"), self.figures("12:00")),
                         ((0, 9, 6), (0, 5, 6), (0, 5, 5)))
        # Behind the bound a count is what it always was.
        self.send("count", 7, counted_to=self.clock("14:00"))
        self.send("sale", 2, occurred_at=self.clock("09:40"))
        self.assertEqual((self.figures("11:59"), self.figures("13:00"), self.figures("14:00")),
                         ((0, 5, 6), (0, 5, 5), (0, 7, 7)))

    def test_what_is_no_closing(self):
        """Ahead, back, not a time; facts that come in time are not touched."""
        self.close(self.clock("12:00"))
        for until, status, code in (("2999-01-01T00:00:00Z", 409, "in_future"), (self.clock("11:59"), 409, "period_closed"),
                                    ("1970-01-01T00:00:00Z", 422, "bad_value"), ("2026-10-31", 422, "bad_value"),
                                    (1793491200, 422, "bad_value"), (None, 422, "bad_value")):
            answer = self.close(until, status)
            self.assertEqual((answer["code"], answer["field"]), (code, "/until"), until)
        for member in ({"occurred_at": self.clock("12:00")}, {"item": "A"}, {"if": {"version": 1}}, {"guard": False}):
            self.assertEqual(self.close(self.clock("13:00"), 422, **member)["code"], "unknown_field")
        self.close(self.clock("12:00"))
        self.close(self.clock("13:00"))
        self.assertEqual(self.server.get("/v1/periods").json()["closed_until"], self.plain("13:00"))
        self.assertNotIn("booked_at", self.send("receive", 1, occurred_at=self.clock("13:00")))
        self.assertNotIn("booked_at", self.send("receive", 1))
        self.assertEqual(self.get("/v1/periods", since="x").status, 422)
        self.assertEqual(self.get("/v1/stock/A/S1", as_of=self.clock("12:00"), axis="closed").status, 422)


if __name__ == "__main__":
    unittest.main()
