#!/usr/bin/env python3
"""
Goal: lists have every row once, whatever happens between two pages: writes, restarts, places that are used again.
Filters say what the protocol page says, and a cursor is good for its own call and filters alone.
Method: listings are walked page by page while others write, and across restarts; rows are held against the calls for
one cell, hold or item. Filters are held against the same filter in Python over all rows.
"""
import itertools
import json
import os
import threading
import time
import unittest
from urllib.parse import quote

from server import FolderCase, ServerCase, receive

CALLS = {"stock": "/v1/stock", "holds": "/v1/holds", "items": "/v1/items", "locations": "/v1/locations",
         "sources": "/v1/sources", "waiting": "/v1/waiting", "channels": "/v1/channels", "transfers": "/v1/transfers",
         "expectations": "/v1/expectations"}
FILLED = ("stock", "holds", "items", "locations", "sources")  # those with many rows in most tests


def page_of(server, what, query="", cursor=None):
    parts = [part for part in (query, cursor and "cursor=" + cursor) if part]
    answer = server.get(CALLS[what] + ("?" + "&".join(parts) if parts else ""))
    if answer.status != 200:
        raise AssertionError(repr(answer))
    return answer.json()


def walk(server, what, query="", between=None, cursor=None):
    """All pages."""
    pages = []
    while True:
        pages.append(page_of(server, what, query, cursor))
        cursor = pages[-1]["next"]
        if cursor is None:
            return pages
        if between:
            between(len(pages))


def rows_of(pages, what):
    return [row for page in pages for row in page[what]]


def hold(n, name, holder="shop", item="A", location="L", quantity=1, **more):
    return {"kind": "hold", "source": "holds", "id": str(n), "hold": name, "holder": holder, "expires_in": 0,
            "lines": [{"item": item, "location": location, "quantity": quantity}], **more}


