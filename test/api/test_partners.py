#!/usr/bin/env python3
"""
Goal: a system that is told our figures and reports its own takes nothing off twice, and nothing is told again because it
came back. What the shop changed and nobody told is in /v1/drift until it is settled.

Method: a simulated shop follows the feed and sets its stock to each `available` it is told. It sells from that stock at once,
sends the order later, and reports every change of its figure, its own and those it was told: late, twice, and in any order.
What the books must say is summed here: what came in less what was sold. The server is stopped and started on the way, and
after each run the events of each cell are counted.
"""
import datetime
import json
import os
import random
import unittest

from server import FolderCase, verify

SEEDS = (1, 2, 3, 4)
ITEMS = ("A", "B", "C")
STEPS = 150
UTC = datetime.timezone.utc


class Shop:
    """Its stock, what it still has to send, and where in the feed it is."""

    def __init__(self, case, rng):
        self.case, self.rng = case, rng
        self.stock, self.sold, self.reports, self.orders, self.told = {}, 0, [], [], 0
        self.after, self.number = case.server.position(), 0
        self.now = datetime.datetime.now(UTC) - datetime.timedelta(minutes=30)

    def change(self, item, quantity):
        """The figure is another one now. Each change is reported twice, each time by an id of its own."""
        if self.stock.get(item) == quantity:
            return
        self.stock[item] = quantity
        self.now += datetime.timedelta(milliseconds=1)
        for _ in range(2):
            self.number += 1
            self.reports.append({"kind": "snapshot", "id": "r%d" % self.number, "source": "shop", "item": item, "location": "L",
                                 "quantity": quantity, "occurred_at": self.now.isoformat()})

    def sell(self, item, quantity):
        self.sold += 1
        order = {"source": "shop", "hold": "O%d" % self.sold, "item": item, "location": "L", "quantity": quantity}
        self.orders.append([{"kind": kind, "id": "%s%d" % (kind, self.sold), **order} for kind in ("commit", "ship")])
        self.change(item, self.stock[item] - quantity)

    def follow(self):
        for event in self.case.server.events(after=self.after):
            self.after = event["position"]
            if "figures" in event:
                self.told += 1
                self.change(event["item"], event["figures"]["available"])

    def report(self, most):
        """Some of those that wait, whichever."""
        self.rng.shuffle(self.reports)
        for command in [self.reports.pop() for _ in range(min(most, len(self.reports)))]:
            answer = self.case.send(**command)
            self.case.assertEqual(answer["figures"], [])
            if self.rng.random() < 0.1:  # and once more by the same id
                self.case.assertEqual(self.case.send(**command), {**answer, "replayed": True})

    def order(self):
        if self.orders:
            steps = self.rng.choice(self.orders)
            self.case.send(**steps.pop(0))
            self.orders = [steps for steps in self.orders if steps]


