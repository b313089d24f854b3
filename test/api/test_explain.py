#!/usr/bin/env python3
"""
Goal: explain=true says what is behind a figure, and it is the truth: parts sum to their node, all the way down, and each leaf is
an entry that the feed has, a claim that is open, or a rule that was set.
Method: trees are walked by one checker; what their leaves say is compared with the feed, the holds and the documents. Stories
with numbers, and a random history of goods, claims, bins, transfers and policy, with late facts, now and as of any time.
"""
import datetime
import json
import random
import unittest
from decimal import Decimal
from urllib.parse import quote

from server import FolderCase, ServerCase, until

UTC = datetime.timezone.utc
KEYS = ("figure", "position", "hold", "transfer", "expectation", "rest", "rule", "location")
NAMED = 20  # entries of a figure


def check_sums(node):
    """Parts sum to their node. Returns its leaves."""
    assert sum(key in node for key in KEYS) >= 1, node
    if not node.get("sum"):
        assert "sum" not in node or node["value"] == 0, node
        return [node]
    assert sum(Decimal(str(part["value"])) for part in node["sum"]) == Decimal(str(node["value"])), node
    leaves = [leaf for part in node["sum"] for leaf in check_sums(part)]
    assert sum(Decimal(str(leaf["value"])) for leaf in leaves) == Decimal(str(node["value"])), node
    return leaves


def check_all(answer, figures=None):
    """All trees of an answer of stock. Returns them by figure."""
    figures = figures or answer
    for node in answer["explain"]:
        check_sums(node)
    trees = {node["figure"]: node for node in answer["explain"]}
    assert len(trees) == len(answer["explain"])
    for name, value in flat(figures).items():
        if name in trees:
            assert trees[name]["value"] == value, (name, trees[name], value)
    for name in ("on_hand", "unavailable", "reserved", "available", "oversold"):
        assert name in trees
    return trees


def flat(figures):
    return {**{k: v for k, v in figures.items() if isinstance(v, (int, float)) and k != "version"}, **figures["conditions"]}


def each(node):
    yield node
    for part in node.get("sum", ()):
        yield from each(part)


def shape(node):
    """What a tree says, short."""
    name = next(node[key] for key in ("figure", "type", "hold", "transfer", "expectation", "rest", "rule", "location")
                if key in node)
    return (name, node["value"], [shape(part) for part in node["sum"]]) if node.get("sum") else (name, node["value"])