class Filled(ServerCase):
    """Lists of a ledger that stands still."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        commands = []
        for n in range(60):
            commands.append(receive(n, item="item-%02d" % n, location="L%d" % (n % 3), quantity=n % 5 + 1,
                                    source="wms"))
        commands += [
            {"kind": "set_channel", "source": "wms", "id": "c1", "channel": "web", "locations": ["L0", "L2"]},
            receive("d", item="item-05", location="L2", condition="damaged", source="wms"),
            receive("q", item="item-06", location="L0", condition="quality_control", source="wms"),
            {"kind": "sale", "source": "till", "id": "1", "item": "item-07", "location": "L1", "quantity": 3},
            {"kind": "sale", "source": "till", "id": "2", "item": "item-08", "location": "L2", "quantity": 9},
            {"kind": "commit", "source": "shop", "id": "1", "hold": "over", "guard": False, "item": "item-09",
             "location": "L0", "quantity": 7, "channel": "amz"},
            {"kind": "adjust", "source": "wms", "id": "a", "item": "item-10", "location": "L1", "quantity": -1,
             "reason": "lost", "condition": "recalled"},
            receive("seq", item="ÄÖ %&+", location="L/1", source="numbered", seq=17),
        ]
        holds = [hold(0, "h-held", item="item-13", location="L1", quantity=1),
                 hold(1, "h-two", holder="jo", item="item-14", location="L2", quantity=2, channel="web"),
                 hold(2, "h-committed", item="item-14", location="L2", quantity=1, channel="web"),
                 hold(3, "h-released", item="item-19", location="L1", quantity=1),
                 hold(4, "h-consumed", item="item-19", location="L1", quantity=1),
                 hold(5, "h-expired", item="item-24", location="L0", quantity=1, channel="web", expires_in=1),
                 {**hold(6, "h-lines"), "lines": [{"item": "item-20", "location": "L2", "quantity": 1},
                                                  {"item": "item-21", "location": "L0", "quantity": 1}]}]
        commands += holds
        for kind, name in (("commit", "h-committed"), ("release", "h-released"), ("ship", "h-consumed")):
            commands.append({"kind": kind, "source": "shop", "id": name, "hold": name})
        statuses = [row["status"] for row in cls.server.stream(commands).lines()]
        assert statuses == ["accepted"] * len(commands), statuses
        assert cls.server.request("PUT", "/v1/items/item-01", b'{"scale":3}').status == 409
        assert cls.server.request("PUT", "/v1/items/declared", b'{"scale":3}').status == 200
        end = time.monotonic() + 20
        while cls.server.get("/v1/holds/h-expired").json()["state"] != "expired" and time.monotonic() < end:
            time.sleep(0.1)

    def rows(self, what, query=""):
        return rows_of(walk(self.server, what, query), what)

    def refused(self, target, field):
        answer = self.server.get(target)
        self.assertEqual(answer.status, 422, target)
        problem = answer.json()
        self.assertEqual((problem["code"], problem["field"]), ("bad_value", field), target)
        return problem

    def test_rows_of_stock_are_the_cells_in_the_order_they_came(self):
        rows = self.rows("stock")
        self.assertEqual([row["item"] for row in rows[:60]], ["item-%02d" % n for n in range(60)])
        for row in rows:
            with self.subTest(item=row["item"]):
                self.assertEqual(row, self.server.cell(quote(row["item"], safe=""), quote(row["location"], safe="")))
        self.assertEqual({(row["item"], row["location"]): row for row in rows}, self.server.figures()[0])
        self.assertEqual(self.rows("stock", "sort=cell"), rows)

    def test_pages_of_every_size_have_the_same_rows_and_end_with_null(self):
        for what in FILLED:
            whole = page_of(self.server, what)
            self.assertEqual((whole["next"], whole["position"]), (None, self.server.position()))
            for limit in (1, 2, 3, 7, len(whole[what]) - 1, len(whole[what]), len(whole[what]) + 1, 1000):
                with self.subTest(what=what, limit=limit):
                    pages = walk(self.server, what, "limit=%d" % limit)
                    self.assertEqual(rows_of(pages, what), whole[what])
                    sizes = [len(page[what]) for page in pages]
                    self.assertEqual(sizes[:-1], [limit] * (len(pages) - 1))
                    self.assertGreater(sizes[-1], 0, "a last page with nothing")

    def test_filters_of_stock(self):
        rows = self.rows("stock")
        states = {"in_stock": lambda row: row["available"] > 0, "out_of_stock": lambda row: row["available"] <= 0,
                  "oversold": lambda row: row["oversold"] > 0, "reserved": lambda row: row["reserved"] > 0}
        conditions = ["sellable", "damaged", "quality_control", "quarantined", "recalled", "expired"]
        found = set()
        for location, state, condition, q in itertools.product(
                (None, "L0", "L2", "L/1", "nowhere"), (None, *states), (None, *conditions),
                (None, "em-0", "Ö %&", "x", "ITEM")):
            query = "&".join("%s=%s" % (key, quote(value, safe="")) for key, value in
                             (("location", location), ("state", state), ("condition", condition), ("q", q)) if value)
            wanted = [row for row in rows if location in (None, row["location"]) and (not q or q in row["item"])
                      and (not state or states[state](row)) and (not condition or row["conditions"][condition] != 0)]
            with self.subTest(query=query):
                self.assertEqual(self.rows("stock", query + ("&" if query else "") + "limit=3"), wanted)
            found |= {(state, condition)} if wanted else set()
        for pair in [*((state, None) for state in states), (None, "damaged"), (None, "quality_control"),
                     (None, "recalled")]:
            self.assertIn(pair, found, "no row would have shown a mistake")

    def test_rows_of_holds_are_the_holds(self):
        rows = self.rows("holds", "limit=2")
        self.assertEqual({row["hold"]: row["state"] for row in rows},
                         {"over": "committed", "h-held": "held", "h-two": "held", "h-committed": "committed",
                          "h-released": "released", "h-consumed": "consumed", "h-expired": "expired",
                          "h-lines": "held"})
        for row in rows:
            self.assertEqual(row, self.server.get("/v1/holds/" + row["hold"]).json())

    def test_filters_of_holds(self):
        rows = self.rows("holds")
        words = {"open": ("held", "committed"), "ended": ("released", "consumed", "expired")}
        states = ("held", "committed", "released", "consumed", "expired")
        for state, holder, channel, item, location in itertools.product(
                (None, *states, *words), (None, "shop", "jo", "nobody"), (None, "web", "amz", "none"),
                (None, "item-14", "item-19", "none"), (None, "L1", "L2", "none")):
            query = "&".join("%s=%s" % pair for pair in (("state", state), ("holder", holder), ("channel", channel),
                                                         ("item", item), ("location", location)) if pair[1])
            wanted = [row for row in rows if state is None or row["state"] in words.get(state, (state,))]
            wanted = [row for row in wanted if holder in (None, row["holder"]) and channel in (None, row["channel"])
                      and any(item in (None, line["item"]) and location in (None, line["location"])
                              for line in row["lines"])]
            with self.subTest(query=query):
                self.assertEqual(self.rows("holds", query + ("&" if query else "") + "limit=1"), wanted)

    def test_an_item_and_a_place_are_of_the_same_line(self):
        for query, there in (("item=item-20", 1), ("location=L0&item=item-21", 1), ("item=item-20&location=L0", 0)):
            self.assertEqual([row["hold"] for row in self.rows("holds", query)], ["h-lines"] * there)

    def test_names(self):
        locations = [{"location": name, "provisional": True, "promise": True} for name in ("L0", "L1", "L2", "L/1")]
        self.assertEqual(self.rows("locations"), locations)
        self.assertEqual(self.rows("locations", "q=%2F"), locations[3:])
        sources = {row["source"]: row for row in self.rows("sources")}
        self.assertEqual(set(sources), {"wms", "till", "shop", "holds", "numbered"})
        self.assertGreater(sources["wms"].pop("quality")["accepted"], sources["numbered"].pop("quality")["accepted"])
        provisional = {"provisional": True, "ordered": False, "strict": False}
        self.assertEqual(sources["numbered"], {"source": "numbered", **provisional, "seq": 17, "silent_since": None, "drift": 0})
        self.assertEqual(sources["wms"], {"source": "wms", **provisional, "seq": None, "silent_since": None, "drift": 0})
        items = self.rows("items", "limit=7")
        self.assertEqual(items[0], {"item": "item-00", "scale": 0, "provisional": True})
        self.assertEqual(items[-1], {"item": "declared", "scale": 3, "provisional": False})
        for row in items:
            self.assertEqual(row, self.server.get("/v1/items/" + quote(row["item"], safe="")).json())
        self.assertEqual([row["item"] for row in self.rows("items", "q=-1")], ["item-%d" % n for n in range(10, 20)])
        self.assertEqual(self.rows("items", "q=ITEM"), [])

    def test_a_cursor_is_good_for_its_call_and_filters_alone(self):
        cursor = page_of(self.server, "stock", "location=L0&limit=3")["next"]
        self.assertEqual(len(page_of(self.server, "stock", "limit=5&sort=cell&location=L0", cursor)["stock"]), 5)
        others = ["/v1/stock?cursor=", "/v1/stock?location=L1&cursor=", "/v1/stock?location=L0&q=i&cursor=",
                  "/v1/stock?location=L0&condition=sellable&cursor=", "/v1/stock?q=L0&cursor=",
                  "/v1/holds?location=L0&cursor=", *("/v1/%s?cursor=" % what for what in CALLS)]
        for other in others:
            with self.subTest(other=other):
                self.assertIn("cursor", self.refused(other + cursor, "cursor")["detail"])
        plain = {what: page_of(self.server, what, "limit=1")["next"] for what in FILLED}
        for what, other in itertools.permutations(FILLED, 2):
            with self.subTest(what=what, other=other):
                self.refused("%s?cursor=%s" % (CALLS[other], plain[what]), "cursor")

    def test_a_cursor_with_any_digit_changed_is_none(self):
        cursor = page_of(self.server, "holds", "limit=1")["next"]
        for at in range(len(cursor)):
            for digit in "0123456789abcdefAF- ":
                if digit != cursor[at]:
                    other = cursor[:at] + digit + cursor[at + 1:]
                    self.refused("/v1/holds?limit=1&cursor=" + quote(other), "cursor")
        for bad in (cursor[:-1], cursor + "0", cursor.upper(), " " + cursor):
            self.refused("/v1/holds?cursor=" + quote(bad), "cursor")
        self.assertEqual(len(page_of(self.server, "holds", "", cursor)["holds"]), len(self.rows("holds")) - 1)

    def test_stock_of_a_channel_is_where_it_sells_with_what_is_free_there(self):
        rows = {(row["item"], row["location"]): row for row in self.rows("stock")}
        web = self.rows("stock", "channel=web&limit=7")
        self.assertEqual([(row["item"], row["location"]) for row in web],
                         [key for key in rows if key[1] in ("L0", "L2")])
        for row in web:
            free = row.pop("free")
            self.assertEqual(row, rows[row["item"], row["location"]])
            self.assertEqual(free, max(0, row["available"]))  # there are no quotas here
        self.assertEqual(self.rows("stock", "channel=web&location=L1"), [])
        self.assertEqual(self.rows("stock", "channel=amz"), [])  # a label of a fact, no channel

    def test_words_are_named_when_one_is_wrong(self):
        self.assertIn("in_stock out_of_stock oversold", self.refused("/v1/stock?state=open", "state")["detail"])
        self.assertIn("open ended", self.refused("/v1/holds?state=in_stock", "state")["detail"])
        self.assertIn("quality_control", self.refused("/v1/stock?condition=new", "condition")["detail"])
        self.assertIn("cell", self.refused("/v1/stock?sort=item", "sort")["detail"])

    def test_other_methods_are_named(self):
        for what, target in CALLS.items():
            answer = self.server.request("POST", target, b"{}")
            allow = "PUT, GET" if what in ("items", "locations", "channels", "sources") else "GET"
            self.assertEqual((answer.status, answer.head["allow"]), (405, allow))


class Claims(ServerCase):
    """Holds that wait, channels, and what a channel may sell."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        commands = [
            {"kind": "set_channel", "source": "erp", "id": "c1", "channel": "web", "locations": ["L", "M"], "priority": 1,
             "buffer": 2},
            {"kind": "set_channel", "source": "erp", "id": "c2", "channel": "amz", "locations": ["M"], "cap": 7,
             "shares_rest": False},
            {"kind": "set_channel", "source": "erp", "id": "c3", "channel": "nowhere"}]
        commands += [receive(n, item="i%02d" % n, location="LMN"[n % 3], quantity=10, source="f") for n in range(30)]
        commands += [{**hold(1, "w-all", item="i00", quantity=11, channel="web", wait=True, priority=2)},
                     {**hold(2, "w-part", item="i01", location="M", quantity=15, wait=True, mode="partial")},
                     {**hold(3, "plain", item="i03", quantity=1, channel="web")},
                     {**hold(4, "w-two", wait=True, holder="jo"),
                      "lines": [{"item": "i00", "location": "L", "quantity": 9},
                                {"item": "i06", "location": "L", "quantity": 99}]},
                     {**hold(5, "w-gone", item="i09", quantity=99, wait=True)},
                     {"kind": "release", "source": "shop", "id": "r", "hold": "w-gone"},
                     {"kind": "commit", "source": "shop", "id": "p", "hold": "plain", "paid": True}]
        statuses = [row["status"] for row in cls.server.stream(commands).lines()]
        assert statuses == ["accepted"] * len(commands), statuses

    def rows(self, what, query=""):
        return rows_of(walk(self.server, what, query), what)

    def names(self, what, query=""):
        return [row["hold"] for row in self.rows(what, query)]

    def test_waiting_holds_are_those_with_a_line_that_waits(self):
        for limit in ("", "limit=1"):
            self.assertEqual(self.names("waiting", limit), ["w-all", "w-part", "w-two"])
        for row in self.rows("waiting"):
            self.assertEqual({**row, "position": None},
                             {**self.server.get("/v1/holds/" + row["hold"]).json(), "position": None})
        for query, wanted in (("item=i00", ["w-all", "w-two"]), ("item=i06&location=L", ["w-two"]), ("channel=web", ["w-all"]),
                              ("holder=jo", ["w-two"]), ("location=M", ["w-part"]), ("item=i03", []), ("item=none", [])):
            self.assertEqual(self.names("waiting", query), wanted, query)

    def test_holds_have_the_state_waiting_and_say_what_was_asked_of_them(self):
        self.assertEqual(self.names("holds", "state=waiting"), ["w-all", "w-two"])
        self.assertEqual(self.names("holds", "state=held"), ["w-part"])
        self.assertEqual(self.names("holds", "state=open"), ["w-all", "w-part", "plain", "w-two"])
        self.assertEqual(self.names("holds", "state=ended"), ["w-gone"])
        said = {row["hold"]: (row["paid"], row["priority"], row["at"]) for row in self.rows("holds")}
        self.assertEqual(said, {"w-all": (False, 2, None), "w-part": (False, None, None), "plain": (True, None, None),
                                "w-two": (False, None, None), "w-gone": (False, None, None)})

    def test_channels_are_shown_as_they_are_configured(self):
        wanted = [{"channel": "web", "locations": ["L", "M"], "priority": 1, "shares_rest": True, "buffer": 2, "cap": None},
                  {"channel": "amz", "locations": ["M"], "priority": None, "shares_rest": False, "buffer": 0, "cap": 7},
                  {"channel": "nowhere", "locations": [], "priority": None, "shares_rest": True, "buffer": 0, "cap": None}]
        wanted = [{**row, "provisional": False} for row in wanted]
        self.assertEqual(self.rows("channels"), wanted)
        self.assertEqual(self.rows("channels", "limit=1"), wanted)
        self.assertEqual(self.rows("channels", "q=a"), [wanted[1]])

    def availability(self, query):
        answer = self.server.get("/v1/availability?" + query)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def test_availability_of_items_and_of_all_items_are_the_same(self):
        for channel in ("web", "amz", "nowhere"):
            pages, cursor = [], ""
            while cursor is not None:
                pages.append(self.availability("channel=%s&limit=4%s" % (channel, cursor and "&cursor=" + cursor)))
                self.assertEqual(pages[-1]["channel"], channel)
                cursor = pages[-1]["next"]
            rows = rows_of(pages, "items")
            places = {"web": "LM", "amz": "M", "nowhere": ""}[channel]
            self.assertEqual([row["item"] for row in rows],
                             ["i%02d" % n for n in range(30) if "LMN"[n % 3] in places])
            named = self.availability("channel=" + channel + "".join("&item=i%02d" % n for n in range(31)))
            self.assertEqual([row["item"] for row in named["items"]], ["i%02d" % n for n in range(31)])
            self.assertEqual({row["item"]: row["ats"] for row in named["items"] if row["ats"] != 0},
                             {row["item"]: row["ats"] for row in rows if row["ats"] != 0})
            self.assertEqual(named["position"], self.server.position())
            self.assertNotIn("next", named)
        ats = {row["item"]: row["ats"] for row in self.availability("channel=web")["items"]}
        # A buffer of 2; i01 is held whole, i03 by 1.
        self.assertEqual((ats["i00"], ats["i01"], ats["i03"], ats["i04"]), (8, 0, 7, 8))
        self.assertEqual([row["ats"] for row in self.availability("channel=web&q=i1&limit=3")["items"]], [8, 8, 8])

    def test_availability_answers_a_thousand_items(self):
        query = "".join("&item=%d" % n for n in range(500))
        self.assertEqual(len(self.availability("channel=web" + query)["items"]), 500)
        many = self.server.get("/v1/availability?channel=web" + "&item=x" * 1001)
        self.assertEqual((many.status, many.json()["code"], many.json()["field"]), (422, "bad_value", "item"))
        self.assertEqual(len(self.availability("channel=web" + "&item=x" * 1000)["items"]), 1000)

    def test_a_channel_that_is_none_is_named(self):
        for target in ("/v1/availability?channel=none", "/v1/availability?channel=none&item=i00", "/v1/feed?channel=none"):
            answer = self.server.get(target)
            self.assertEqual((answer.status, answer.json()["code"], answer.json()["field"]),
                             (404, "unknown_channel", "channel"), target)
        self.assertEqual(self.rows("stock", "channel=none"), [])


