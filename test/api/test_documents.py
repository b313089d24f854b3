#!/usr/bin/env python3
"""
Goal: story S5 of the contract (a transfer), every number of it, over HTTP and across a restart; the calls for transfers,
expectations and ATP answer what they say, and refuse what they cannot use.
Method: the story's commands one after the other with dates ahead of today; after each the cells, the transfer and ATP are
compared. Then the same once more from a server that was stopped and started again.
"""
import datetime
import unittest
from urllib.parse import quote

from server import FolderCase, ServerCase, verify

TODAY = datetime.datetime.now(datetime.timezone.utc).date()


def day(n):
    """A date n days from today."""
    return (TODAY + datetime.timedelta(days=n)).isoformat()


def atp(server, item, location, at=None, quantity=None):
    query = "location=" + location + (at and "&at=" + quote(at) or "") + (quantity and "&quantity=%s" % quantity or "")
    return server.get("/v1/atp/%s?%s" % (item, query))


class StoryS5(FolderCase):
    def command(self, kind, **more):
        self.number = getattr(self, "number", 0) + 1
        return self.server.send(kind=kind, source="wms", id="c%d" % self.number, **more)

    def expect_cell(self, location, **figures):
        cell = self.server.cell("A", location)
        self.assertEqual({name: cell[name] for name in figures}, figures)

    def expect_atp(self, at, units):
        answer = atp(self.server, "A", "S1", at).json()
        self.assertEqual((answer["at"], answer["atp"]), (at, units))

    def test_every_number_of_the_story(self):
        self.server = self.start()
        line = {"item": "A", "location": "S1"}
        self.command("receive", lines=[{"item": "A", "location": "DC", "quantity": 200}, {**line, "quantity": 2}])
        answer = self.command("transfer_out", transfer="T1", to="S1", eta=day(2), item="A", location="DC", quantity=20)
        self.assertEqual(answer.status, 200, answer)
        self.expect_cell("DC", on_hand=180, in_transit=0)
        self.expect_cell("S1", on_hand=2, in_transit=20, incoming=20)
        self.assertEqual(self.command("expect", expectation="E1", direction="out", due=day(4), **line, quantity=5).status,
                         200)
        self.expect_atp(day(1), 2)
        self.expect_atp(day(2), 17)
        transfer = self.server.get("/v1/transfers/T1").json()
        self.assertEqual(transfer.pop("position"), "1-6")
        self.assertEqual(transfer, {"transfer": "T1", "state": "open", "from": "DC", "to": "S1", "eta": day(2),
                                    "lines": [{**line, "units": 20}]})
        expectation = self.server.get("/v1/expectations/E1").json()
        self.assertEqual(expectation.pop("position"), "1-6")
        self.assertEqual(expectation, {"expectation": "E1", "state": "open", "direction": "out",
                                       "lines": [{**line, "units": 5, "due": day(4)}]})
        self.assertEqual(self.command("transfer_in", transfer="T1", **line, quantity=15).status, 200)
        self.expect_cell("S1", on_hand=17, in_transit=5)

        self.server.stop()
        self.server = self.start()
        self.expect_cell("S1", on_hand=17, in_transit=5, incoming=5, outgoing=5)
        self.expect_atp(day(1), 17)
        self.assertEqual(self.command("transfer_loss", transfer="T1", **line, quantity=3).status, 200)
        self.assertEqual(self.command("transfer_in", transfer="T1", **line, quantity=4).status, 200)
        self.expect_cell("S1", on_hand=21, in_transit=0, incoming=0, outgoing=5)
        events = self.server.get("/v1/feed?limit=100&type=discrepancy").json()["events"]
        self.assertEqual([(event["discrepancy"], event["quantity"]) for event in events], [("exceeds_transfer", 2)])
        self.assertEqual(self.server.get("/v1/transfers/T1").json()["state"], "closed")
        self.assertEqual(self.server.get("/v1/transfers/T1").json()["lines"], [])
        self.server.stop()
        verify(self.server.data) # I1: 180 + 21 + @loss 3 + @found -2 + @supplier -202 = 0


class Again(FolderCase):
    """A pre-order under a name whose expectation is settled, across restarts."""

    def hold(self, number, quantity, at):
        return self.server.send(kind="hold", source="shop", id="h%d" % number, hold="cart9", at=at, expires_in=0,
                                item="A", location="L", quantity=quantity)

    def expect_promised(self, state, *lines):
        expectation = self.server.get("/v1/expectations/cart9").json()
        self.assertEqual((expectation["state"], expectation["direction"]), (state, "out"))
        self.assertEqual([line["units"] for line in expectation["lines"]], list(lines))
        self.assertEqual(self.server.cell("A", "L")["outgoing"], sum(lines))

    def test_its_expectation_opens_again(self):
        self.server = self.start()
        self.server.send(kind="expect", source="erp", id="1", expectation="PO9", direction="in", due=day(3), item="A",
                         location="L", quantity=50)
        announced = {"source": "erp", "expectation": "cart9", "direction": "out", "due": day(4), "item": "A",
                     "location": "L", "quantity": 5}
        self.assertEqual(self.server.send(kind="expect", id="2", **announced).status, 200)
        self.expect_promised("open", 5)
        self.assertEqual(self.server.send(kind="cancel_expected", source="erp", id="3", expectation="cart9").status, 200)
        self.expect_promised("closed")
        self.server.stop()
        self.server = self.start()
        late = self.server.send(kind="expect", id="4", **announced)
        self.assertEqual((late.status, late.json()["code"]), (409, "expectation_closed"))
        self.assertEqual(self.hold(2, 7, day(5)).status, 200)
        self.expect_promised("open", 7)
        for number, kind, more in ((5, "cancel_expected", {}), (6, "redate", {"due": day(6)}), (7, "expect", announced)):
            answer = self.server.send(**{"kind": kind, "source": "erp", "id": str(number), "expectation": "cart9", **more})
            self.assertEqual((answer.status, answer.json()["code"]), (409, "expectation_promised"), answer)
        self.expect_promised("open", 7)
        self.server.stop()
        self.server = self.start()
        self.expect_promised("open", 7)
        self.assertEqual(self.hold(3, 7, day(2)).status, 409) # sooner: nothing has come by then
        self.server.send(kind="receive", source="wms", id="1", expectation="PO9", item="A", location="L", quantity=8)
        self.expect_promised("closed")
        self.assertEqual(self.server.get("/v1/holds/cart9").json()["state"], "held")
        self.assertEqual(self.hold(4, 8, day(5)).status, 200) # all of it is there
        self.server.stop()
        verify(self.server.data)


