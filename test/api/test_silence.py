#!/usr/bin/env python3
"""
Goal: a till that falls silent is told of, what channels show of its shop is less until it speaks again, and who follows
them sees it; a server that was down calls nobody silent.
Method: sources with a patience of a second or two and a channel that is followed as a page and as a stream; the numbers
of each step; restarts in between.
"""
import datetime
import itertools
import json
import time
import unittest

from server import FolderCase, until, verify


def time_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Silence(FolderCase):
    def setUp(self):
        super().setUp()
        self.server = self.start()
        self.serial = itertools.count()

    def put(self, path, body):
        answer = self.server.request("PUT", "/v1/" + path, json.dumps(body).encode())
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def do(self, kind="receive", source="wms", item="A", location="S1", quantity=1, **more):
        answer = self.server.send(kind=kind, source=source, id=str(next(self.serial)), item=item, location=location,
                                  quantity=quantity, **more)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def ats(self, item="A"):
        return self.server.get("/v1/availability?channel=web&item=" + item).json()["items"][0]["ats"]

    def since(self, source):
        return self.server.get("/v1/sources/" + source).json()["silent_since"]

    def told(self, query="&type=silent&type=heard"):
        return [(event["type"], event["silence"]["source"]) for event in self.server.events(query)]

    def test_a_silent_till_takes_its_shop_out_of_what_is_shown(self):
        self.do(quantity=10)
        self.do(location="DC", quantity=5)
        self.put("channels/web", {"locations": ["S1", "DC"]})
        body = {"silence": {"after": 1, "locations": ["S1"]}}
        answer = self.put("sources/till", body)
        self.assertEqual(answer, {"source": "till", "provisional": False, "ordered": False, "strict": False, **body})
        last = self.do("sale", "till", quantity=1)["position"]
        place = self.server.get("/v1/feed?channel=web&after=now").json()["next"]
        self.assertEqual(self.ats(), 14)
        changed = self.server.get("/v1/feed?channel=web&wait=30&after=" + place).json()
        self.assertEqual([(row["item"], row["ats"]) for row in changed["events"]], [("A", 5)])
        silent, = self.server.events("&type=silent")
        self.assertEqual((silent["kind"], silent["source"], silent["silence"]["source"]), ("silent", "@ledger", "till"))
        self.assertEqual(changed["events"][0]["position"], silent["position"])
        sale = self.server.events("&type=sale")[-1]
        self.assertEqual((sale["position"], sale["recorded_at"]), (last, silent["silence"]["since"]))
        waited = time_of(silent["recorded_at"]) - time_of(sale["recorded_at"])
        self.assertTrue(1 <= waited.total_seconds() < 20, waited)
        self.assertEqual(self.since("till"), silent["silence"]["since"])
        row, = [row for row in self.server.get("/v1/sources").json()["sources"] if row["source"] == "till"]
        self.assertEqual((row["silent_since"], row["silence"]), (self.since("till"), body["silence"]))
        # What may be granted there is as it was.
        self.assertEqual(self.server.get("/v1/stock?channel=web&location=S1").json()["stock"][0]["free"], 9)
        self.do("hold", "shop", quantity=4, hold="H", channel="web")
        self.assertEqual(self.ats(), 5)
        # It speaks again, if only to be refused.
        refused = self.server.send(kind="release", source="till", id="x", hold="none")
        self.assertEqual(refused.status, 409)
        until(lambda: self.ats() == 10, "it is heard")
        changed = self.server.get("/v1/feed?channel=web&wait=30&after=" + changed["next"]).json()["events"]
        heard, = self.server.events("&type=heard")
        self.assertEqual(changed[0], {"position": heard["position"], "type": "availability", "channel": "web",
                                      "item": "A", "ats": 10})
        self.assertEqual(heard["silence"], silent["silence"])
        self.assertIn(("heard", "till"), self.told("&source=till&type=silent&type=heard"))
        self.assertEqual(self.told("&source=wms&type=silent&type=heard"), [])
        self.assertEqual(self.told("&source=@ledger&type=heard"), [("heard", "till")])
        self.assertGreaterEqual(self.server.metric("onhand_silences_total"), 1)

    def test_a_buffer_is_kept_back_and_a_put_ends_a_silence(self):
        self.do(quantity=10)
        self.do(item="B", quantity=1)
        self.put("channels/web", {"locations": ["S1"], "cap": 9})
        self.put("sources/till", {"silence": {"after": 1, "locations": ["S1", "S2"], "buffer": 3}})
        until(lambda: self.since("till"), "it is silent")
        self.assertEqual((self.ats("A"), self.ats("B")), (7, 0))
        self.put("sources/till", {"silence": {"after": 1, "locations": ["S1"], "buffer": 8}})
        self.assertEqual((self.ats("A"), self.told()), (2, [("silent", "till")]))
        answer = self.put("sources/till", {"silence": {"after": 1000, "locations": ["S1"]}})
        self.assertEqual(answer["silence"], {"after": 1000, "locations": ["S1"]})
        self.assertEqual((self.ats("A"), self.since("till")), (9, None))
        self.assertEqual(self.told(), [("silent", "till"), ("heard", "till")])
        refused = self.server.request("DELETE", "/v1/locations/S2")
        self.assertEqual(refused.status, 200, refused)
        self.put("sources/till", {"silence": {"after": 1, "locations": ["S3"]}})
        refused = self.server.request("DELETE", "/v1/locations/S3")
        self.assertEqual((refused.status, refused.json()["code"], refused.json()["subject"], refused.json()["field"]),
                         (409, "in_use", "till", "/silence/locations"))
        until(lambda: self.since("till"), "it is silent again")
        self.assertEqual(self.server.request("DELETE", "/v1/sources/till").status, 200)
        self.assertEqual(self.told()[2:], [("silent", "till"), ("heard", "till")])

    def test_time_in_which_the_server_was_down_is_nobodys_silence(self):
        self.do("receive", "till", quantity=5)
        self.put("channels/web", {"locations": ["S1"]})
        for source in ("till", "other"):
            self.put("sources/" + source, {"silence": {"after": 3, "locations": ["S1"], "buffer": 1}})
        self.put("sources/mute", {"silence": {"after": 1}})
        until(lambda: self.since("mute"), "the impatient one is silent")
        self.server.stop()
        time.sleep(3.5)
        self.server.start()
        self.assertEqual(self.told(), [("silent", "mute")])
        self.assertEqual((self.since("till"), self.since("other"), self.ats()), (None, None, 5))
        self.assertEqual(self.server.events()[-1]["kind"], "settings")
        until(lambda: self.since("till") and self.since("other"), "both are silent")
        self.assertEqual(self.ats(), 4)
        self.server.kill()
        self.server.start()
        self.assertEqual((self.ats(), self.told()), (4, [("silent", "mute"), ("silent", "till"), ("silent", "other")]))
        self.do("receive", "till")
        self.do("receive", "other")
        until(lambda: self.ats() == 7, "both are heard")
        self.server.stop()
        verify(self.server.data)

    def test_without_a_watched_source_a_start_journals_nothing(self):
        self.do()
        self.put("sources/till", {"silence": None})
        position = self.server.position()
        self.server.stop()
        self.server.start()
        self.assertEqual(self.server.position(), position)


if __name__ == "__main__":
    unittest.main()
