#!/usr/bin/env python3
"""
Goal: what a source sends is counted as it came: taken, refused, invalid, twice, against the books, late, from a clock
that is ahead; in /v1/sources and in /metrics alike, and of a bounded number of sources.
Method: commands of a few sources with known numbers; deletion, restarts, names that labels must escape, and more sources
than are counted.
"""
import datetime
import re
import unittest
import urllib.parse

from server import FolderCase, receive, until

NOW = datetime.datetime.now(datetime.timezone.utc)


def ago(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds)).isoformat()


class Quality(FolderCase):
    def setUp(self):
        super().setUp()
        self.server = self.start()

    def quality(self, source):
        return self.server.get("/v1/sources/" + urllib.parse.quote(source, safe="")).json()["quality"]

    def metrics(self):
        """{(metric, source, other label): number} of those that have a source."""
        text = self.server.get("/metrics").body.decode()
        rows = re.findall(r'^(onhand_source_\w+)\{source="((?:[^"\\]|\\.)*)"(?:,(\w+="[^"]*"))?\} ([\d.]+)$', text, re.M)
        self.assertEqual(len(rows), len(re.findall("^onhand_source_", text, re.M)))
        return {(name[len("onhand_source_"):], source, more): float(number) for name, source, more, number in rows}

    def test_everything_a_source_sends_is_counted_once(self):
        send = self.server.send
        self.assertEqual(send(**receive(1, source="till", quantity=10)).status, 200)
        for n, late in enumerate((0.2, 30, 30, 500)):
            self.assertEqual(send(**receive("late%d" % n, source="till", occurred_at=ago(late))).status, 200)
        for _ in range(3):
            self.assertEqual(send(**receive(1, source="till", quantity=10)).json()["replayed"], True)
        self.assertEqual(send(**receive(1, source="till", quantity=11)).json()["code"], "id_reused")
        self.assertEqual(send(**receive(2, source="till", quantity=0.5)).status, 422)
        self.assertEqual(send(kind="release", source="till", id="r", hold="none").status, 409)
        self.assertEqual(send(**receive("skew", source="till", occurred_at=ago(-3600))).json()["clock_skew"], True)
        self.assertEqual(send(**receive("dry", source="till", dry_run=True)).status, 200)
        self.assertEqual(send(kind="hold", source="shop", id="h", hold="H", item="A", location="L", quantity=12).status, 200)
        self.assertEqual(send(kind="sale", source="till", id="s", item="A", location="L", quantity=16).status, 200)
        self.assertEqual(send(**receive("x", source="nobody", quantity=0.5)).status, 422)
        got = self.quality("till")
        self.assertTrue(datetime.datetime.fromisoformat(got.pop("heard_at").replace("Z", "+00:00")) > NOW)
        lateness = got.pop("lateness")
        self.assertEqual(got, {"accepted": 7, "refused": 1, "invalid": 2, "replayed": 3, "contradictions": 2,
                               "clock_skew": 1})
        self.assertEqual(lateness["commands"], 5)
        self.assertTrue(29 <= lateness["p50"] <= 60, lateness)
        self.assertTrue(500 <= lateness["p99"] <= lateness["max"] < 560, lateness)
        row, = [row for row in self.server.get("/v1/sources").json()["sources"] if row["source"] == "till"]
        self.assertEqual(row["quality"], self.quality("till"))
        metrics = self.metrics()
        for outcome in ("accepted", "refused", "invalid", "replayed"):
            self.assertEqual(metrics["commands_total", "till", 'outcome="%s"' % outcome], got[outcome])
        self.assertEqual(metrics["contradictions_total", "till", ""], 2)
        self.assertEqual(metrics["clock_skew_total", "till", ""], 1)
        self.assertEqual(metrics["silent", "till", ""], 0)
        buckets = [metrics["lateness_seconds_bucket", "till", 'le="%s"' % le]
                   for le in ("1", "10", "60", "600", "3600", "86400", "604800", "+Inf")]
        self.assertEqual(buckets, [2, 2, 4, 5, 5, 5, 5, 5])
        self.assertEqual(metrics["lateness_seconds_count", "till", ""], 5)
        self.assertTrue(560 <= metrics["lateness_seconds_sum", "till", ""] < 620)
        self.assertTrue(metrics["heard_timestamp_seconds", "till", ""] > NOW.timestamp())
        self.assertEqual({source for _, source, _ in metrics}, {"till", "shop"})

    def test_a_start_counts_anew_but_knows_who_was_heard(self):
        self.assertEqual(self.server.send(**receive(1, source="till")).status, 200)
        put = self.server.request("PUT", "/v1/sources/till", b'{"silence":{"after":1}}')
        self.assertNotIn("quality", put.json())
        until(lambda: self.metrics()["silent", "till", ""] == 1, "it is silent")
        before = self.quality("till")
        self.assertEqual(before["accepted"], 1)
        self.server.stop()
        self.server.start()
        after = self.quality("till")
        self.assertEqual((after["heard_at"], after["accepted"]), (before["heard_at"], 0))
        metrics = self.metrics()
        self.assertEqual((metrics["silent", "till", ""], metrics["commands_total", "till", 'outcome="accepted"']), (1, 0))
        self.assertEqual(self.server.send(**receive(2, source="till")).status, 200)
        self.assertEqual((self.metrics()["silent", "till", ""], self.quality("till")["accepted"]), (0, 1))
        self.assertEqual(self.server.request("DELETE", "/v1/sources/till").status, 200)
        self.assertEqual(self.metrics(), {})
        self.assertEqual(self.server.send(**receive(3, source="till")).status, 200)
        self.assertEqual(self.quality("till")["accepted"], 1)

    def test_names_are_escaped_in_labels(self):
        for n, name in enumerate(('a"b', "a\\b", "ü")):
            self.assertEqual(self.server.send(**receive(n, source=name)).status, 200)
            self.assertEqual(self.quality(name)["accepted"], 1)
        self.assertEqual({source for _, source, _ in self.metrics()}, {'a\\"b', "a\\\\b", "ü"})

    def test_only_so_many_sources_are_counted(self):
        with self.server.connect():
            answer = self.server.stream([receive(1, source="s%0120d" % n) for n in range(1100)], "?answers=summary")
        self.assertEqual(answer.status, 200)
        metrics = self.metrics()
        sources = {source for _, source, _ in metrics}
        # The server's own two have their places, too.
        self.assertTrue(1020 <= len(sources) <= 1024, len(sources))
        self.assertEqual(sources, {"s%0120d" % n for n in range(len(sources))})
        self.assertEqual(self.quality("s%0120d" % 1000)["accepted"], 1)
        self.assertIsNone(self.quality("s%0120d" % 1099))


if __name__ == "__main__":
    unittest.main()
