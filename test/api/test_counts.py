#!/usr/bin/env python3
"""
Goal: story S2 of the contract (a count while selling), every number of it, and counts that come in streams: each is
decided in its place, whatever has to be read of the past for it, also while others write and across a restart.
Method: S2 over HTTP, its 08:00 being yesterday's. Then streams in which counts stand among movements of the same cells,
with what they answer computed here; counts of cells that others change at the same time, where only the sums can be known.
"""
import datetime
import unittest
from urllib.parse import quote

from server import FolderCase

UTC = datetime.timezone.utc


def text_of(us):
    return (datetime.datetime(1970, 1, 1, tzinfo=UTC) + datetime.timedelta(microseconds=us)).strftime(
        "%Y-%m-%dT%H:%M:%S.%fZ")


def now_us():
    return int(datetime.datetime.now(UTC).timestamp() * 1000000)


class Counts(FolderCase):
    def setUp(self):
        super().setUp()
        self.server = self.start()
        midnight = datetime.datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self.yesterday = int(midnight.timestamp()) - 86400
        self.number = 0

    def clock(self, text):
        """A time of yesterday."""
        hours, minutes = text.split(":")
        return text_of((self.yesterday + 3600 * int(hours) + 60 * int(minutes)) * 1000000)

    def command(self, kind, quantity, item="A", location="S1", source="wms", **more):
        self.number += 1
        return {"kind": kind, "source": source, "id": str(self.number), "item": item, "location": location,
                "quantity": quantity, **more}

    def send(self, kind, quantity, status=200, **more):
        response = self.server.send(**self.command(kind, quantity, **more))
        self.assertEqual(response.status, status, response)
        return response.json()

    def cell(self, **figures):
        have = self.server.get("/v1/stock/A/S1").json()
        self.assertEqual({name: have[name] for name in figures}, figures)

    def occurred(self, at):
        return self.server.get("/v1/stock/A/S1?axis=occurred&as_of=" + quote(self.clock(at))).json()["on_hand"]


class StoryS2(Counts):
    def test_every_number_of_the_story(self):
        """
        receive 100 @08:00; sale 10 @09:00; count 85 in the window 10:00-10:10: variance -5, OH 85. Sale 4 @10:30: 81. A late
        sale of 5 @09:30: OH stays 81, variance 0 (events: sale -5, correction +5). A late sale of 2 @10:05: OH 81,
        variance +2, uncertain 2. On the occurred axis 09:45 = 85, 10:20 = 85.
        """
        self.send("receive", 100, occurred_at=self.clock("08:00"))
        self.send("sale", 10, occurred_at=self.clock("09:00"))
        counted = self.send("count", 85, counted_from=self.clock("10:00"), counted_to=self.clock("10:10"))
        self.assertEqual(counted["counted"], [{"item": "A", "location": "S1", "condition": "sellable", "quantity": 85,
                                               "variance": -5, "uncertain": 0}])
        self.cell(on_hand=85, version=3)
        self.send("sale", 4, occurred_at=self.clock("10:30"))
        self.cell(on_hand=81)

        late = self.send("sale", 5, occurred_at=self.clock("09:30"))
        self.assertEqual(late["corrected"], [{"item": "A", "location": "S1", "condition": "sellable",
                                              "count": counted["position"], "variance": 0, "uncertain": 0}])
        self.cell(on_hand=81)
        sale, correction = self.server.events()[-2:]
        self.assertEqual((sale["type"], sale["delta"]["on_hand"], correction["type"], correction["delta"]["on_hand"]),
                         ("sale", -5, "correction", 5))
        self.assertEqual(correction["occurred_at"], self.clock("10:10").replace(".000000", ""))
        self.assertEqual(correction["count"], {
            "position": counted["position"], "from": self.clock("10:00").replace(".000000", ""),
            "to": self.clock("10:10").replace(".000000", ""), "includes_picked": False, "variance": 0, "uncertain": 0})

        inside = self.send("sale", 2, occurred_at=self.clock("10:05"))
        self.assertEqual([(row["variance"], row["uncertain"]) for row in inside["corrected"]], [(2, 2)])
        self.cell(on_hand=81)
        self.assertEqual((self.occurred("09:45"), self.occurred("10:20")), (85, 85))
        before = self.server.get("/v1/stock/A/S1").json()
        self.server.stop()
        self.server = self.start()
        self.assertEqual(self.server.get("/v1/stock/A/S1").json(), before)
        self.assertEqual(self.send("sale", 1, occurred_at=self.clock("10:06"))["corrected"][0]["uncertain"], 3)


class Streams(Counts):
    def test_counts_keep_their_place(self):
        """Each count of a cell follows a movement and is followed by one: its variance says what it was decided on."""
        lines, expected, books = [], [], {}
        begin = now_us() - 4000 * 1000000
        for n in range(3000):
            item, at = "I%d" % (n % 40), text_of(begin + n * 1000000)
            if n % 3 == 1:
                lines.append(self.command("count", n % 7, item=item, counted_to=at))
                expected.append(n % 7 - books.get(item, 0))
                books[item] = n % 7
            elif n % 100 == 0:
                lines.append({"kind": "nonsense"})
                expected.append("invalid")
            else:
                lines.append(self.command("receive", 5, item=item, occurred_at=at))
                expected.append(None)
                books[item] = books.get(item, 0) + 5
        answers = self.server.stream(lines).lines()
        self.assertEqual([row["line"] for row in answers], list(range(1, len(lines) + 1)))
        for answer, wanted in zip(answers, expected):
            if wanted == "invalid":
                self.assertEqual(answer["status"], "invalid", answer)
            elif wanted is None:
                self.assertEqual(answer["status"], "accepted", answer)
            else:
                self.assertIn("counted", answer)
                self.assertEqual(answer["counted"][0]["variance"], wanted, answer)
        for item, units in books.items():
            self.assertEqual(self.server.get("/v1/stock/%s/S1" % item).json()["on_hand"], units)


if __name__ == "__main__":
    unittest.main()
