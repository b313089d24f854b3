#!/usr/bin/env python3
"""
Goal: what a brake holds waits for a person: it is listed, shown with its command, and decided by a verdict as if it came
then, at its own time. Nothing changes until then, and nothing is lost over a restart.
Method: facts older than the id window, facts and counts beyond the limits of their source, over HTTP; the queue by its
list and one by one; verdicts of both kinds, twice, of reviews that are none, and as dry runs.
"""
import datetime
import json
import unittest

from server import FolderCase

UTC = datetime.timezone.utc


def before(seconds):
    return (datetime.datetime.now(UTC) - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Reviews(FolderCase):
    def setUp(self):
        super().setUp()
        self.server = self.start()
        self.number = 0

    def send(self, kind, status=200, source="pos", **fields):
        self.number += 1
        response = self.server.send(kind=kind, source=source, id=str(self.number), **fields)
        self.assertEqual(response.status, status, response)
        return response.json()

    def on_hand(self):
        response = self.server.get("/v1/stock/A/L")
        return response.json()["on_hand"] if response.status == 200 else None

    def queue(self, state="open"):
        return self.server.get("/v1/reviews?state=" + state).json()["reviews"]

    def configure(self, **body):
        response = self.server.request("PUT", "/v1/sources/pos", json.dumps(body).encode())
        self.assertEqual(response.status, 200, response)

    def test_what_is_too_late_waits_and_is_decided_at_its_own_time(self):
        self.send("receive", item="A", location="L", quantity=10)
        late = before(8 * 86400)
        answer = self.send("sale", item="A", location="L", quantity=3, occurred_at=late, document="bon 7",
                           meta={"till": 2})
        self.assertEqual((answer["status"], answer["brake"], answer["figures"]), ("accepted", "too_late", []))
        name = answer["review"]
        self.assertEqual(name, answer["position"])
        self.assertEqual(self.on_hand(), 10)
        self.assertEqual([(row["review"], row["state"], row["brake"], row["kind"], row["source"]) for row in self.queue()],
                         [(name, "open", "too_late", "sale", "pos")])
        self.server.stop()
        self.server = self.start()
        review = self.server.get("/v1/reviews/" + name).json()
        self.assertEqual(review["command"], {
            "kind": "sale", "id": "2", "source": "pos", "occurred_at": late, "document": "bon 7",
            "lines": [{"item": "A", "location": "L", "quantity": 3}], "meta": {"till": 2}})
        event = self.server.events()[-1]
        self.assertEqual((event["type"], event["review"], event["command"]), ("review", name, review["command"]))

        dry = self.send("resolve", source="boss", review=name, verdict="accept", dry_run=True)
        self.assertEqual(dry["figures"][0]["on_hand"], 7)
        self.assertEqual(self.on_hand(), 10)
        accepted = self.send("resolve", source="boss", review=name, verdict="accept", actor="ann")
        self.assertEqual((accepted["review"], accepted["verdict"], accepted["figures"][0]["on_hand"]), (name, "accept", 7))
        resolve, sale = self.server.events()[-2:]
        self.assertEqual((resolve["type"], sale["type"], sale["kind"], sale["occurred_at"], sale["document"], sale["actor"]),
                         ("resolve", "sale", "resolve", late, "bon 7", "ann"))
        self.assertEqual((self.queue(), [row["review"] for row in self.queue("accepted")]), ([], [name]))
        again = self.send("resolve", 409, source="boss", review=name, verdict="reject")
        self.assertEqual(again["code"], "already_resolved")
        self.assertEqual(self.send("resolve", 409, source="boss", review="1-1", verdict="reject")["code"], "unknown_review")
        self.assertEqual(self.send("resolve", 422, source="boss", review="seven", verdict="reject")["code"], "bad_value")
        self.assertEqual(self.server.get("/v1/reviews/1-1").status, 404)
        self.assertEqual(self.server.get("/v1/reviews/x").status, 404)

    def test_a_count_beyond_its_sources_limit_waits(self):
        self.configure(count_limit={"units": 5, "percent": 10}, age_limit=3600)
        self.assertEqual(self.server.get("/v1/sources/pos").json()["count_limit"], {"units": 5, "percent": 10})
        self.send("receive", item="A", location="L", quantity=100, occurred_at=before(3000))
        counted = self.send("count", item="A", location="L", quantity=80, counted_to=before(2000))
        self.assertEqual((counted["brake"], counted["cells"]),
                         ("count_limit", [{"item": "A", "location": "L", "change": -20, "books": 100}]))
        self.assertNotIn("counted", counted)
        self.assertEqual(self.on_hand(), 100)
        self.assertEqual(self.send("count", item="A", location="L", quantity=95, counted_to=before(1900))["counted"][0]
                         ["variance"], -5)
        # Accepted, it is a count that comes late: the one behind it stands.
        accepted = self.send("resolve", source="boss", review=counted["review"], verdict="accept")
        self.assertEqual((accepted["counted"][0]["variance"], accepted["corrected"][0]["variance"]), (-20, 15))
        self.assertEqual(self.on_hand(), 95)
        aged = self.send("receive", item="A", location="L", quantity=1, occurred_at=before(4000), seq=1)
        self.assertEqual(aged["brake"], "age_limit")
        rejected = self.send("resolve", source="boss", review=aged["review"], verdict="reject")
        self.assertEqual((rejected["verdict"], rejected["figures"], self.on_hand()), ("reject", [], 95))

    def test_limits_that_make_no_sense_are_named(self):
        for body, code in (({"count_limit": 5}, "bad_value"), ({"count_limit": {}}, "bad_value"),
                           ({"count_limit": {"units": -1}}, "bad_value"), ({"count_limit": {"percent": 0.5}}, "bad_value"),
                           ({"count_limit": {"pieces": 1}}, "unknown_field"), ({"age_limit": 0}, "bad_value"),
                           ({"age_limit": "1h"}, "bad_value")):
            response = self.server.request("PUT", "/v1/sources/pos", json.dumps(body).encode())
            self.assertEqual((response.status, response.json()["code"]), (422, code), body)


if __name__ == "__main__":
    unittest.main()