class Stories(ServerCase):
    def send(self, kind, **more):
        Stories.number = getattr(Stories, "number", 0) + 1
        answer = self.server.send(kind=kind, source="wms", id=str(self.number), **more)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def explain(self, path, **query):
        query = "".join("&%s=%s" % (k, quote(v)) for k, v in query.items())
        answer = self.server.get("/v1/stock/%s?explain=true%s" % (path, query))
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def test_a_cell_with_a_cart_an_order_and_damage(self):
        line = {"item": "A", "location": "L"}
        self.send("receive", **line, quantity=12)
        self.send("sale", **line, quantity=2)
        self.send("hold", hold="cart9", **line, quantity=3, holder="shop")
        self.send("hold", hold="order1", **line, quantity=1)
        self.send("commit", hold="order1")
        self.send("reclassify", **line, quantity=4, **{"from": "sellable", "to": "damaged"})
        answer = self.explain("A/L")
        trees = check_all(answer)
        sellable = ("sellable", 6, [("reclassify", -4), ("sale", -2), ("receive", 12)])
        damaged = ("damaged", 4, [("reclassify", 4)])
        self.assertEqual(shape(trees["on_hand"]), ("on_hand", 10, [sellable, damaged]))
        self.assertEqual(shape(trees["unavailable"]), ("unavailable", 4, [damaged]))
        self.assertEqual(shape(trees["reserved"]), ("reserved", 4, [("held", 3, [("cart9", 3)]),
                                                                    ("committed", 1, [("order1", 1)])]))
        self.assertEqual(shape(trees["available"]), ("available", 2, [sellable, ("held", -3, [("cart9", -3)]),
                                                                      ("committed", -1, [("order1", -1)])]))
        self.assertEqual(shape(trees["oversold"]), ("oversold", 0, [("available", -2), ("backordered", 0),
                                                                    ("not_below_zero", 2)]))
        cart = trees["reserved"]["sum"][0]["sum"][0]
        self.assertEqual((cart["holder"], cart["state"]), ("shop", "held"))
        self.assertIn("expires_at", cart)
        sale = trees["on_hand"]["sum"][0]["sum"][1]
        self.assertEqual((sale["source"], sale["position"].split("-")[0]), ("wms", "1"))
        # The same in the past is told by entries: claims that were open then are not known by name.
        was = self.explain("A/L", as_of=self.server.events("&item=A")[-1]["recorded_at"])
        trees = check_all(was)
        self.assertEqual(shape(trees["reserved"]), ("reserved", 4, [("held", 3, [("commit", -1), ("hold", 1), ("hold", 3)]),
                                                                    ("committed", 1, [("commit", 1)])]))
        self.assertEqual(was["available"], 2)

    def test_more_than_is_named_is_one_part(self):
        line = {"item": "M", "location": "L"}
        self.send("receive", **line, quantity=1000)
        self.send("receive", **line, quantity=7, condition="damaged")
        for n in range(130):
            self.send("sale", **line, quantity=1)
        for n in range(30):
            self.send("hold", hold="m%d" % n, **line, quantity=2)
        answer = self.explain("M/L")
        trees = check_all(answer)
        by_name = {part["figure"]: part for part in trees["available"]["sum"]}
        sellable = by_name["sellable"]["sum"]
        self.assertEqual([part["value"] for part in sellable], [-1] * NAMED + [890])
        self.assertEqual((sellable[-1]["rest"], sellable[-1]["entries"]), ("entries", 112))
        damaged = {part["figure"]: part for part in trees["on_hand"]["sum"]}["damaged"]
        self.assertEqual(shape(damaged), ("damaged", 7, [("entries", 7)]))
        held = by_name["held"]["sum"]
        self.assertEqual([part.get("hold") for part in held], ["m%d" % n for n in range(29, 9, -1)] + [None])
        self.assertEqual((held[-1]["rest"], held[-1]["value"]), ("claims", -20))

    def test_late_facts_stand_where_they_occurred(self):
        now = datetime.datetime.now(UTC)
        line = {"item": "T", "location": "L"}
        for hours, kind, quantity in ((5, "receive", 10), (3, "sale", 4), (4, "sale", 1)):
            self.send(kind, **line, quantity=quantity, occurred_at=(now - datetime.timedelta(hours=hours)).isoformat())
        for hours, parts in ((3.5, [("sale", -1), ("receive", 10)]), (3, [("sale", -4), ("sale", -1), ("receive", 10)])):
            at = (now - datetime.timedelta(hours=hours)).isoformat()
            trees = check_all(self.explain("T/L", as_of=at, axis="occurred"))
            self.assertEqual(shape(trees["on_hand"])[2][0][2], parts)
        nothing = self.explain("T/L", as_of=(now - datetime.timedelta(hours=3)).isoformat())
        self.assertEqual(shape(check_all(nothing)["available"]), ("available", 0))

    def test_sums_are_told_by_place(self):
        for name, body in (("DC", b"{}"), ("DC/B1", b'{"parent":"DC","promise":false}')):
            answer = self.server.request("PUT", "/v1/locations/" + quote(name, safe=""), body,
                                         {"Content-Type": "application/json"})
            self.assertEqual(answer.status // 100, 2, answer)
        self.send("receive", item="S", location="DC", quantity=3)
        self.send("receive", item="S", location="DC/B1", quantity=4)
        self.send("receive", item="S", location="X", quantity=5)
        self.send("hold", hold="s", item="S", location="DC", quantity=6)
        answer = self.explain("S")
        trees = check_all(answer, answer["total"])
        self.assertEqual(sorted(shape(trees["available"])[2]), [("DC", -3), ("DC/B1", 4), ("X", 5)])
        answer = self.explain("S/DC")
        self.assertEqual(sorted(shape(check_all(answer)["available"])[2]), [("DC", -3), ("DC/B1", 4)])
        bin_cell = self.explain("S/" + quote("DC/B1", safe=""))
        self.assertEqual(shape(check_all(bin_cell)["on_hand"]), ("on_hand", 4, [("sellable", 4, [("receive", 4)])]))

    def test_what_makes_no_sense_is_refused(self):
        self.send("receive", item="R", location="L", quantity=1)
        for value, status in (("true", 200), ("false", 200), ("yes", 422), ("", 422)):
            for path in ("/v1/stock/R/L", "/v1/stock/R"):
                answer = self.server.get("%s?explain=%s" % (path, value))
                self.assertEqual(answer.status, status, value)
                if status == 422:
                    self.assertEqual((answer.json()["code"], answer.json()["field"]), ("bad_value", "explain"))
        self.assertNotIn("explain", self.server.get("/v1/stock/R/L?explain=false").json())
        self.send("receive", item="R2", location="other", quantity=1)
        self.assertEqual(shape(check_all(self.explain("R/other"))["on_hand"]), ("on_hand", 0))


class Offers(ServerCase):
    """Why a channel may sell so many."""

    def send(self, kind, **more):
        Offers.number = getattr(Offers, "number", 0) + 1
        answer = self.server.send(kind=kind, source="wms", id=str(self.number), **more)
        self.assertEqual(answer.status, 200, answer)

    def explain(self, channel, *items):
        query = "".join("&item=" + quote(item) for item in items)
        answer = self.server.get("/v1/availability?explain=true&channel=%s%s" % (channel, query))
        self.assertEqual(answer.status, 200, answer)
        rows = answer.json()["items"]
        for row in rows:
            (tree,) = row["explain"]
            self.assertEqual((tree["figure"], tree["value"]), ("ats", row["ats"]))
            check_sums(tree)
        return rows if len(items) > 1 else rows[0]["explain"][0]

    def put(self, path, body):
        answer = self.server.request("PUT", path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        self.assertEqual(answer.status // 100, 2, answer)

    def test_buffer_safety_stock_quotas_and_cap(self):
        self.send("receive", item="A", location="DC", quantity=100)
        self.send("receive", item="A", location="S1", quantity=8)
        self.send("hold", hold="o", item="A", location="DC", quantity=10)
        self.send("set_policy", item="A", location="DC", safety_stock=5)
        self.send("set_channel", channel="web", locations=["DC", "S1"], buffer=3)
        self.send("set_channel", channel="amz", locations=["DC"])
        self.send("allocate", channel="amz", item="A", location="DC", to=20)
        dc = ("DC", 65, [("available", 90, [("sellable", 100), ("held", -10)]), ("safety_stock", -5), ("quotas", -20)])
        s1 = ("S1", 8, [("available", 8, [("sellable", 8)])])
        tree = self.explain("web", "A")
        self.assertEqual(shape(tree), ("ats", 70, [dc, s1, ("buffer", -3)]))
        quotas = tree["sum"][0]["sum"][2]
        self.assertEqual((quotas["quotas"], quotas["shares_rest"]), ([{"channel": "amz", "quota": 20}], True))
        self.assertEqual((tree["sum"][2]["of"], tree["sum"][2]["set"]), ("channel", 3))
        self.send("set_channel", channel="web", item="A", cap=50, buffer=0)
        tree = self.explain("web", "A")
        self.assertEqual(shape(tree), ("ats", 50, [dc, s1, ("cap", -23)]))
        self.assertEqual((tree["sum"][2]["of"], tree["sum"][2]["set"]), ("item", 50))
        self.send("adjust", item="A", location="DC", quantity=-98, reason="gone")
        self.send("set_channel", channel="web", item="A", buffer=9)
        self.assertEqual(shape(self.explain("web", "A")), ("ats", 0, [
            ("DC", 0, [("available", -8, [("sellable", 2), ("held", -10)]), ("safety_stock", -5), ("not_below_zero", 13),
                       ("quotas", 0)]), s1, ("buffer", -9), ("not_below_zero", 1)]))

    def test_kits_bins_and_what_is_not_there(self):
        self.put("/v1/locations/K", {})
        self.put("/v1/locations/K1", {"parent": "K", "promise": False})
        self.send("receive", item="screw", location="K1", quantity=11)
        self.send("receive", item="board", location="K", quantity=9)
        self.put("/v1/items/KIT", {"scale": 0, "components": [{"item": "screw", "quantity": 4},
                                                              {"item": "board", "quantity": 1}]})
        self.send("receive", item="KIT", location="K", quantity=1)
        self.send("set_channel", channel="kits", locations=["K"])
        kit, screw, none = self.explain("kits", "KIT", "screw", "nothing")
        self.assertEqual(shape(kit["explain"][0]), ("ats", 3, [("K", 3, [("available", 1, [("sellable", 1)]), ("kits", 2)])]))
        rule = kit["explain"][0]["sum"][0]["sum"][1]
        self.assertEqual((rule["component"], rule["component_free"], rule["component_units"]), ("screw", 11, 4))
        self.assertEqual(shape(screw["explain"][0]), ("ats", 11, [("K", 11, [("available", 11, [("sellable", 0),
                                                                                              ("in_bins", 11)])])]))
        self.assertEqual(shape(none["explain"][0]), ("ats", 0))

    def test_what_a_silent_source_withholds(self):
        self.put("/v1/sources/till", {"silence": {"after": 1, "locations": ["Q"], "buffer": 2}})
        self.send("receive", item="W", location="Q", quantity=5)
        self.send("set_channel", channel="quiet", locations=["Q"])
        until(lambda: self.server.get("/v1/sources/till").json()["silent_since"], "the source does not fall silent")
        until(lambda: self.explain("quiet", "W")["value"] == 3, "nothing is withheld")
        self.assertEqual(shape(self.explain("quiet", "W")), ("ats", 3, [("Q", 3, [("available", 5, [("sellable", 5)]),
                                                                               ("withheld", -2)])]))

    def test_random_offers(self):
        rng = random.Random(3)
        for i in range(300):
            item, place, channel = rng.choice("XYZ"), rng.choice(["R1", "R2", "R3"]), rng.choice(["c1", "c2", "c3"])
            kind = rng.choice(["receive", "sale", "hold", "set_policy", "set_channel", "set_channel item", "allocate"])
            line = {"item": item, "location": place}
            if kind == "set_policy":
                self.server.send(kind=kind, source="r", id=str(i), **line, safety_stock=rng.randrange(6))
            elif kind == "set_channel":
                self.server.send(kind=kind, source="r", id=str(i), channel=channel, locations=rng.sample(["R1", "R2", "R3"], 2),
                                 buffer=rng.randrange(5), shares_rest=rng.random() < 0.7, priority=rng.randrange(1, 4))
            elif kind == "set_channel item":
                self.server.send(kind="set_channel", source="r", id=str(i), channel=channel, item=item, cap=rng.randrange(30))
            elif kind == "allocate":
                self.server.send(kind=kind, source="r", id=str(i), channel=channel, **line, to=rng.randrange(20))
            elif kind == "hold":
                self.server.send(kind=kind, source="r", id=str(i), hold="r%d" % i, **line, quantity=rng.randrange(1, 5))
            else:
                self.server.send(kind=kind, source="r", id=str(i), **line, quantity=rng.randrange(1, 12))
            if i > 50 and i % 3 == 0:
                for name in ("c1", "c2", "c3"):
                    self.explain(name, "X", "Y", "Z")

    def atp(self, item, at=None):
        answer = self.server.get("/v1/atp/%s?location=P&explain=true%s" % (item, "&at=" + at if at else ""))
        self.assertEqual(answer.status, 200, answer)
        (tree,) = answer.json()["explain"]
        self.assertEqual((tree["figure"], tree["value"]), ("atp", answer.json()["atp"]))
        check_sums(tree)
        return tree

    def test_what_can_be_promised(self):
        self.send("receive", item="N", location="P", quantity=10)
        self.send("set_policy", item="N", location="P", safety_stock=2)
        self.send("hold", hold="n", item="N", location="P", quantity=3)
        for name, due, quantity, direction in (("PO1", "2099-01-10", 20, "in"), ("SO1", "2099-01-20", 15, "out"),
                                               ("PO2", "2099-02-01", 30, "in"), ("OLD", "2001-01-01", 99, "in")):
            self.send("expect", expectation=name, item="N", location="P", quantity=quantity, due=due, direction=direction)
        goods = [("sellable", 10), ("in_bins", 0), ("held", -3), ("committed", 0), ("safety_stock", -2)]
        tree = self.atp("N")
        self.assertEqual(shape(tree), ("atp", 5, goods + [("OLD", 0)]))
        self.assertTrue(tree["sum"][5]["overdue"])
        self.assertEqual(shape(self.atp("N", "2099-01-15")), ("atp", 10, goods + [("OLD", 0), ("PO1", 20), ("SO1", -15)]))
        self.assertEqual(shape(self.atp("N", "2099-03-01")), ("atp", 40, goods + [("OLD", 0), ("PO1", 20), ("SO1", -15),
                                                                                 ("PO2", 30)]))
        for n in range(120):
            self.send("expect", expectation="M%d" % n, item="N", location="P", quantity=1, due="2099-04-01",
                      direction="in")
        self.assertEqual(shape(self.atp("N", "2099-05-01"))[2][-1], ("documents", 24))
        self.send("receive", item="bolt", location="P", quantity=9)
        self.put("/v1/items/SET", {"scale": 0, "components": [{"item": "bolt", "quantity": 2}]})
        self.send("receive", item="SET", location="P", quantity=1)
        self.assertEqual(shape(self.atp("SET"))[2][-1], ("kits", 4))

    def test_ten_at_once(self):
        self.send("set_channel", channel="ten", locations=["T"])
        self.assertEqual(len(self.explain("ten", *"0123456789")), 10)
        for query in ("explain=true" + "&item=a" * 11, "explain=1&item=a"):
            answer = self.server.get("/v1/availability?channel=ten&" + query)
            self.assertEqual((answer.status, answer.json()["code"]), (422, "bad_value"))


class RandomHistory(FolderCase):
    PLACES = ("DC", "DC/B1", "S1")

    def fill(self, server, n):
        rng = random.Random(7)
        now = datetime.datetime.now(UTC)
        for name, body in (("DC", b"{}"), ("DC/B1", b'{"parent":"DC","promise":false}')):
            server.request("PUT", "/v1/locations/" + quote(name, safe=""), body, {"Content-Type": "application/json"})
        lines, holds = [], []
        for i in range(n):
            place = rng.choice(self.PLACES)
            line = {"source": "s", "id": str(i), "item": "A", "location": place, "quantity": rng.randrange(1, 9)}
            if rng.random() < 0.3:
                line["occurred_at"] = (now - datetime.timedelta(seconds=rng.randrange(200000))).isoformat()
            kind = rng.choice(["receive", "receive", "sale", "hold", "hold", "hold", "commit", "release", "ship", "reclassify",
                               "transfer_out", "set_policy", "transfer"])
            if kind == "hold":
                line.update(hold="H%d" % i, expires_in=0, guard=False, location=rng.choice(["DC", "S1"]))
                holds.append("H%d" % i)
            elif kind in ("commit", "release", "ship"):
                line = {"source": "s", "id": str(i), "hold": rng.choice(holds) if holds else "none"}
            elif kind == "reclassify":
                line.update({"from": "sellable", "to": rng.choice(["damaged", "quarantined"])})
            elif kind == "transfer":
                line["to"] = rng.choice([other for other in self.PLACES if other != place])
            elif kind == "transfer_out":
                line.update(transfer="T%d" % i, to=rng.choice([other for other in self.PLACES if other != place]))
            elif kind == "set_policy":
                line = {"source": "s", "id": str(i), "item": "A", "location": place, "safety_stock": rng.randrange(5)}
            lines.append({"kind": kind, **line})
        answers = server.stream(lines).lines()
        self.assertGreater(sum(answer["status"] == "accepted" for answer in answers[:n]), 0.7 * n)

    def check(self, cell, events, axis, past):
        by_position = {event["position"]: event for event in events}
        for tree in check_all(cell).values():
            for node in each(tree):
                for part in node.get("sum", ()) if "figure" in node else ():
                    sign = -1 if tree["figure"] == "available" and node["figure"] in ("held", "committed") else 1
                    if "position" in part:
                        event = by_position[part["position"]]
                        self.assertEqual(part["value"], sign * event["delta"][node["figure"]], part)
                        self.assertEqual(part["id"], event["id"])
                    elif part.get("rest") == "entries" and axis == "recorded":
                        before = next(e for e in events if e["version"] == part["entries"])
                        self.assertEqual(part["value"], sign * flat(before["figures"])[node["figure"]], part)
                    elif "hold" in part:
                        self.assertFalse(past)

    def test_every_leaf_is_the_truth(self):
        server = self.start()
        self.fill(server, 700)
        rng = random.Random(8)
        for _ in range(2):
            everything = [e for e in server.events() if e.get("item") == "A" and e.get("location")]
            claims = {hold["hold"]: hold for hold in self.holds(server)}
            for place in self.PLACES:
                events = [event for event in everything if event["location"] == place]
                path = "/v1/stock/A/%s?explain=true" % quote(place, safe="")
                now = server.get(path).json()
                self.check(now, events, "recorded", False)
                self.check_claims(now, place, claims)
                for _ in range(25):
                    at = rng.choice(events)[rng.choice(["recorded_at", "occurred_at"])]
                    for axis in ("recorded", "occurred"):
                        was = server.get("%s&as_of=%s&axis=%s" % (path, quote(at), axis))
                        self.assertEqual(was.status, 200, was)
                        self.check(was.json(), events, axis, True)
            whole = server.get("/v1/stock/A?explain=true").json()
            check_all(whole, whole["total"])
            server.stop()
            server = self.start()

    def holds(self, server):
        cursor = ""
        while cursor is not None:
            page = server.get("/v1/holds?limit=1000&state=open" + (cursor and "&cursor=" + cursor)).json()
            yield from page["holds"]
            cursor = page["next"]

    def check_claims(self, cell, place, claims):
        named = 0
        for tree in cell["explain"]:
            for node in each(tree):
                for part in node.get("sum", ()):
                    if "hold" not in part or "position" in part:
                        continue
                    line = next(l for l in claims[part["hold"]]["lines"] if l["location"] == place)
                    self.assertEqual(abs(part["value"]), line[node["figure"]])
                    named += 1
        self.assertTrue(named > 0 or place != "S1")  # DC is a sum, and nothing is promised in a bin


if __name__ == "__main__":
    unittest.main()
