#!/usr/bin/env python3
"""
Goal: story S2 of the contract (a count while selling), every number of it, and counts that come in streams: each is
decided in its place, whatever has to be read of the past for it, also while others write and across a restart.
Method: S2 over HTTP, its 08:00 being yesterday's. Then streams in which counts stand among movements of the same cells,
with what they answer computed here, from memory and from the disk; and how long a large one takes, beside the same in
small ones, and one cell counted again and again, beside many that are counted.
"""
import datetime
import glob
import threading
import time
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
        self.check_places({})

    def test_counts_keep_their_place_when_the_past_is_on_the_disk_alone(self):
        for n in range(40):
            self.send("receive", 3, item="I%d" % n)
        self.server.stop()
        self.server = self.start()
        self.check_places({"I%d" % n: 3 for n in range(40)}, 3)

    def check_places(self, books, there=0):
        """
        Each count of a cell follows a movement and is followed by one: its variance says what it was decided on. What is
        in the books, `there` of each, came later than all that is counted.
        """
        lines, expected = [], []
        begin = now_us() - 4000 * 1000000
        for n in range(3000):
            item, at = "I%d" % (n % 40), text_of(begin + n * 1000000)
            if n % 3 == 1:
                lines.append(self.command("count", n % 7, item=item, counted_to=at))
                expected.append(n % 7 + there - books.get(item, 0))
                books[item] = n % 7 + there
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

    def test_how_far_it_is_is_told_before_the_past_is_read(self):
        self.send("receive", 5)
        self.server.stop()
        self.server = self.start()  # what was before is on the disk alone
        lines = [self.command("receive", 1, item="B") for _ in range(10)]
        lines += [self.command("count", 5, counted_to=text_of(now_us()))]
        answers = self.server.stream(lines, "?answers=errors").lines()
        self.assertEqual(answers[0], {"progress": {"line": 10}})
        self.assertEqual(answers[-1]["summary"]["accepted"], 11)

    def test_nothing_of_an_ordered_source_passes_a_count_whose_past_cannot_be_read(self):
        self.send("receive", 5)
        self.server.stop()
        self.server = self.start()
        for name in glob.glob(self.server.data + "/*.journal"):
            with open(name, "r+b") as file:
                head = file.read(1 << 20)
                at = head.find(b"wms") if b"wms" in head else len(head)
                file.seek(at - at % 64)
                file.write(b"\x5a" * 64)
        lines = [self.command("receive", 1, item="B", seq=1), self.command("count", 5, counted_to=text_of(now_us()), seq=2)]
        # More than are taken before it is known: the last ones are judged when the count was given up.
        lines += [self.command("receive", 1, item="B", seq=seq) for seq in range(3, 20000)]
        answers = self.server.stream(lines).lines()
        self.assertEqual({row["status"] for row in answers[1:]}, {"retry"})
        self.assertEqual(answers[0]["status"], "accepted")
        self.assertEqual(self.server.stream(lines[2:3]).lines()[0]["status"], "accepted")


class HotCells(Counts):
    SECONDS = 4

    def test_counts_of_now_are_decided_while_late_facts_come(self):
        """Each late fact changes what the cell held at the time that is counted."""
        end = time.monotonic() + self.SECONDS
        problems, facts = [], [0] * 4

        def tell(which):
            source, number = "till%d" % which, 0
            while time.monotonic() < end:
                lines = []
                for number in range(number + 1, number + 41):
                    at = text_of(now_us() - number * 7919 % 30 * 1000000)
                    lines.append({"kind": "sale", "source": source, "id": str(number), "item": "A", "location": "S1",
                                  "quantity": 1, "occurred_at": at})
                summary = self.server.stream(lines, "?answers=summary").lines()[-1]["summary"]
                facts[which] += summary["accepted"]
                if summary["accepted"] != len(lines):
                    problems.append(summary)
        tills = [threading.Thread(target=tell, args=(which,)) for which in range(4)]
        for till in tills:
            till.start()
        counted = 0
        while time.monotonic() < end:
            self.send("count", 100, counted_to=text_of(now_us()))
            counted += 1
        for till in tills:
            till.join()
        self.assertEqual(problems, [])
        self.assertGreater(counted, 10)
        print("%d counts beside %d late facts" % (counted, sum(facts)))


class LargeStreams(Counts):
    """
    Times beside times in the same run, the lesser of two each, so that what else the machine does is in both; and half a
    second more, for what that does not take away.
    """
    TIMES = 3

    def took(self, lines, part):
        begin = time.monotonic()
        for at in range(0, len(lines), part):
            summary = self.server.stream(lines[at:at + part], "?answers=summary").lines()[-1]["summary"]
            self.assertEqual(summary["accepted"], summary["lines"])
        return time.monotonic() - begin

    def facts(self, name, items, count, count_every):
        """In the order in which they occurred, from some hours ago on."""
        lines, begin = [], now_us() - 4 * 3600 * 1000000
        for n in range(count):
            item, at = "%s%d" % (name, n % items), text_of(begin + n * 1000000)
            if n % count_every == count_every - 1:
                lines.append(self.command("count", 7, item=item, counted_to=at))
            else:
                lines.append(self.command("receive", 1, item=item, occurred_at=at))
        return lines

    def check_as_fast(self, large, small, name):
        """Each of items, count, count_every, part."""
        took = [min(self.took(self.facts("%s%d%d" % (name, which, n), *what[:3]), what[3]) for n in range(2))
                for which, what in enumerate((large, small))]
        print("%s: %.2f s, against %.2f s" % (name, *took))
        self.assertLess(took[0], self.TIMES * took[1] + 0.5, name)

    def test_a_large_stream_takes_as_long_as_its_parts(self):
        self.check_as_fast((400, 8000, 2, 8000), (400, 8000, 2, 100), "half of them counts")
        self.check_as_fast((400, 8000, 100, 8000), (400, 8000, 100, 100), "one of a hundred a count")

    def test_one_cell_is_counted_as_fast_as_many(self):
        self.check_as_fast((1, 4000, 2, 4000), (400, 4000, 2, 4000), "one cell")


if __name__ == "__main__":
    unittest.main()
