#!/usr/bin/env python3
"""
Goal: story S3 of the contract (an ERP that reports net figures), every number of it, and what else a snapshot may be: as of
a position with the source's own `seq`, as of a time, by each policy; what the systems differ by is in /v1/drift. Those that
nobody should apply blindly are not.
Method: over HTTP, with restarts; the differences are computed here.
"""
import datetime
import json
import unittest

from server import FolderCase

UTC = datetime.timezone.utc


def before(seconds):
    return (datetime.datetime.now(UTC) - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Snapshots(FolderCase):
    def setUp(self):
        super().setUp()
        self.server = self.start()
        self.number = 0

    def send(self, kind, quantity, status=200, source="erp", item="A", **fields):
        self.number += 1
        response = self.server.send(kind=kind, source=source, id=str(self.number), item=item, location="L",
                                    quantity=quantity, **fields)
        self.assertEqual(response.status, status, response)
        return response.json()

    def cell(self, item="A", **figures):
        have = self.server.get("/v1/stock/%s/L" % item).json()
        self.assertEqual({name: have[name] for name in figures}, figures)

    def drift(self, query=""):
        return [(row["source"], row["item"], row["stated"], row["books"], row["difference"], row["policy"])
                for row in self.server.get("/v1/drift" + query).json()["drift"]]

    def configure(self, **body):
        response = self.server.request("PUT", "/v1/sources/erp", json.dumps(body).encode())
        self.assertEqual(response.status, 200, response)

    def test_what_it_found_did_not_move(self):
        """
        10 an hour ago, at 40 minutes a snapshot of 8. A count whose window has that time in it: a sale of 1 is
        uncertain, what the snapshot found is not.
        """
        self.send("receive", 10, occurred_at=before(3600))
        self.assertEqual(self.send("snapshot", 8, seen={"time": before(2400)})["stated"][0]["booked"], -2)
        self.send("sale", 1, occurred_at=before(2000))
        counted = self.send("count", 7, counted_from=before(3000), counted_to=before(1000))["counted"][0]
        self.assertEqual((counted["variance"], counted["uncertain"]), (0, 1))

    def test_story_s3(self):
        """
        At position 900 (here 2): OH 54, order O1 committed 5, available 49. Then a till sale of 4 and O2 commits 3: OH 50,
        committed 8, available 42. The ERP's snapshot `available` 44, contains committed, seen 900: variance -5: OH 45,
        committed 8, available 37.
        """
        self.send("receive", 54)
        position = self.send("commit", 5, hold="O1")["position"]
        self.cell(on_hand=54, committed=5, available=49)
        self.send("sale", 4)
        self.send("commit", 3, hold="O2")
        self.cell(on_hand=50, committed=8, available=42)
        answer = self.send("snapshot", 44, measure="available", contains="committed", seen={"position": position})
        self.assertEqual(answer["stated"], [{"item": "A", "location": "L", "condition": "sellable", "quantity": 44,
                                             "books": 49, "difference": -5, "booked": -5}])
        self.cell(on_hand=45, committed=8, available=37)
        event = self.server.events()[-1]
        self.assertEqual((event["type"], event["account"], event["snapshot"]),
                         ("snapshot", "@loss", {"source": "erp", "stated": 44, "books": 49, "difference": -5,
                                                "policy": "rebase", "seen": {"position": position}}))
        self.assertEqual(self.drift(), [("erp", "A", 44, 49, -5, "rebase")])
        self.server.stop()
        self.server = self.start()
        self.assertEqual(self.drift("?source=erp&item=A"), [("erp", "A", 44, 49, -5, "rebase")])
        agreed = self.send("snapshot", 37, measure="available", seen={"position": answer["position"]})
        self.assertEqual(agreed["stated"][0]["difference"], 0)
        self.assertEqual((self.drift(), self.drift("?state=agrees")), ([], [("erp", "A", 37, 37, 0, "rebase")]))

    def test_story_s3_an_empty_set(self):
        """An empty set with `last: true`: review, nothing changes."""
        self.send("receive", 45)
        self.send("receive", 5, item="B")
        seen = {"position": self.server.position()}
        line = {"location": "L", "quantity": 45, "item": "A"}
        for number, fields in enumerate(({"lines": [line], "set": "erp-1121"},
                                         {"lines": [{**line, "item": "B", "quantity": 5}], "set": "erp-1121", "last": True})):
            answer = self.server.send(kind="snapshot", source="erp", id="s%d" % number, seen=seen, **fields)
            self.assertEqual(answer.status, 200, answer)
        held = self.server.send(kind="snapshot", source="erp", id="s8", seen=seen, set="erp-1122", last=True, lines=[]).json()
        self.assertEqual((held["brake"], held["cells"]), ("max_change", [
            {"item": "B", "location": "L", "change": -5, "books": 5}, {"item": "A", "location": "L", "change": -45, "books": 45}]))
        self.cell(on_hand=45)
        self.assertIn("cut off", held["detail"])
        self.assertIn("resolve", held["detail"])
        # One that leaves out a small part lets it go, once that is so little for its source.
        self.configure(max_change={"units": 5, "percent": 60})
        answer = self.server.send(kind="snapshot", source="erp", id="s9", seen=seen, set="erp-1123", last=True, lines=[line])
        self.assertEqual([(row["item"], row["difference"]) for row in answer.json()["stated"]], [("A", 0), ("B", -5)])
        self.cell(item="B", on_hand=0)
        closed = self.server.send(kind="snapshot", source="erp", id="s10", seen=seen, set="erp-1123", lines=[line])
        self.assertEqual((closed.status, closed.json()["code"]), (409, "set_closed"))
        for fields in ({"lines": []}, {"last": True}, {"set": "x"}, {"set": "", "last": True}):
            self.assertEqual(self.server.send(kind="snapshot", source="erp", id="x", seen=seen, **fields).status, 422, fields)
        self.server.stop()
        self.server = self.start()
        self.cell(item="B", on_hand=0)

    def test_what_the_source_told_itself_is_in_its_figure(self):
        position = self.send("receive", 10, seq=1)["position"]
        self.send("sale", 3, seq=2)
        self.send("sale", 2, source="till")
        # The ERP has read the receipt alone, but knows of its own sale.
        answer = self.send("snapshot", 7, seq=3, seen={"position": position, "seq": 2})
        self.assertEqual(answer["stated"][0]["difference"], 0)
        self.cell(on_hand=5)

    def test_what_a_source_said_is_found_once_though_it_lags(self):
        position = self.send("receive", 10)["position"]
        self.assertEqual(self.send("snapshot", 8, seen={"position": position})["stated"][0]["booked"], -2)
        sold = self.send("sale", 1, source="till")["position"]
        # The next nights it has not read what became of it: the same again, and one more that it has found.
        self.assertEqual(self.send("snapshot", 8, seen={"position": position})["stated"][0]["difference"], 0)
        answer = self.send("snapshot", 9, seen={"position": position})
        self.assertEqual((answer["stated"][0]["books"], answer["stated"][0]["booked"]), (8, 1))
        self.server.stop()
        self.server = self.start()
        self.assertEqual(self.send("snapshot", 8, seen={"position": sold})["stated"][0]["difference"], 0)
        self.cell(on_hand=8)

    def test_as_of_a_time_what_comes_late_was_in_the_figure(self):
        self.send("receive", 10, occurred_at=before(3000))
        answer = self.send("snapshot", 7, seen={"time": before(2000)})
        self.assertEqual(answer["stated"][0]["difference"], -3)
        late = self.send("sale", 2, source="till", occurred_at=before(2500))
        self.assertEqual([(row["count"], row["variance"]) for row in late["corrected"]], [(answer["position"], -1)])
        self.cell(on_hand=7)
        self.send("sale", 2, source="till", occurred_at=before(1500))
        self.cell(on_hand=5)

    def test_policies(self):
        self.configure(snapshot_policy="report", max_change={"percent": 10})
        self.assertEqual(self.server.get("/v1/sources/erp").json()["snapshot_policy"], "report")
        position = self.send("receive", 10)["position"]
        self.assertEqual(self.send("snapshot", 3, seen={"position": position})["stated"][0]["booked"], 0)
        self.cell(on_hand=10)
        self.assertEqual(self.drift(), [("erp", "A", 3, 10, -7, "report")])
        self.configure(max_change={"percent": 10})
        held = self.send("snapshot", 8, seen={"position": self.server.position()})
        self.assertEqual((held["brake"], held["cells"]),
                         ("max_change", [{"item": "A", "location": "L", "change": -2, "books": 10}]))
        review = self.server.get("/v1/reviews/" + held["review"]).json()
        self.assertEqual(set(review["command"]["seen"]), {"position"})
        self.number += 1
        accepted = self.server.send(kind="resolve", source="boss", id="r1", review=held["review"], verdict="accept").json()
        self.assertIn("stated", accepted)
        self.assertEqual(accepted["stated"][0]["booked"], -2)
        self.cell(on_hand=8)
        self.configure(snapshot_policy="compare_and_set")
        seen = {"position": self.server.position()}
        self.send("sale", 1, source="till")
        self.assertEqual(self.send("snapshot", 8, 409, seen=seen)["code"], "precondition_failed")
        self.configure(snapshot_policy="latest_event_time")
        self.assertEqual(self.send("snapshot", 6, seen=seen)["stated"][0]["booked"], 0)
        self.cell(on_hand=7)
        self.configure(snapshot_policy="review")
        self.assertEqual(self.send("snapshot", 6, seen={"position": self.server.position()})["brake"], "policy")

    def test_a_file_that_is_halved_turned_or_of_another_place_changes_nothing(self):
        for item in "ABCD":
            self.send("receive", 10, item=item, source="wms")
        for item in "WXYZ":
            self.send("receive", 10, item=item, source="wms")

        def told(name, items, quantity=10):
            return self.server.send(kind="snapshot", source="erp", id=name, seen={"position": self.server.position()}, set=name,
                                    last=True, lines=[{"item": item, "location": "L", "quantity": quantity} for item in items])

        self.assertEqual([row["booked"] for row in told("mon", "ABCD").json()["stated"]], [0] * 4)
        for name, items, gone in (("halved", "AB", "DC"), ("elsewhere", "WXYZ", "DCBA"), ("empty", "", "DCBA")):
            held = told(name, items).json()
            self.assertEqual(held["brake"], "max_change", name)
            self.assertEqual([(row["item"], row["change"]) for row in held["cells"]], [(item, -10) for item in gone])
        turned = told("turned", "ABCD", -10)
        self.assertEqual((turned.status, turned.json()["field"]), (422, "/lines/0/quantity"))
        for item in "ABCDWXYZ":
            self.cell(item, on_hand=10)
        self.assertEqual(told("tue", "ABC").status, 200)
        self.cell("D", on_hand=0)

    def test_a_difference_asks_for_a_count(self):
        def tasks():
            return [(row["item"], row["count_asked"], row["counted"])
                    for row in self.server.get("/v1/drift?state=to_count").json()["drift"]]

        def drifts():
            metric = next(line for line in self.server.get("/metrics").body.decode().split("\n")
                          if line.startswith('onhand_source_drift{source="erp"}'))
            return self.server.get("/v1/sources/erp").json()["drift"], int(metric.split()[1])

        self.configure(snapshot_policy="count")
        self.send("receive", 10, source="wms")
        self.send("receive", 10, source="wms", item="B")
        position = self.server.position()
        self.assertEqual(drifts(), (0, 0))
        self.send("snapshot", 7, seen={"position": position})
        self.send("snapshot", 11, seen={"position": position}, item="B")
        asked = [event for event in self.server.events() if event["type"] == "count_asked"]
        self.assertEqual([(event["item"], event["quantity"], event["condition"], event["asked_by"], event["delta"]) for event in asked],
                         [("A", -3, "sellable", "erp", {}), ("B", 1, "sellable", "erp", {})])
        self.assertEqual(tasks(), [("A", asked[0]["position"], None), ("B", asked[1]["position"], None)])
        self.assertEqual(drifts(), (2, 2))
        self.cell(on_hand=10)
        # It is counted: something is missing, and nothing of the other one.
        self.send("count", 7, source="wms", counted_to=before(-1))
        self.send("count", 10, source="wms", item="B", counted_to=before(-1))
        self.assertEqual((tasks(), drifts()), ([], (2, 2)))
        self.send("snapshot", 7, seen={"position": self.server.position()})
        self.send("snapshot", 11, seen={"position": self.server.position()}, item="B")
        row, = self.server.get("/v1/drift").json()["drift"]
        self.assertEqual((row["item"], row["difference"], row["count_asked"]), ("B", 1, asked[1]["position"]))
        self.assertGreater(int(row["counted"].split("-")[1]), int(row["count_asked"].split("-")[1]))
        self.assertEqual((tasks(), drifts()), ([], (1, 1)))
        self.server.stop()
        self.server = self.start()
        self.assertEqual((self.server.get("/v1/drift").json()["drift"], drifts()), ([row], (1, 1)))
        self.send("count", 0, source="wms", item="B", counted_to=before(-1))
        self.assertEqual(self.server.request("DELETE", "/v1/items/B").status, 200)
        self.assertEqual((self.server.get("/v1/drift").json()["drift"], drifts()), ([], (0, 0)))
        self.send("snapshot", 9, seen={"position": self.server.position()})
        self.assertEqual((len(tasks()), drifts()), (1, (1, 1)))
        self.assertEqual(self.server.request("DELETE", "/v1/sources/erp").status, 200)
        self.assertEqual(tasks(), [])

    def test_what_lies_in_bins_is_told_there(self):
        """
        12 lie in two bins of L, 8 are committed: everybody is told available 4 of L, on_hand 12. Who says so of L is refused,
        who says it of the bins is heard.
        """
        for location, body in (("L", {}), ("L1", {"parent": "L", "promise": False}), ("L2", {"parent": "L", "promise": False})):
            self.assertEqual(self.server.request("PUT", "/v1/locations/" + location, json.dumps(body).encode()).status, 200)
        self.server.send(kind="receive", source="wms", id="r",
                         lines=[{"item": "A", "location": "L1", "quantity": 7}, {"item": "A", "location": "L2", "quantity": 5}])
        self.send("commit", 8, hold="O")
        there = self.server.get("/v1/stock/A/L").json()
        self.assertEqual((there["on_hand"], there["available"]), (12, 4))
        for measure in ("available", "on_hand"):
            refused = self.send("snapshot", there[measure], 409, measure=measure, seen={"position": self.server.position()})
            self.assertEqual((refused["code"], refused["field"], refused["cells"]),
                             ("has_bins", "/lines", [{"item": "A", "location": "L", "asked": there[measure], "free": 0}]))
        self.assertEqual(self.server.get("/v1/stock/A/L").json(), there)
        told = self.server.send(kind="snapshot", source="erp", id="bins", seen={"position": self.server.position()},
                                lines=[{"item": "A", "location": "L1", "quantity": 7}, {"item": "A", "location": "L2", "quantity": 3}])
        self.assertEqual([row["booked"] for row in told.json()["stated"]], [0, -2])
        self.cell(on_hand=10, available=2)

    def test_a_location_can_have_another_policy(self):
        for location, parent in (("shops", None), ("S1", "shops")):
            body = {} if parent is None else {"parent": parent}
            self.server.request("PUT", "/v1/locations/" + location, json.dumps(body).encode())
        self.configure(snapshot_policies={"shops": "report", "X": "count"})
        self.assertEqual(self.server.get("/v1/sources/erp").json()["snapshot_policies"], {"X": "count", "shops": "report"})
        self.send("receive", 10)
        self.server.send(kind="receive", source="wms", id="r", item="A", location="S1", quantity=10)
        self.server.stop()
        self.server = self.start()
        lines = [{"item": "A", "location": location, "quantity": 8} for location in ("L", "S1")]
        answer = self.server.send(kind="snapshot", source="erp", id="two", seen={"position": self.server.position()}, lines=lines)
        self.assertEqual([(row["location"], row["difference"], row["booked"]) for row in answer.json()["stated"]],
                         [("L", -2, -2), ("S1", -2, 0)])
        self.assertEqual([row["policy"] for row in self.server.get("/v1/drift").json()["drift"] if row["location"] == "S1"], ["report"])
        refused = self.server.request("DELETE", "/v1/locations/X")
        self.assertEqual((refused.status, refused.json()["code"], refused.json()["field"]),
                         (409, "in_use", "/snapshot_policies"))

    def test_bad_ones_are_never_applied_blindly(self):
        first = self.send("receive", 10)["position"]
        second = self.send("receive", 10)["position"]
        self.send("snapshot", 20, seen={"position": second})
        for wanted, code, seen in ((409, "snapshot_passed", {"position": first}),
                                   (409, "in_future", {"position": "1-1000"}),
                                   (409, "in_future", {"time": "2999-01-01T00:00:00Z"}),
                                   (409, "seen_forked", {"position": second.replace("1-", "2-")}),
                                   (409, "in_future", {"position": second, "seq": 5}),
                                   (422, "bad_value", {}), (422, "bad_value", "now"), (422, "bad_value", {"position": 7}),
                                   (422, "bad_value", {"position": second, "time": before(1)}),
                                   (422, "missing_field", {"seq": 3}),
                                   (422, "bad_value", {"time": before(1), "seq": 3}),
                                   (422, "unknown_field", {"version": 3})):
            problem = self.send("snapshot", 0, wanted, seen=seen)
            self.assertEqual(problem["code"], code, seen)
        self.send("snapshot", -20, 422, seen={"position": second})
        self.send("snapshot", 20, 422, contains="committed", seen={"position": second})
        self.cell(on_hand=20)


if __name__ == "__main__":
    unittest.main()