class Configured(ServerCase):
    """Rows with bodies."""

    def put(self, path, **body):
        answer = self.server.request("PUT", "/v1/" + path, json.dumps(body).encode())
        self.assertEqual(answer.status, 200, answer)

    def test_rows_are_what_the_calls_for_one_answer(self):
        for n in range(30):
            self.put("locations/L%02d" % n, promise=n % 2 == 0, attributes={"n": n, "text": "x" * (n * 30)},
                     **({"parent": "L%02d" % (n // 2), "zone": "+01:00"} if n else {"zone": "Europe/Berlin"}))
            self.put("channels/c%02d" % n, locations=["L%02d" % m for m in range(0, n, 2)], priority=n + 1, buffer=n,
                     **({"cap": n} if n % 3 else {}))
            self.put("sources/s%02d" % n, zone="Europe/Berlin", ordered=n % 2 == 0, strict=n % 3 == 0, expires_in=n,
                     **({"default_condition": "damaged"} if n % 5 else {}))
            self.put("items/i%02d" % n, scale=n % 3, units={"case": n + 1}, aliases={"s%02d" % (n // 2): ["a%d" % n, "b%d" % n]},
                     attributes={"n": n})
        self.put("items/kit", scale=0, components=[{"item": "i00", "quantity": 2}, {"item": "i01", "quantity": "1.5"}])
        self.put("items/other", merge="i07")
        self.assertEqual(self.server.send(**receive("n", item="i00", location="new", source="s01", seq=5)).status, 200)
        for what, one, count in (("items", "item", 31), ("locations", "location", 31), ("channels", "channel", 30),
                                 ("sources", "source", 30)):
            for limit in (1, 7, 1000):
                rows = rows_of(walk(self.server, what, "limit=%d" % limit), what)
                self.assertEqual(len(rows), count)
                for row in rows:
                    with self.subTest(what=what, name=row[one]):
                        self.assertEqual(row, self.server.get("%s/%s" % (CALLS[what], row[one])).json())


class Documents(ServerCase):
    """Transfers and expectations."""
    ONE = {"transfers": "transfer", "expectations": "expectation"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        line = "item", "location", "quantity"
        commands = [receive(n, item="i%d" % n, location="A", quantity=100, source="f") for n in range(4)]

        def out(name, lines, to, **more):
            return {"kind": "transfer_out", "source": "wms", "id": name, "transfer": name, "to": to,
                    "lines": [dict(zip(line, values)) for values in lines], **more}

        def expect(name, direction, *lines):
            return {"kind": "expect", "source": "erp", "id": name, "expectation": name, "direction": direction,
                    "due": "2999-12-01", "lines": [dict(zip(line, values)) for values in lines]}
        commands += [out("t-one", [("i0", "A", 3)], "B"), out("t-two", [("i0", "A", 1), ("i1", "A", 2)], "C", eta="2999-12-01"),
                     out("t-part", [("i1", "A", 5), ("i2", "A", 5)], "B"), out("t/closed", [("i3", "A", 1)], "C"),
                     {"kind": "transfer_in", "source": "wms", "id": "in", "transfer": "t-part", "item": "i2", "location": "B",
                      "quantity": 5},
                     {"kind": "transfer_loss", "source": "wms", "id": "lost", "transfer": "t/closed"},
                     expect("e-in", "in", ("i0", "A", 7), ("i1", "B", 2)), expect("e-out", "out", ("i0", "A", 1)),
                     expect("e-closed", "in", ("i2", "C", 1)), expect("e-last", "out", ("i3", "B", 9)),
                     {"kind": "cancel_expected", "source": "erp", "id": "x", "expectation": "e-closed"},
                     expect("e-in", "in", ("i0", "A", 8), ("i1", "B", 2)) | {"id": "again"}]
        statuses = [row["status"] for row in cls.server.stream(commands).lines()]
        assert statuses == ["accepted"] * len(commands), statuses

    def rows(self, what, query=""):
        return rows_of(walk(self.server, what, query), what)

    def test_rows_are_the_documents_in_pages_of_every_size(self):
        for what, names, closed in (("transfers", ["t-one", "t-two", "t-part", "t/closed"], ["t/closed"]),
                                    ("expectations", ["e-in", "e-out", "e-closed", "e-last"], ["e-closed"])):
            for limit in (1, 2, 3, 4, 1000):
                rows = self.rows(what, "limit=%d" % limit)
                self.assertEqual([row[self.ONE[what]] for row in rows], names)
                for row in rows:
                    name = quote(row[self.ONE[what]], safe="")
                    self.assertEqual(row, self.server.get("%s/%s" % (CALLS[what], name)).json())
            self.assertEqual([row[self.ONE[what]] for row in rows if row["state"] == "closed"], closed)
            self.assertTrue(any(len(row["lines"]) == 2 for row in rows))

    def test_filters(self):
        found = set()
        for what, state, direction, item, location in itertools.product(
                self.ONE, (None, "open", "closed"), (None, "in", "out"), (None, "i0", "i1", "i2", "none"),
                (None, "A", "B", "C", "nowhere")):
            if direction and what == "transfers":
                continue
            query = "&".join("%s=%s" % pair for pair in (("state", state), ("direction", direction), ("item", item),
                                                         ("location", location)) if pair[1])
            wanted = [row for row in self.rows(what) if state in (None, row["state"])
                      and direction in (None, row.get("direction"))
                      and (not (item or location) or any(item in (None, line["item"]) and location in (None, line["location"])
                                                         for line in row["lines"]))]
            with self.subTest(what=what, query=query):
                self.assertEqual(self.rows(what, query + ("&" if query else "") + "limit=1"), wanted)
            if wanted and len(wanted) < 4:
                found |= {(what, key) for key, value in (("state", state), ("direction", direction), ("item", item),
                                                         ("location", location)) if value}
        self.assertEqual(len(found), 7, "no row would have shown a mistake")

    def test_cursors_are_good_for_their_own_list_alone(self):
        for what, other in itertools.permutations((*self.ONE, "items"), 2):
            cursor = page_of(self.server, what, "limit=1")["next"]
            answer = self.server.get("%s?cursor=%s" % (CALLS[other], cursor))
            self.assertEqual((answer.status, answer.json()["field"]), (422, "cursor"), (what, other))
        cursor = page_of(self.server, "expectations", "state=open&limit=1")["next"]
        self.assertEqual(self.server.get("/v1/expectations?state=closed&cursor=" + cursor).status, 422)
        self.assertEqual(self.server.get("/v1/expectations?state=open&direction=in&cursor=" + cursor).status, 422)
        self.assertEqual(len(page_of(self.server, "expectations", "state=open", cursor)["expectations"]), 2)


class Tree(ServerCase):
    def rows(self, what, query=""):
        return rows_of(walk(self.server, what, query), what)

    def test_a_location_means_all_below_it(self):
        parents = {"hall": None, "aisle": "hall", "bin": "aisle", "cage": "hall", "yard": None}
        for name, parent in parents.items():
            body = b"{}" if parent is None else b'{"parent":"%s"}' % parent.encode()
            self.assertEqual(self.server.request("PUT", "/v1/locations/" + name, body).status, 200)

        def within(name, root):
            while name is not None and name != root:
                name = parents.get(name)
            return name is not None
        commands = [receive("A", item="i0", location="A", quantity=100, source="f")]
        for n, name in enumerate(parents):
            commands += [receive("tree%d" % n, item="tree", location=name, quantity=20, source="f"),
                         hold("tree-h%d" % n, "tree-h%d" % n, item="tree", location=name),
                         hold("tree-w%d" % n, "tree-w%d" % n, item="tree", location=name, quantity=99, wait=True),
                         {"kind": "transfer_out", "source": "wms", "id": "tree%d" % n, "transfer": "tree%d" % n, "to": name,
                          "item": "i0", "location": "A", "quantity": 1},
                         {"kind": "expect", "source": "erp", "id": "tree%d" % n, "expectation": "tree%d" % n, "direction": "in",
                          "due": "2999-12-01", "item": "tree", "location": name, "quantity": 1}]
        self.assertEqual({row["status"] for row in self.server.stream(commands).lines()}, {"accepted"})
        for root in (*parents, "nowhere"):
            for what in ("stock", "holds", "waiting", "transfers", "expectations"):
                wanted = [row for row in self.rows(what)
                          if any(within(line["location"], root) for line in row.get("lines", [row]))]
                with self.subTest(root=root, what=what):
                    self.assertEqual(self.rows(what, "limit=2&location=" + root), wanted)
                    self.assertEqual(bool(wanted), root in parents)
        self.assertEqual(len(self.rows("holds", "location=hall&item=tree&state=held")), 4)


class Moving(FolderCase):
    """Lists of a ledger that goes on."""

    def fill(self, server, cells, holds=0):
        commands = [receive(n, item="i%05d" % n, location="L%d" % (n % 2), quantity=5, source="f")
                    for n in range(cells)]
        commands += [hold(n, "h%05d" % n, item="i%05d" % n, location="L%d" % (n % 2)) for n in range(holds)]
        summary = server.stream(commands, "?answers=summary").lines()[-1]["summary"]
        self.assertEqual(summary["accepted"], cells + holds)

    def test_a_sparse_filter_finds_what_is_far_apart(self):
        server = self.start()
        self.fill(server, 10000, 3000)
        for what, key, numbers in (("stock", "item", (0, 1023, 1024, 5000, 9999)), ("items", "item", (9999,)),
                                   ("holds", "hold", (0, 1024, 2999))):
            for n in numbers:
                name = "i%05d" % n
                query = "q=" + name if what != "holds" else "item=" + name
                page = page_of(server, what, query)
                self.assertEqual([row[key][1:] for row in page[what]], [name[1:]])
                self.assertIsNone(page["next"])
        self.assertEqual(page_of(server, "stock", "q=none")["stock"], [])
        pages = walk(server, "stock", "limit=1000")
        self.assertEqual([len(page["stock"]) for page in pages], [1000] * 10)
        self.assertEqual(len({row["item"] for row in rows_of(pages, "stock")}), 10000)

    def test_every_row_comes_once_while_others_write(self):
        server = self.start()
        self.fill(server, 3000, 2000)
        stop = threading.Event()
        counts = [0, 0]

        def write(which):
            """Changes rows, and makes new ones."""
            n = 0
            while not stop.is_set():
                commands = []
                for _ in range(50):
                    n += 1
                    new = "new%d-%d" % (which, n)
                    commands.append(receive("%d-%d" % (which, n), item=new if n % 2 else "i%05d" % (n % 3000),
                                            location="L0", source="w"))
                    commands.append({**hold("%d-%d" % (which, n), new, item="i%05d" % (n % 3000),
                                            location="L%d" % (n % 2), mode="partial"), "source": "w2"})
                    commands.append({"kind": "release", "source": "w3", "id": "%d-%d" % (which, n),
                                     "hold": "h%05d" % ((7 * n + which) % 2000)})
                counts[which] += server.stream(commands, "?answers=summary").lines()[-1]["summary"]["accepted"]
        writers = [threading.Thread(target=write, args=(which,)) for which in range(2)]
        for writer in writers:
            writer.start()
        try:
            rounds = 0
            while rounds < 20 and min(counts) <= 100:  # as often as it takes the writers to do something meanwhile
                rounds += 1
                stock = walk(server, "stock", "limit=37")
                holds = walk(server, "holds", "limit=37")
                items = walk(server, "items", "limit=37")
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        self.assertGreater(min(counts), 100)
        cells = [(row["item"], row["location"]) for row in rows_of(stock, "stock")]
        self.assertEqual(len(cells), len(set(cells)))
        self.assertEqual(cells[:3000], [("i%05d" % n, "L%d" % (n % 2)) for n in range(3000)])
        names = [row["item"] for row in rows_of(items, "items")]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(names[:3000], ["i%05d" % n for n in range(3000)])
        # Holds that were there when the first page was asked for, each once, and none that came later.
        names = [row["hold"] for row in rows_of(holds, "holds")]
        self.assertEqual(len(names), len(set(names)))
        self.assertTrue({"h%05d" % n for n in range(2000)} <= set(names))
        begun = seq_of(holds[0]["position"])
        made = {event["hold"]: event["seq"] for event in reversed(server.events("&type=hold"))}
        self.assertFalse([name for name in names if made[name] > begun], "came later")
        self.assertEqual(set(names), {name for name, seq in made.items() if seq <= begun})

    def test_following_from_the_first_page_misses_nothing(self):
        server = self.start()
        self.fill(server, 500)
        serial = itertools.count()

        def between(_):
            for n in (0, 250, 499):
                server.send(**receive("more-%d" % next(serial), item="i%05d" % n, location="L%d" % (n % 2), source="g"))
        pages = walk(server, "stock", "limit=50", between)
        rows = {(row["item"], row["location"]): row for row in rows_of(pages, "stock")}
        stale = {key: row for key, row in server.figures()[0].items() if rows[key] != row}
        self.assertTrue(stale, "nothing changed behind the reader's back")
        for event in server.events(after=pages[0]["position"]):
            row = rows[event["item"], event["location"]]
            if event["version"] > row["version"]:
                self.assertEqual(event["version"], row["version"] + 1, "one was missed")
                row.update(event["figures"], version=event["version"], position=event["position"])
        self.assertEqual(rows, server.figures()[0])

    def test_cursors_survive_a_restart(self):
        server = self.start()
        self.fill(server, 300, 300)
        whole = {what: rows_of(walk(server, what), what) for what in FILLED}
        first = {what: page_of(server, what, "limit=1" if what in ("locations", "sources") else "limit=101")
                 for what in FILLED}
        for stop in ("stop", "kill"):
            getattr(server, stop)()
            server.start()
            server.send(**receive(stop, item="behind", location="M", source="after"))
            for what, page in first.items():
                with self.subTest(stop, what=what):
                    rest = rows_of(walk(server, what, "limit=50", cursor=page["next"]), what)
                    # Quality is counted since the start.
                    seen = [{**row, "position": None, "quality": None} for row in page[what] + rest]
                    wanted = [{**row, "position": None, "quality": None} for row in whole[what]]
                    self.assertEqual(seen[:len(wanted)], wanted)
                    self.assertEqual(len(seen) - len(wanted), 0 if what == "holds" else 1)

    def test_a_cursor_of_another_ledger_is_none(self):
        """Its place is beyond the end there, or its listing began beyond the last event."""
        server = self.start()
        self.fill(server, 300)
        cursor = page_of(server, "stock", "limit=200")["next"]
        server.stop()
        os.mkdir(self.folder + "/other")
        other = self.start(folder=self.folder + "/other")
        other.send(**receive(1))
        answer = other.get("/v1/stock?cursor=" + cursor)
        self.assertEqual((answer.status, answer.json()["code"], answer.json()["field"]), (422, "bad_value", "cursor"))

    def test_a_place_that_is_used_again_neither_hides_nor_repeats_a_hold(self):
        """Holds end, are forgotten after a window of a second, and new ones take their places, on both sides."""
        server = self.start("--id-window", "1")
        server.send(**receive(1, quantity=100000, source="f"))
        commands = [hold(n, "h%03d" % n, location="L") for n in range(200)]
        self.assertEqual(server.stream(commands, "?answers=summary").lines()[-1]["summary"]["accepted"], 200)
        page = page_of(server, "holds", "limit=100")
        seen = [row["hold"] for row in page["holds"]]
        self.assertEqual(seen, ["h%03d" % n for n in range(100)])
        # Every third goes, on both sides of the cursor; their names are given again and their places taken.
        gone = list(range(0, 200, 3))
        releases = [{"kind": "release", "source": "r", "id": str(n), "hold": "h%03d" % n} for n in gone]
        self.assertEqual(server.stream(releases, "?answers=summary").lines()[-1]["summary"]["accepted"], len(gone))
        end = time.monotonic() + 30
        while any(server.get("/v1/holds/h%03d" % n).status != 404 for n in gone) and time.monotonic() < end:
            time.sleep(0.1)
            server.send(**receive("t%f" % time.monotonic(), item="tick", location="L", source="t"))
        again = [hold("again%d" % n, "h%03d" % n, quantity=2) for n in gone]
        self.assertEqual(server.stream(again, "?answers=summary").lines()[-1]["summary"]["accepted"], len(gone))
        server.stop()
        server.start()
        rest = [row["hold"] for row in rows_of(walk(server, "holds", "limit=9", cursor=page["next"]), "holds")]
        self.assertEqual(rest, ["h%03d" % n for n in range(100, 200) if n not in gone])
        # A new listing has them all, the places taken again among the others.
        names = [row["hold"] for row in rows_of(walk(server, "holds", "limit=9"), "holds")]
        self.assertEqual(sorted(names), ["h%03d" % n for n in range(200)])
        self.assertNotEqual(names, sorted(names), "no place was used again")

    def test_a_place_that_is_used_again_neither_hides_nor_repeats_a_document(self):
        for what, one, make, end in (
                ("transfers", "transfer", {"kind": "transfer_out", "to": "M"}, {"kind": "transfer_loss"}),
                ("expectations", "expectation", {"kind": "expect", "direction": "in", "due": "2999-01-01"},
                 {"kind": "cancel_expected"})):
            with self.subTest(what):
                os.mkdir(self.folder + "/" + what)
                server = self.start("--id-window", "1", folder=self.folder + "/" + what)
                server.send(**receive(1, quantity=100000, source="f"))

                def made(tag, numbers, quantity):
                    commands = [{**make, "source": "s", "id": "%s%d" % (tag, n), one: "d%03d" % n, "item": "A", "location": "L",
                                 "quantity": quantity} for n in numbers]
                    self.assertEqual(server.stream(commands, "?answers=summary").lines()[-1]["summary"]["accepted"], len(commands))
                made("first", range(100), 1)
                page = page_of(server, what, "limit=50")
                self.assertEqual([row[one] for row in page[what]], ["d%03d" % n for n in range(50)])
                gone = list(range(0, 100, 3))
                commands = [{**end, "source": "x", "id": str(n), one: "d%03d" % n} for n in gone]
                self.assertEqual(server.stream(commands, "?answers=summary").lines()[-1]["summary"]["accepted"], len(gone))
                deadline = time.monotonic() + 30
                while (any(server.get("%s/d%03d" % (CALLS[what], n)).status != 404 for n in gone)
                       and time.monotonic() < deadline):
                    time.sleep(0.1)
                    server.send(**receive("t%f" % time.monotonic(), item="tick", location="L", source="t"))
                made("again", gone, 2)
                server.stop()
                server.start()
                rest = rows_of(walk(server, what, "limit=9", cursor=page["next"]), what)
                self.assertEqual([row[one] for row in rest], ["d%03d" % n for n in range(50, 100) if n not in gone])
                names = [row[one] for row in rows_of(walk(server, what, "limit=9"), what)]
                self.assertEqual(sorted(names), ["d%03d" % n for n in range(100)])
                self.assertNotEqual(names, sorted(names), "no place was used again")
                server.stop()

    def test_an_ended_hold_leaves_the_list_with_its_name(self):
        server = self.start("--id-window", "1")
        server.send(**receive(1, quantity=10, source="f"))
        server.send(**hold(1, "h"))
        server.send(kind="release", source="r", id="1", hold="h")
        end = time.monotonic() + 30
        while server.get("/v1/holds/h").status != 404 and time.monotonic() < end:
            self.assertLessEqual(len(page_of(server, "holds")["holds"]), 1)
            time.sleep(0.1)
            server.send(**receive("t%f" % time.monotonic(), item="tick", location="L", source="t"))
        self.assertEqual(page_of(server, "holds")["holds"], [])

    def test_pages_of_large_holds_are_shorter(self):
        server = self.start()
        items = ["%04d" % n + "x" * 100 for n in range(1000)]
        lines = [{"item": item, "location": "L", "quantity": 100} for item in items]
        self.assertEqual(server.send(kind="receive", source="f", id="1", lines=lines).status, 200)
        for n in range(40):
            answer = server.send(**{**hold(n, "big%d" % n), "lines": [{**line, "quantity": 1} for line in lines]})
            self.assertEqual(answer.status, 200)
        answer = server.get("/v1/holds?limit=1000")
        page = answer.json()
        self.assertGreater(len(page["holds"]), 1)
        self.assertLess(len(page["holds"]), 40)
        self.assertLess(len(answer.body), (4 << 20) + len(answer.body) // len(page["holds"]) + 200)
        pages = walk(server, "holds", "limit=1000")
        self.assertEqual([row["hold"] for row in rows_of(pages, "holds")], ["big%d" % n for n in range(40)])
        self.assertEqual({len(row["lines"]) for row in rows_of(pages, "holds")}, {1000})
        self.assertEqual(len(page_of(server, "holds", "item=%s&limit=3" % items[999])["holds"]), 3)

    def test_bodies_of_the_largest_size_come_once_in_pages_and_in_one(self):
        """More of them than one read copies, and more than a page holds."""
        server = self.start()
        names = ["big%03d" % n for n in range(600)]
        lines = [{"name": name, "scale": 0, "attributes": {"k": "v" * 1000},
                  "aliases": {"shop": ["%s-%03d-%s" % (name, n, "y" * 48) for n in range(200)]}} for name in names]
        with server.connect() as wire:
            answer = wire.request("PUT", "/v1/items?answers=summary", b"\n".join(json.dumps(line).encode() for line in lines),
                                  {"Content-Type": "application/x-ndjson"})
        self.assertEqual(answer.lines()[-1]["summary"]["accepted"], len(names))
        answer = server.get("/v1/items?q=big&limit=1000")
        page = answer.json()
        self.assertTrue(100 < len(page["items"]) < len(names))
        self.assertLess(len(answer.body), (4 << 20) + 20000)
        for query in ("q=big&limit=1000", "q=big&limit=50"):
            rows = rows_of(walk(server, "items", query), "items")
            self.assertEqual([row["item"] for row in rows], names)
            for n in (0, 7, 599):
                self.assertEqual(rows[n], server.get("/v1/items/" + names[n]).json())

    def test_nobody_waits_for_a_list(self):
        """Commands are answered while lists that find nothing walk everything."""
        server = self.start()
        self.fill(server, 50000, 20000)
        stop = threading.Event()
        lists = [0]

        def read():
            with server.connect() as wire:
                while not stop.is_set():
                    for target in ("/v1/stock?q=none", "/v1/holds?holder=none"):
                        assert wire.request("GET", target).json()["next"] is None
                        lists[0] += 1
        reader = threading.Thread(target=read)
        reader.start()
        times = []
        for n in range(300):
            begin = time.monotonic()
            self.assertEqual(server.send(**receive("n%d" % n, item="i00000", location="L0", source="n")).status, 200)
            times.append(time.monotonic() - begin)
        stop.set()
        reader.join()
        times.sort()
        print("note: a command beside lists of 70,000 entries: median %.2f ms, slowest %.2f ms; %d lists" %
              (times[150] * 1000, times[-1] * 1000, lists[0]))
        self.assertGreater(lists[0], 0)


def seq_of(position):
    return int(position.rsplit("-", 1)[1])


if __name__ == "__main__":
    unittest.main()