class Calls(ServerCase):
    def problem(self, path, status, code, field=None):
        answer = self.server.get(path)
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.json()["code"], code)
        if field:
            self.assertEqual(answer.json()["field"], field)

    def setUp(self):
        self.server.send(kind="receive", source="wms", id="1", item="A", location="L", quantity=3)

    def test_names_that_are_not_there(self):
        self.problem("/v1/transfers/none", 404, "unknown_transfer", "transfer")
        self.problem("/v1/expectations/none", 404, "unknown_expectation", "expectation")
        self.problem("/v1/atp/none?location=L", 404, "unknown_item", "item")
        self.problem("/v1/atp/A?location=none", 404, "unknown_location", "location")
        self.problem("/v1/transfers/%00", 422, "bad_value", "transfer")

    def test_parameters_of_atp(self):
        self.problem("/v1/atp/A", 422, "missing_field", "location")
        self.problem("/v1/atp/A?location=", 422, "bad_value", "location")
        for at in ("", "2026-13-01", "tomorrow", "2026-12-01T10:00:00", "2026-12-01Z"):
            self.problem("/v1/atp/A?location=L&at=" + at, 422, "bad_value", "at")
        for quantity in ("", "0", "-1", "x", "1.5", "9" * 17):
            self.problem("/v1/atp/A?location=L&quantity=" + quantity, 422, "bad_value", "quantity")
        self.problem("/v1/atp/A?location=L&location=L", 422, "bad_value", "location")
        self.problem("/v1/atp/A?location=L&until=now", 422, "unknown_field", "until")
        self.problem("/v1/transfers/T?location=L", 422, "unknown_field", "location")

    def test_atp_says_when_a_quantity_can_be_promised(self):
        send = self.server.send
        self.assertEqual(send(kind="expect", source="erp", id="1", expectation="PO9/1", direction="in", due=day(3),
                              item="A", location="L", quantity=50).status, 200)
        now = atp(self.server, "A", "L").json()
        self.assertEqual(now["atp"], 3)
        self.assertEqual(now["at"][:10], TODAY.isoformat())
        self.assertNotIn("earliest", now)
        answer = atp(self.server, "A", "L", quantity=4).json()
        self.assertEqual((answer["atp"], answer["quantity"], answer["earliest"]), (3, 4, day(3) + "T23:59:59.999999Z"))
        at_once = atp(self.server, "A", "L", quantity=3).json()
        self.assertEqual(at_once["earliest"], at_once["at"])
        self.assertIsNone(atp(self.server, "A", "L", quantity=54).json()["earliest"])
        later = day(4) + "T00:00:00+00:00"
        self.assertEqual(atp(self.server, "A", "L", at=later).json()["atp"], 53)
        self.assertEqual(self.server.get("/v1/expectations/PO9%2F1").json()["lines"],
                         [{"item": "A", "location": "L", "units": 50, "due": day(3)}])

    def test_supply_of_yesterday_counts_for_nothing_in_a_quiet_ledger(self):
        send = self.server.send
        self.assertEqual(send(kind="expect", source="erp", id="2", expectation="late", direction="in", due=day(-1),
                              item="B", location="L", quantity=50).status, 200)
        self.assertEqual(atp(self.server, "B", "L", at=day(30)).json()["atp"], 0)
        self.assertEqual(send(kind="redate", source="erp", id="3", expectation="late", due=day(2)).status, 200)
        self.assertEqual(atp(self.server, "B", "L", at=day(30)).json()["atp"], 50)

    def test_atp_of_a_kit_counts_what_its_components_will_do_for(self):
        send = self.server.send
        for item in ("leg", "top"):
            self.assertEqual(self.server.request("PUT", "/v1/items/" + item, b'{"scale":0}').status, 200)
        body = b'{"scale":0,"components":[{"item":"leg","quantity":4},{"item":"top","quantity":1}]}'
        self.assertEqual(self.server.request("PUT", "/v1/items/table", body).status, 200)
        self.assertEqual(atp(self.server, "table", "L").json()["atp"], 0)
        lines = [{"item": item, "location": "L", "quantity": n} for item, n in (("table", 1), ("leg", 9), ("top", 1))]
        self.assertEqual(send(kind="receive", source="k", id="1", lines=lines).status, 200)
        self.assertEqual(send(kind="expect", source="k", id="2", expectation="tops", direction="in", due=day(5), item="top",
                              location="L", quantity=7).status, 200)
        answer = atp(self.server, "table", "L", quantity=3).json()
        self.assertEqual((answer["atp"], answer["earliest"]), (2, day(5) + "T23:59:59.999999Z"))
        self.assertEqual(atp(self.server, "table", "L", at=day(5)).json()["atp"], 3)  # 1 built, 9 legs for 2
        self.assertIsNone(atp(self.server, "table", "L", quantity=4).json()["earliest"])



if __name__ == "__main__":
    unittest.main()