class Partners(FolderCase):
    def setUp(self):
        super().setUp()
        self.server = self.start()
        self.pair()

    def pair(self, **body):
        answer = self.server.request("PUT", "/v1/sources/shop", json.dumps({"pair": True, **body}).encode())
        self.assertEqual(answer.status, 200, answer)

    def send(self, status=200, **command):
        answer = self.server.send(**command)
        self.assertEqual(answer.status, status, answer)
        return answer.json()

    def restart(self):
        self.server.stop()
        self.server.start()

    def fact(self, kind, quantity, item="A", **fields):
        self.number = getattr(self, "number", 0) + 1
        return self.send(kind=kind, source="wms", id=str(self.number), item=item, location="L", quantity=quantity, **fields)

    def report(self, quantity, item="A", status=200, **fields):
        self.number = getattr(self, "number", 0) + 1
        return self.send(status, kind="snapshot", source="shop", id="p%d" % self.number, item=item, location="L",
                         quantity=quantity, **fields)

    def drift(self, query=""):
        return [(row["item"], row["stated"], row["books"], row["difference"])
                for row in self.server.get("/v1/drift?source=shop" + query).json()["drift"]]

    def figures(self, item):
        return self.server.cell(item, "L")

    def test_late_twice_and_out_of_order(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                self.play(random.Random(seed))

    def play(self, rng):
        folder = os.path.join(self.folder, "%d" % len(self.servers))
        os.mkdir(folder)
        self.server = self.start(folder=folder)
        self.pair()
        shop = Shop(self, rng)
        here, booked = dict.fromkeys(ITEMS, 0), dict.fromkeys(ITEMS, 0)
        sold = dict.fromkeys(ITEMS, 0)
        for item in ITEMS:
            self.fact("receive", 1000, item)
            here[item] += 1000
            booked[item] += 1
        shop.follow()
        for step in range(STEPS):
            item, quantity = rng.choice(ITEMS), rng.randint(1, 5)
            what = rng.random()
            if what < 0.35:
                shop.sell(item, quantity)
                sold[item] += quantity
            elif what < 0.45:
                self.fact("receive", quantity, item)
                here[item] += quantity
                booked[item] += 1
            elif what < 0.6:
                shop.follow()
            elif what < 0.8:
                shop.report(4)
            else:
                shop.order()
            if step == STEPS // 2:
                self.restart()
        # All that is on the way arrives, in any order; it ends, since what comes back is not told again.
        rounds = 0
        while shop.reports or shop.orders:
            rounds += 1
            self.assertLess(rounds, 10000)
            rng.choice((lambda: shop.report(3), shop.order, shop.follow))()
            if not shop.reports and not shop.orders:
                shop.follow()
        for item in ITEMS:
            wanted = here[item] - sold[item]
            cell = self.figures(item)
            self.assertEqual((cell["on_hand"], cell["available"], cell["committed"]), (wanted, wanted, 0), item)
            self.assertEqual(shop.stock[item], wanted)
        self.assertEqual(self.drift(), [])
        self.assertEqual(sorted(self.drift("&state=agrees")), [(item, here[item] - sold[item], here[item] - sold[item], 0)
                                                              for item in ITEMS])
        # Nothing but what was sent was booked: an event for each fact, two for each order.
        of_cells = [event for event in self.server.events() if "figures" in event]
        self.assertEqual(len(of_cells), sum(booked.values()) + 2 * shop.sold)
        self.assertEqual(shop.told, len(of_cells))
        reports = self.server.events("&include=reported&type=reported")
        self.assertEqual(len(reports), shop.number)
        self.assertTrue(any("late" in event["report"] for event in reports))
        self.assertTrue(any("difference" in event["report"] for event in reports))
        figures = self.server.figures()
        self.server.stop()
        verify(os.path.join(folder, "data"))
        self.server.start()
        self.assertEqual(self.server.figures(), figures)
        self.assertEqual(self.drift(), [])

    def test_a_figure_that_was_told_is_confirmed(self):
        first = self.fact("receive", 40)["position"]
        second = self.fact("sale", 3)["position"]
        answer = self.report(37)
        self.assertEqual(answer["stated"], [{"item": "A", "location": "L", "condition": "sellable", "quantity": 37,
                                             "measure": "available", "confirmed": {"position": second}}])
        self.assertEqual(answer["figures"], [])
        late = self.report(40)["stated"][0]
        self.assertEqual((late["confirmed"], late["late"]), ({"position": first}, True))
        self.assertEqual((self.drift(), self.drift("&state=agrees")), ([], [("A", 37, 37, 0)]))
        self.assertEqual(self.figures("A")["version"], 2)
        self.assertEqual(self.report(37, measure="on_hand")["stated"][0]["confirmed"], {"position": second})

    def test_what_nobody_told_is_drift_until_it_is_settled(self):
        first = self.fact("receive", 40)["position"]
        self.report(40)
        answer = self.report(50)  # somebody typed it into the shop
        self.assertEqual(answer["stated"][0], {"item": "A", "location": "L", "condition": "sellable", "quantity": 50,
                                               "measure": "available", "books": 40, "difference": 10})
        self.assertEqual(self.drift(), [("A", 50, 40, 10)])
        self.restart()
        row = self.server.get("/v1/drift").json()["drift"][0]
        self.assertEqual((row["measure"], row["agreed"]["seen"], row["policy"]), ("available", {"position": first}, "report"))
        self.assertEqual(list(row["seen"]), ["time"])
        self.assertEqual((self.figures("A")["on_hand"], self.figures("A")["version"]), (40, 1))
        self.fact("receive", 1)  # the shop is told 41, and says so
        self.assertEqual(self.drift(), [("A", 50, 40, 10)])
        self.report(41)
        self.assertEqual(self.drift(), [])
        self.assertEqual(list(self.server.get("/v1/drift?state=agrees").json()["drift"][0]["seen"]), ["position"])
        # Or the books come to it.
        self.report(44)
        self.fact("receive", 3)
        self.assertEqual((self.drift(), self.drift("&state=agrees")), ([], [("A", 44, 44, 0)]))

    def test_who_is_no_partner_any_more_has_no_reports(self):
        """It could not report what ends the difference. What it says with `seen` stays, and a partner again has said what it had."""
        position = self.fact("receive", 40)["position"]
        self.report(50)
        self.report(39, seen={"position": position})
        self.assertEqual(sorted(self.drift()), [("A", 39, 40, -1), ("A", 50, 40, 10)])
        self.pair(pair=False)
        self.assertEqual(self.drift(), [("A", 39, 40, -1)])
        self.report(50, status=422)
        self.restart()
        self.assertEqual((self.drift(), self.drift("&state=agrees")), ([("A", 39, 40, -1)], []))
        self.pair()
        self.assertEqual(sorted(self.drift()), [("A", 39, 40, -1), ("A", 50, 40, 10)])
        self.report(39)
        self.assertEqual((self.drift(), self.drift("&state=agrees")), ([("A", 39, 40, -1)], [("A", 39, 39, 0)]))

    def test_a_shop_that_sold_is_not_deducted_twice(self):
        self.fact("receive", 10)
        self.report(8)
        self.assertEqual((self.drift(), self.figures("A")["available"]), ([("A", 8, 10, -2)], 10))
        self.send(kind="commit", source="shop", id="c", hold="O", item="A", location="L", quantity=2)
        self.assertEqual((self.drift(), self.figures("A")["available"]), ([], 8))
        self.assertIn("confirmed", self.report(8)["stated"][0])
        self.assertEqual(self.figures("A")["available"], 8)

    def test_what_it_had_not_heard_of_explains_a_difference(self):
        told = self.fact("receive", 10)["position"]
        self.report(10)
        unheard = self.fact("receive", 5)["position"]
        self.send(kind="hold", source="shop", id="h", hold="H", item="A", location="L", quantity=1)  # its own it knows of
        report = self.report(9)["position"]
        self.fact("receive", 1)
        row = self.server.get("/v1/drift?explain=true").json()["drift"][0]
        self.assertEqual((row["difference"], row["agreed"]["seen"]), (-5, {"position": told}))
        self.assertEqual([(part["why"], part["value"], part["position"], part["told"]) for part in row["explain"][0]["sum"]],
                         [("lacks", -5, unheard, report)])
        self.report(6)
        row = self.server.get("/v1/drift?explain=true").json()["drift"][0]
        self.assertEqual(sum(part["value"] for part in row["explain"][0]["sum"]), row["difference"])
        self.fact("sale", 9)
        row = self.server.get("/v1/drift?explain=true&state=agrees").json()["drift"][0]
        self.assertEqual((row["stated"], row["explain"][0]["sum"]), (6, []))

    def test_reports_are_told_to_those_alone_who_ask(self):
        self.fact("receive", 10)
        begin = self.server.position()
        position = self.report(9)["position"]
        self.assertEqual(self.server.events(after=begin), [])
        self.assertEqual(self.server.events("&item=A&location=L", begin), [])
        for query in ("&include=reported", "&include=refused,reported", "&include=reported&item=A&location=L&source=shop"):
            event = self.server.events(query, begin)[0]
            self.assertEqual((event["position"], event["type"], event["item"], event["location"], event["report"]),
                             (position, "reported", "A", "L", {"source": "shop", "stated": 9, "measure": "available",
                                                               "books": 10, "difference": -1}))
            self.assertEqual({"figures", "delta", "version"} & set(event), set())
        self.assertEqual(self.server.get("/v1/feed?include=reported,refused").status, 422)
        self.assertEqual([row["type"] for row in self.server.get("/v1/history/A").json()["entries"]], ["receive"])

    def test_reviewed(self):
        self.pair(snapshot_policy="review")
        self.fact("receive", 10)
        self.assertIn("stated", self.report(10))
        held = self.report(7)
        self.assertEqual((held["brake"], held["cells"]),
                         ("policy", [{"item": "A", "location": "L", "change": -3, "books": 10}]))
        command = self.server.get("/v1/reviews/" + held["review"]).json()["command"]
        self.assertEqual((command["measure"], "seen" in command), ("available", False))
        self.restart()
        accepted = self.send(kind="resolve", source="boss", id="r", review=held["review"], verdict="accept")
        self.assertEqual(accepted["stated"][0]["difference"], -3)
        self.assertEqual((self.drift(), self.figures("A")["on_hand"]), ([("A", 7, 10, -3)], 10))

    def test_bad_ones(self):
        self.fact("receive", 10)
        for status, code, fields in ((422, "missing_field", {"set": "mon"}), (422, "missing_field", {"contains": "none"}),
                                     (422, "bad_value", {"condition": "damaged"}), (409, "unknown_item", {"item": "X"}),
                                     (422, "bad_value", {"seen": {"position": "1-2"}, "occurred_at": "2026-01-01T00:00:00Z"})):
            self.assertEqual(self.report(9, status=status, **fields)["code"], code, fields)
        self.fact("receive", 1, "B")
        self.send(kind="receive", source="wms", id="m", item="B", location="M", quantity=1)
        unknown = self.send(409, kind="snapshot", source="shop", id="u", item="A", location="M", quantity=1)
        self.assertEqual((unknown["code"], unknown["cells"]),
                         ("unknown_cell", [{"item": "A", "location": "M", "asked": 1, "free": 0}]))
        # Who is no partner says what it has seen.
        for source in ("other", "wms"):
            answer = self.send(422, kind="snapshot", source=source, id="x", item="A", location="L", quantity=10)
            self.assertEqual((answer["code"], answer["field"]), ("missing_field", "/seen"))
        self.assertEqual((self.drift(), self.figures("A")["version"]), ([], 1))


if __name__ == "__main__":
    unittest.main()
