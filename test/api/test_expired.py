#!/usr/bin/env python3
"""
Goal: where the journal no longer has its beginning, whatever is asked about a time since then is answered as before, and what takes
more is refused, by name, with nothing changed: as of a time on each axis, histories, explanations, drift, what could be sold,
counts and snapshots.
Method: load with small segments and a size that is kept to. Questions as of times are asked when those are new, and again when the
beginning is gone: the same answer, byte for byte, or history_expired, which none gets that is of a time since it was.
"""
import json
import re
import time
import unittest

from server import FolderCase, receive, until, verify
from test_as_of import instant, text_of
from test_explain import check_all
from test_retention import LINES, SMALL

TIER = "check"
AXES = ("recorded", "occurred", "booked")


class Expired(FolderCase):
    def setUp(self):
        super().setUp()
        self.server = self.start(*SMALL, "--id-window", "1", "--retain-mib", "20", "--history-days", "0")
        self.late = 0

    def send(self, **command):
        answer = self.server.send(**command)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def fill(self, turn):
        """Many items, and `hot`, of which some facts come a round late. Returns the time at the end."""
        lines = [receive("%d-%d-%s" % (turn, n, "x" * 80), item="i%d" % (n % 500), location="p%d" % (n % 7)) for n in range(LINES)]
        begin = time.time()
        summary = self.server.stream(lines, "?answers=errors").lines()[-1]["summary"]
        self.assertEqual(summary["accepted"], LINES)
        for n in range(10):
            self.late += 1
            occurred = {} if n % 3 else {"occurred_at": text_of(int((begin + n / 1000) * 1e6))}
            self.send(kind="receive" if n % 2 else "sale", source="till", id="t%d" % self.late, seq=self.late, item="hot", location="L%d" % (n % 2),
                      quantity=n + 1, **occurred)
        at_us = int(time.time() * 1e6)
        time.sleep(0.005)
        return text_of(at_us)

    def as_of(self, path, at, axis):
        return self.server.get("/v1/stock/%s?as_of=%s&axis=%s" % (path, at, axis))

    def expired(self, answer, http=410):
        self.assertEqual((answer.status, answer.json()["code"]), (http, "history_expired"), answer)
        return answer.json()

    def drop_all_but_some(self, turns, first=0, asked=None):
        at = None
        for turn in range(first, first + turns):
            past, at = at, self.fill(turn)
            if turn == 2:  # a second ledger is kept; where it stands is gone when it is asked for again
                self.assertEqual(self.server.get("/v1/atp/hot?location=L0&as_of=" + past).status, 200)
            for path in ("hot/L0", "hot/L1", "hot", "quiet/L", "i3", "i3/p3"):
                for axis in AXES:
                    if asked is not None:
                        asked[at, path, axis] = self.as_of(path, at, axis)
        for turn in range(first + turns, first + turns + 40):  # it is dropped behind checkpoints, which are made behind what is written
            if self.server.metric("onhand_journal_dropped_total") >= 2:
                break
            self.fill(turn)
            time.sleep(0.5)
        until(lambda: self.server.metric("onhand_journal_dropped_total") >= 2, "nothing is dropped")
        self.server.wait_for_ends()
        oldest = 0
        while self.server.metric("onhand_journal_oldest_seq") != oldest:  # nothing more comes, so it comes to rest
            oldest = int(self.server.metric("onhand_journal_oldest_seq"))
            time.sleep(2)
        return oldest

    def pages(self, item, axis, oldest):
        """All entries of a history, and what its last page says of those that are gone."""
        entries, cursor = [], ""
        while True:
            page = self.server.get("/v1/history/%s?axis=%s&limit=7%s" % (item, axis, cursor)).json()
            entries += page["entries"]
            self.assertIn(page.get("expired_before", oldest), (oldest,))
            if page["next"] is None:
                return entries, page.get("expired_before")
            cursor = "&cursor=" + page["next"]

    def test_the_past_is_answered_as_before_or_gone(self):
        server = self.server
        self.send(**receive(1, item="quiet", quantity=7))
        self.send(**receive(1, item="other", quantity=7))
        early, asked = self.fill(0), {}
        entries = {axis: self.pages("hot", axis, None)[0] for axis in AXES}
        oldest = self.drop_all_but_some(14, 1, asked)
        gone = self.expired(self.as_of("hot/L0", early, "recorded"))
        self.assertEqual(gone["field"], "as_of")
        since = re.search(r"known as of (\S+) and later", gone["detail"]).group(1)
        answered = set()
        for (at, path, axis), before in asked.items():
            answer = self.as_of(path, at, axis)
            if answer.status == 200:
                self.assertEqual(answer.body, before.body, (at, path, axis))
                answered.add(at)
            else:
                self.assertLess(instant(at), instant(since), (path, axis))
                self.expired(answer)
        self.assertGreater(len(answered), 2)
        self.assertLess(len(answered), 14)
        for path in ("hot/L0", "hot/L1", "quiet/L", "i3/p3"):  # at the very moment
            for axis in AXES:
                self.assertEqual(self.as_of(path, since, axis).status, 200)
        self.expired(self.as_of("quiet/L", text_of(instant(since) - 1), "recorded"))
        self.assertEqual(self.as_of("quiet/L", since, "occurred").json()["sellable"], 7)

        # Histories end where the journal begins, and say so.
        position = "1-%d" % oldest
        for axis in AXES:
            found, expired = self.pages("hot", axis, position)
            self.assertEqual(expired, position)
            self.assertTrue(found and all(int(entry["position"][2:]) >= oldest for entry in found))
            self.assertFalse([entry for entry in found if entry["position"] in {old["position"] for old in entries[axis]}])
            self.assertEqual(self.pages("quiet", axis, position), ([], position))
        new = self.send(**receive(1, item="new"))
        self.assertEqual([len(self.pages("new", axis, position)[0]) for axis in AXES], [1, 1, 1])
        self.assertIsNone(self.pages("new", "recorded", position)[1])

        # Explanations are whole, to the last digit.
        for path in ("hot/L0", "quiet/L", "i3/p3"):
            for query in ("", "&as_of=" + since, "&as_of=%s&axis=occurred" % since):
                tree = check_all(server.get("/v1/stock/%s?explain=true%s" % (path, query)).json())
                rests = [node for node in tree["on_hand"]["sum"][0]["sum"] if node.get("rest") == "entries"]
                if path != "i3/p3":  # where more is kept than is looked at, it is not known what else there was
                    told = [node.get("expired_before") for node in rests]
                    self.assertIn(told, ([position],) if path == "quiet/L" else ([position], [None]))
        self.assertNotIn("expired_before", server.get("/v1/stock/new/L?explain=true").body.decode())

        # What a channel could sell and how a hold stood is replayed from a checkpoint.
        self.assertEqual(server.get("/v1/atp/hot?location=L0&as_of=" + max(answered)).status, 200)
        self.expired(server.get("/v1/atp/hot?location=L0&as_of=" + early))

        # What a command must know and is gone: nothing is decided, beside it others are.
        figures = server.figures()[0]
        count = {"kind": "count", "source": "lab", "seq": 1, "id": "c1", "item": "quiet", "location": "L", "quantity": 6, "counted_to": early}
        body = self.expired(server.send(**count), 422)
        self.assertEqual((body["outcome"], body["id"]), ("invalid", "c1"))
        self.assertEqual(server.figures(), (figures, new["position"]))
        snapshot = {"kind": "snapshot", "source": "wms", "id": "s1", "item": "hot", "location": "L0", "quantity": 6,
                    "seen": {"position": "1-5"}}
        lines = server.stream([count, receive(2, item="new"), snapshot, receive(3, item="new")]).lines()
        self.assertEqual([(line["status"], line.get("code")) for line in lines[:4]],
                         [("invalid", "history_expired"), ("accepted", None), ("invalid", "history_expired"), ("accepted", None)])
        count["counted_to"] = since  # and the id is free
        answer = server.send(**count)
        self.assertEqual((answer.status, server.events("&item=quiet", after=new["position"])[-1]["count"]["variance"]), (200, -1), answer)
        position = server.position()
        figures = server.figures()[0]
        server.kill()
        server.start()
        self.assertEqual((server.figures()[0], server.position()), (figures, position))
        self.expired(self.as_of("hot/L0", early, "recorded"))
        self.assertEqual(self.as_of("quiet/L", since, "occurred").json()["sellable"], 6)
        server.stop()
        verify(server.data)

    def test_drift_whose_entries_are_gone_is_unexplained(self):
        server = self.server
        response = server.request("PUT", "/v1/sources/erp", json.dumps({"snapshot_policy": "report"}).encode())
        self.assertEqual(response.status, 200, response)
        for n, item in enumerate(("old", "both")):
            self.send(**receive(n, item=item, quantity=9, source="wms"))
            self.send(kind="snapshot", source="erp", id="s" + item, item=item, location="L", quantity=5,
                      seen={"position": server.position()})
        oldest = "1-%d" % self.drop_all_but_some(14)
        self.send(kind="receive", source="wms", id="b2", item="both", location="L", quantity=3, document="D1")
        self.send(kind="snapshot", source="erp", id="s2", item="both", location="L", quantity=5,
                  seen={"position": server.position()})
        rows = {row["item"]: row for row in server.get("/v1/drift?explain=true").json()["drift"]}
        for item, row in rows.items():
            self.assertEqual(row["looked_back_to"], oldest)
            tree, = row["explain"]
            self.assertEqual([(leaf["why"], leaf["value"]) for leaf in tree["sum"]], [("unexplained", row["difference"])], row)
        self.assertEqual((rows["old"]["difference"], rows["both"]["difference"]), (-4, -7))


if __name__ == "__main__":
    unittest.main()
