#!/usr/bin/env python3
"""
Goal: items, locations, channels and sources are configured over HTTP, one by one and a whole collection in one stream; what
was configured is in force at once, survives a restart, and a name that was given up begins anew.
Method: names of their own for each test against one real server; restarts and `onhand verify` where it says so.
"""
import json
import threading
import unittest

from server import BIN, FolderCase, ServerCase, is_sanitized, receive, request_bytes, verify

NDJSON = {"Content-Type": "application/x-ndjson"}
BULK = 100_000
RSS_GROWTH_KIB = 128 * 1024  # the items and their bodies, their part of the journal's tail, tables warmed ahead of them


class Calls:
    """Shorthand for the calls, on self.server."""

    def put(self, path, body, headers=None):
        return self.server.request("PUT", "/v1/" + path, json.dumps(body).encode(), headers)

    def delete(self, path, headers=None):
        return self.server.request("DELETE", "/v1/" + path, None, headers)

    def get(self, path):
        return self.server.get("/v1/" + path)

    def done(self, response):
        self.assertEqual(response.status, 200, response)
        return response.json()

    def refused(self, response, status, code, **members):
        self.assertEqual((response.status, response.json()["code"]), (status, code), response)
        for name, value in members.items():
            self.assertEqual(response.json()[name], value)

    def bulk(self, collection, lines, query=""):
        body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        with self.server.connect() as wire:
            return wire.request("PUT", "/v1/" + collection + query, body, NDJSON)


class Items(ServerCase, Calls):
    def test_a_body_comes_back_as_it_is_meant(self):
        self.done(self.put("items/part", {"scale": 1}))
        body = {"scale": 0, "units": {"case": 12, "yard": 0.9144, "third": "2/6"}, "aliases": {"erp": ["2", "1"]},
                "components": [{"item": "part", "quantity": "1.50"}], "gtin": "4006381333931",
                "attributes": {"colour": "red", "a": [1, None]}}
        self.done(self.put("items/whole", body))
        got = self.done(self.get("items/whole"))
        self.assertEqual(got, {"item": "whole", "provisional": False, "scale": 0,
                               "units": {"case": 12, "yard": 0.9144, "third": "1/3"}, "aliases": {"erp": ["1", "2"]},
                               "components": [{"item": "part", "quantity": 1.5}], "gtin": "4006381333931",
                               "attributes": {"a": [1, None], "colour": "red"}})
        event = self.server.events("&item=whole")[-1]
        self.assertEqual((event["type"], event["kind"], event["source"]), ("config", "item", "@api"))
        self.assertEqual(event["config"]["body"]["gtin"], "4006381333931")
        self.done(self.put("items/whole", {"scale": 2}))
        self.assertEqual(self.done(self.get("items/whole")), {"item": "whole", "scale": 2, "provisional": False})

    def test_a_put_follows_what_its_sender_saw(self):
        tag = self.put("items/tag", {"scale": 0}, {"If-Match": '"0"'}).head["etag"]
        self.refused(self.put("items/tag", {"scale": 0}, {"If-Match": '"0"'}), 412, "precondition_failed")
        tag = self.put("items/tag", {"scale": 0, "units": {"case": 6}}, {"If-Match": tag}).head["etag"]
        self.assertEqual(self.get("items/tag").head["etag"], tag)
        self.refused(self.delete("items/tag", {"If-Match": '"1"'}), 412, "precondition_failed")
        self.refused(self.put("items/tag", {"scale": 0}, {"If-Match": "1"}), 422, "bad_value")
        self.done(self.delete("items/tag", {"If-Match": tag}))
        self.refused(self.get("items/tag"), 404, "unknown_item")
        self.refused(self.delete("items/tag"), 404, "unknown_item")

    def test_a_dry_run_changes_nothing(self):
        tag = self.put("items/dry", {"scale": 1}).head["etag"]
        position = self.server.position()
        answer = self.done(self.put("items/dry?dry_run=true", {"scale": 1, "gtin": "4006381333931"}))
        self.assertEqual((answer["name"], answer["status"], answer["dry_run"]), ("dry", "accepted", True))
        self.assertEqual(self.done(self.put("locations/dry-new?dry_run=true", {"zone": "Europe/Berlin"}))["dry_run"], True)
        self.assertEqual(self.done(self.delete("items/dry?dry_run=true"))["dry_run"], True)
        self.refused(self.put("items/dry?dry_run=true", {"scale": 1}, {"If-Match": '"0"'}), 409, "precondition_failed")
        self.refused(self.delete("items/never?dry_run=true"), 409, "unknown_item")
        self.refused(self.put("items/dry?dry_run=true", {"scale": 9}), 422, "bad_value")
        self.refused(self.put("items/dry?dry_run=maybe", {"scale": 1}), 422, "bad_value", field="dry_run")
        self.refused(self.get("items/dry?dry_run=true"), 422, "unknown_field")
        rows = self.bulk("items", [{"name": "dry-1", "scale": 0}, {"name": "dry", "merge": "none"}], "?dry_run=true").lines()
        self.assertEqual([(row["status"], row["dry_run"]) for row in rows], [("accepted", True), ("refused", True)])
        self.assertEqual(self.server.position(), position)
        self.assertEqual(self.get("items/dry").head["etag"], tag)
        self.refused(self.get("locations/dry-new"), 404, "unknown_location")

    def test_quantities_in_units(self):
        self.done(self.put("items/box", {"scale": 0, "units": {"case": 12, "third": "1/3"}}))
        self.done(self.server.send(**receive(1, "box", quantity=2, unit="case")))
        self.assertEqual(self.server.cell("box", "L")["on_hand"], 24)
        self.refused(self.server.send(**receive(2, "box", quantity=1, unit="third")), 422, "uneven_unit",
                     field="/lines/0/quantity")
        self.refused(self.server.send(**receive(3, "box", quantity=1, unit="crate")), 422, "unknown_unit")
        self.assertEqual(self.server.cell("box", "L")["on_hand"], 24)

    def test_an_alias_is_one_sources_name(self):
        self.done(self.put("items/real", {"scale": 0, "aliases": {"shop-a": ["a-1"]}}))
        self.done(self.server.send(**receive(1, "a-1", source="shop-a")))
        self.assertEqual(self.server.cell("real", "L")["on_hand"], 1)
        self.refused(self.server.send(**receive(1, "a-1", source="shop-b")), 409, "alias_in_use", subject="a-1")
        self.refused(self.put("items/other", {"scale": 0, "aliases": {"shop-a": ["a-1"]}}), 409, "alias_in_use",
                     field="/aliases")
        self.refused(self.put("items/a-1", {"scale": 0}), 409, "alias_in_use")
        self.refused(self.get("items/other"), 404, "unknown_item")
        self.refused(self.delete("sources/shop-a"), 409, "in_use")

    def test_two_spellings_become_one(self):
        self.done(self.put("items/M-1", {"scale": 0}))
        self.done(self.server.send(**receive(1, "m-1", quantity=3)))
        self.refused(self.put("items/m-1", {"merge": "M-1"}), 409, "in_use",
                     cells=[{"item": "m-1", "location": "L", "asked": 3, "free": 0}])
        self.done(self.server.send(**receive(2, "m-1", quantity=3, kind="sale")))
        merged = self.done(self.put("items/m-1", {"merge": "M-1"}))
        self.assertEqual((merged["item"], merged["merged"]), ("M-1", ["m-1"]))
        self.done(self.server.send(**receive(3, "m-1", quantity=4)))
        self.assertEqual(self.server.cell("M-1", "L")["on_hand"], 4)
        self.assertEqual(self.server.cell("m-1", "L")["item"], "M-1")
        self.done(self.put("items/M-1", {"scale": 0, "gtin": "96385074"}))
        self.assertEqual(self.done(self.get("items/m-1"))["merged"], ["m-1"])
        self.done(self.delete("items/m-1"))
        self.assertNotIn("merged", self.done(self.get("items/M-1")))
        self.refused(self.get("items/m-1"), 404, "unknown_item")

    def test_kits_have_no_circles(self):
        self.done(self.put("items/k-part", {"scale": 0}))
        self.done(self.put("items/k-kit", {"scale": 0, "components": [{"item": "k-part", "quantity": 2}]}))
        self.refused(self.put("items/k-part", {"scale": 0, "components": [{"item": "k-kit", "quantity": 1}]}), 409,
                     "kit_in_kit", subject="k-kit")
        self.refused(self.put("items/k-kit", {"scale": 0, "components": [{"item": "k-kit", "quantity": 1}]}), 409,
                     "circular", subject="k-kit")
        self.refused(self.put("items/k-kit", {"scale": 0, "components": [{"item": "k-none", "quantity": 1}]}), 409,
                     "unknown_item", subject="k-none")
        self.refused(self.delete("items/k-part"), 409, "in_use", subject="k-kit")
        self.done(self.put("items/k-old", {"merge": "k-part"}))
        kit = self.done(self.put("items/k-new", {"scale": 0, "components": [{"item": "k-old", "quantity": 3}]}))
        self.assertEqual(kit["components"], [{"item": "k-part", "quantity": 3}])
        self.refused(self.put("items/k-new", {"scale": 0, "components": [{"item": "k-old", "quantity": 3},
                                                                        {"item": "k-part", "quantity": 1}]}), 422,
                     "bad_value", field="/components")
        self.assertEqual(self.done(self.get("items/k-new")), kit)
        self.refused(self.put("items/k-kit", {"scale": 1, "components": [{"item": "k-part", "quantity": 1}]}), 422,
                     "bad_value", field="/scale")
        self.refused(self.put("items/k-kit", {"scale": 0, "components": [{"item": "k-part", "quantity": 0.1}]}), 422,
                     "too_many_decimals", field="/components")

    def test_claims_in_the_way_are_named(self):
        self.done(self.server.send(**receive(1, "claimed", quantity=5)))
        for n in range(20):
            hold = {"kind": "hold", "id": "h%d" % n, "source": "claimed", "hold": "claimed-%d" % n, "item": "claimed",
                    "location": "L", "quantity": 0 + (n < 5) or 1}
            if n >= 5:
                hold["wait"] = True
            self.done(self.server.send(**hold))
        problem = self.delete("items/claimed").json()
        self.assertEqual((problem["code"], problem["claims_total"], len(problem["claims"])), ("claims_open", 20, 16))


class Places(ServerCase, Calls):
    def test_a_location_answers_for_those_below_it(self):
        self.done(self.put("locations/de", {}))
        self.done(self.put("locations/ber", {"parent": "de"}))
        self.done(self.put("locations/bin-1", {"parent": "ber", "promise": False, "attributes": {"aisle": 3}}))
        self.assertEqual(self.done(self.get("locations/bin-1")),
                         {"location": "bin-1", "provisional": False, "parent": "ber", "promise": False,
                          "attributes": {"aisle": 3}})
        for n, location in enumerate(["ber", "bin-1", "elsewhere"]):
            self.done(self.server.send(**receive(n, "tree", location, quantity=10 ** n)))
        self.assertEqual((self.server.cell("tree", "de")["on_hand"], self.server.cell("tree", "de")["cells"]), (11, 2))
        self.assertEqual(self.server.cell("tree", "ber")["on_hand"], 11)
        self.assertEqual(self.server.cell("tree", "bin-1")["on_hand"], 10)
        self.refused(self.put("locations/de", {"parent": "bin-1"}), 409, "circular", subject="bin-1")
        self.refused(self.put("locations/new", {"parent": "nowhere"}), 409, "unknown_location", subject="nowhere")
        self.refused(self.delete("locations/ber"), 409, "in_use", subject="bin-1")
        self.refused(self.delete("locations/bin-1"), 409, "in_use",
                     cells=[{"item": "tree", "location": "bin-1", "asked": 10, "free": 0}])
        self.refused(self.delete("locations/never"), 404, "unknown_location")

    def test_what_is_oversold_at_one_place_is_not_made_up_for_by_another(self):
        self.done(self.put("locations/R", {}))
        for name in ("R1", "R2"):
            self.done(self.put("locations/" + name, {"parent": "R"}))
        for name in ("R2a", "R2b"):
            self.done(self.put("locations/" + name, {"parent": "R2", "promise": False}))
        self.done(self.server.send(**receive(1, "over", "R1", quantity=10, source="over")))
        self.done(self.server.send(**receive(2, "over", "R2a", quantity=1, source="over")))
        self.done(self.server.send(kind="sale", source="over", id="3", item="over", location="R2", quantity=2))
        self.done(self.server.send(kind="sale", source="over", id="4", item="over", location="R2b", quantity=3))
        stock = self.done(self.server.get("/v1/stock/over"))
        # At R2 are -2, and 1 - 3 in its bins: 4 were sold there that were not there. At the bins nothing is promised.
        oversold = {"R1": 0, "R2": 4, "R2a": 0, "R2b": 0}
        self.assertEqual({row["location"]: row["oversold"] for row in stock["locations"]}, oversold)
        self.assertEqual((stock["total"]["available"], stock["total"]["oversold"]), (6, 4))
        for name, wanted in (("R", 4), ("R2", 4), ("R2b", 0)):
            self.assertEqual(self.server.cell("over", name)["oversold"], wanted, name)
        rows = self.done(self.server.get("/v1/stock?q=over"))["stock"]
        self.assertEqual({row["location"]: row["oversold"] for row in rows}, oversold)
        rows = self.done(self.server.get("/v1/stock?q=over&state=oversold"))["stock"]
        self.assertEqual([row["location"] for row in rows], ["R2"])
        cells, _ = self.server.figures("?item=over")
        self.assertEqual({cell[1]: cells[cell]["oversold"] for cell in cells}, oversold)

    def test_a_tree_has_at_most_32_levels(self):
        lines = [{"name": "level-%d" % n, **({"parent": "level-%d" % (n - 1)} if n else {})} for n in range(33)]
        answers = self.bulk("locations", lines).lines()
        self.assertEqual([row["status"] for row in answers], ["accepted"] * 32 + ["refused"])
        self.assertEqual((answers[32]["code"], answers[32]["subject"]), ("too_deep", "level-31"))
        self.done(self.put("locations/roof", {}))
        self.refused(self.put("locations/level-0", {"parent": "roof"}), 409, "too_deep", subject="roof", field="/parent")

    def test_zones_are_known_to_the_system_or_refused(self):
        self.done(self.put("locations/fixed", {"zone": "-05:30"}))
        self.assertEqual(self.done(self.get("locations/fixed"))["zone"], "-05:30")
        for zone in ("Mars/Base", "../../etc/passwd", "/etc/passwd", "Europe", "+19:00", "", 1, {}):
            self.refused(self.put("locations/zoned", {"zone": zone}), 422, "bad_value", field="/zone")
        self.refused(self.get("locations/zoned"), 404, "unknown_location")

    def test_a_day_begins_by_the_zone(self):
        self.done(self.put("locations/far", {"zone": "+14:00"}))
        for n, location in enumerate(["far", "near"]):
            self.done(self.server.send(kind="expect", id="e%d" % n, source="zone", expectation="E%d" % n, direction="in",
                                       due="2999-06-15", item="dated", location=location, quantity=5))
        at = "&at=2999-06-15T12:00:00Z"
        self.assertEqual(self.done(self.get("atp/dated?location=far" + at))["atp"], 5)
        self.assertEqual(self.done(self.get("atp/dated?location=near" + at))["atp"], 0)


class Sources(FolderCase, Calls):
    def setUp(self):
        super().setUp()
        self.server = self.start()

    def at(self, n, source, **more):
        return self.server.send(**receive(n, "timed", source=source, **more))

    def occurred(self, n, source):
        return next(event["occurred_at"] for event in self.server.events("&source=" + source) if event["id"] == str(n))

    def test_times_without_offset_are_by_the_sources_clock(self):
        self.refused(self.at(1, "till", occurred_at=self.recent()), 422, "bad_value", field="/occurred_at")
        self.done(self.put("sources/till", {"zone": "+02:00"}))
        self.done(self.at(1, "till", occurred_at=self.recent()))
        self.assertEqual(self.occurred(1, "till"), self.recent(-2) + "Z")
        self.done(self.put("sources/till", {"zone": "-03:00"}))
        self.done(self.at(2, "till", occurred_at=self.recent()))
        self.assertEqual(self.occurred(2, "till"), self.recent(3) + "Z")
        self.done(self.at(3, "till", occurred_at=self.recent() + "Z"))
        self.assertEqual(self.occurred(3, "till"), self.recent() + "Z")
        self.server.kill()
        self.server.start()
        self.done(self.at(4, "till", occurred_at=self.recent()))
        self.assertEqual(self.occurred(4, "till"), self.recent(3) + "Z")
        self.done(self.delete("sources/till"))
        self.refused(self.at(5, "till", occurred_at=self.recent()), 422, "bad_value", field="/occurred_at")
        # In a stream of sources too, whoever asks for no answers.
        self.assertEqual(self.bulk("sources", [{"name": "till", "zone": "+01:00"}], "?answers=summary").status, 200)
        self.done(self.at(5, "till", occurred_at=self.recent()))
        self.assertEqual(self.occurred(5, "till"), self.recent(-1) + "Z")

    def recent(self, hours=0):
        """Noon of a day of the present window, hours later."""
        if not hasattr(self, "noon"):
            import datetime
            self.noon = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(days=2)
            self.hour = datetime.timedelta(hours=1)
        return (self.noon + hours * self.hour).strftime("%Y-%m-%dT%H:%M:%S")

    def test_what_a_source_asks_of_its_commands(self):
        body = {"zone": "+01:00", "ordered": True, "strict": True, "default_condition": "damaged", "expires_in": 60}
        self.done(self.put("sources/wms", body))
        got = self.done(self.get("sources/wms"))
        self.assertIsNone(got.pop("quality")["heard_at"])
        self.assertEqual(got, {"source": "wms", "provisional": False, **body, "seq": None, "silent_since": None, "drift": 0})
        self.refused(self.at(1, "wms"), 422, "missing_field", field="/seq")
        self.refused(self.at(1, "wms", seq=1), 409, "unknown_item")
        self.done(self.at(1, "erp"))
        self.done(self.at(2, "wms", seq=2, kind="return"))
        self.assertEqual(self.server.cell("timed", "L")["conditions"]["damaged"], 1)
        for field in ("id_window",):
            self.refused(self.put("sources/wms", {field: 1}), 422, "unknown_field", field="/" + field)


class Channels(ServerCase, Calls):
    def test_a_channel_is_put_and_read(self):
        self.done(self.put("locations/dc", {}))
        body = {"locations": ["dc"], "priority": 1, "shares_rest": False, "buffer": 3, "cap": 20}
        got = self.done(self.put("channels/amz", body))
        self.assertEqual(got, {"channel": "amz", "provisional": False, **body})
        read = self.get("channels/amz")
        self.assertEqual(read.json(), got)
        self.refused(self.put("channels/amz", {}, {"If-Match": '"1"'}), 412, "precondition_failed")
        self.done(self.put("channels/amz", {"locations": ["dc"]}, {"If-Match": read.head["etag"]}))
        self.assertEqual(self.done(self.get("channels/amz")), {"channel": "amz", "provisional": False, "locations": ["dc"],
                                                               "priority": None, "shares_rest": True, "buffer": 0,
                                                               "cap": None})
        self.refused(self.get("channels/none"), 404, "unknown_channel")
        self.refused(self.delete("locations/dc"), 409, "in_use", subject="amz")
        self.refused(self.put("channels/bad", {"cap": 1.5}), 422, "bad_value", field="/cap")


class Anew(FolderCase, Calls):
    def test_a_sku_re_created_starts_with_nothing_of_the_old_one(self):
        self.server = self.start()
        self.done(self.put("items/sku", {"scale": 2, "units": {"case": 12}, "aliases": {"shop": ["x"]}}))
        self.done(self.server.send(**receive(1, "sku", quantity=1.25)))
        self.done(self.server.send(**receive(2, "sku", quantity=1.25, kind="sale")))
        self.done(self.server.send(kind="set_policy", id="p", source="sku", item="sku", location="L", reorder_point=9))
        before = self.server.cell("sku", "L")["version"]
        self.assertGreater(before, 2)
        deleted = self.done(self.delete("items/sku"))
        self.assertEqual((deleted["item"], deleted["deleted"]), ("sku", True))
        self.refused(self.get("items/sku"), 404, "unknown_item")
        self.refused(self.get("stock/sku"), 404, "unknown_item")
        self.assertEqual(self.server.figures()[0], {})
        self.assertEqual([row["item"] for row in self.done(self.get("items"))["items"]], [])
        self.assertEqual(self.done(self.get("stock"))["stock"], [])
        self.done(self.server.send(**receive(3, "sku", quantity=7)))
        for _ in range(2):
            cell = self.server.cell("sku", "L")
            self.assertEqual((cell["on_hand"], cell["version"], cell["reorder_point"]), (7, 1, 0))
            self.assertEqual(self.done(self.get("items/sku")), {"item": "sku", "scale": 0, "provisional": True})
            self.assertEqual(list(self.server.figures()[0]), [("sku", "L")])
            self.assertEqual(len(self.done(self.get("stock"))["stock"]), 1)
            self.refused(self.server.send(**receive(4, "sku", quantity=1, unit="case")), 422, "unknown_unit")
            # What happened to the old one can still be read under its name.
            kinds = [event["kind"] for event in self.server.events("&item=sku")]
            self.assertEqual(kinds[:3], ["item", "receive", "sale"])
            self.server.kill()
            verify(self.server.data)
            self.server.start()

    def test_a_location_given_up_begins_anew(self):
        self.server = self.start()
        self.done(self.server.send(**receive(1, "a", "here")))
        self.done(self.server.send(kind="transfer", id="t", source="a", item="a", location="here", to="there", quantity=1))
        self.done(self.delete("locations/here"))
        self.assertEqual([row["location"] for row in self.done(self.get("stock/a"))["locations"]], ["there"])
        self.assertEqual([row["location"] for row in self.done(self.get("locations"))["locations"]], ["there"])
        self.done(self.server.send(**receive(2, "a", "here", quantity=5)))
        self.assertEqual((self.server.cell("a", "here")["on_hand"], self.server.cell("a", "here")["version"]), (5, 1))
        self.server.stop()
        verify(self.server.data)


class Bulk(FolderCase, Calls):
    def test_lines_are_answered_as_in_a_stream_of_commands(self):
        self.server = self.start()
        answers = self.bulk("items", [{"name": "b-1", "scale": 1}, {"name": "b-2", "scale": 7}, {"scale": 0}, 5,
                                      {"name": "b-3", "scale": 0, "components": [{"item": "none", "quantity": 1}]},
                                      {"name": "b-1", "scale": 1, "units": {"case": 6}}]).lines()
        self.assertEqual([(row["line"], row["status"], row.get("code")) for row in answers],
                         [(1, "accepted", None), (2, "invalid", "bad_value"), (3, "invalid", "missing_field"),
                          (4, "invalid", "bad_value"), (5, "refused", "unknown_item"), (6, "accepted", None)])
        self.assertEqual([row.get("name") for row in answers], ["b-1", None, None, None, "b-3", "b-1"])
        answers = self.bulk("items", [{"name": "b-zz", "merge": "b-1"}, {"name": "b-2", "scale": 0},
                                      {"name": "b-2", "merge": "b-1"}, {"name": "b-2", "merge": "b-1"}]).lines()
        self.assertEqual([(row["name"], row["status"]) for row in answers[:4]],
                         [("b-zz", "accepted"), ("b-2", "accepted"), ("b-2", "accepted"), ("b-2", "accepted")])
        self.assertEqual(self.done(self.get("items/b-zz"))["item"], "b-1")
        self.assertEqual(self.done(self.get("items/b-1"))["units"], {"case": 6})
        for collection, lines, path in (
                ("locations", [{"name": "L1"}, {"name": "L2", "parent": "L1", "zone": "Europe/Berlin"}], "locations/L2"),
                ("channels", [{"name": "C1", "locations": ["L1"]}, {"name": "C2"}], "channels/C2"),
                ("sources", [{"name": "S1"}, {"name": "S2", "strict": True}], "sources/S2")):
            answers = self.bulk(collection, lines).lines()
            self.assertEqual([row["status"] for row in answers], ["accepted"] * 2, answers)
            self.assertFalse(self.done(self.get(path))["provisional"])
        errors = self.bulk("items", [{"name": "b-4", "scale": 0}, {"name": "b-5"}], "?answers=errors").lines()
        self.assertEqual([row.get("line") for row in errors[:1]], [2])
        self.assertEqual((errors[-1]["summary"]["accepted"], errors[-1]["summary"]["invalid"]), (1, 1))

    def test_a_hundred_thousand_items_in_one_stream(self):
        count = BULK // 10 if is_sanitized(BIN) else BULK
        self.server = self.start()
        self.done(self.put("items/warm", {"scale": 0}))
        before = most = self.server.rss_kib()
        with self.server.connect() as wire:
            wire.send(request_bytes(self.server.port, "PUT", "/v1/items?answers=summary", None,
                                    {**NDJSON, "Transfer-Encoding": "chunked"}))

            def send():
                for first in range(0, count, 1000):
                    text = b"".join(
                        b'{"name":"bulk-%07d","scale":%d,"units":{"case":12},"aliases":{"erp":["%d"]},'
                        b'"attributes":{"colour":"red"}}\n' % (n, n % 7, n) for n in range(first, first + 1000))
                    wire.send(b"%x\r\n%s\r\n" % (len(text), text))
                wire.send(b"0\r\n\r\n")

            sender = threading.Thread(target=send, daemon=True)
            sender.start()
            self.assertEqual(wire.head()[0], 200)
            for line in wire.body_lines():
                last = line
                most = max(most, self.server.rss_kib())
            sender.join(60)
        summary = json.loads(last)["summary"]
        self.assertEqual((summary["lines"], summary["accepted"]), (count, count))
        print("# %d items: %d KiB more at most" % (count, most - before))
        if not is_sanitized(BIN):
            self.assertLess(most - before, RSS_GROWTH_KIB)
        for _ in range(2):
            for n in (0, 77, count - 1):
                item = self.done(self.get("items/bulk-%07d" % n))
                self.assertEqual((item["scale"], item["aliases"]), (n % 7, {"erp": [str(n)]}))
            self.server.kill()
            self.server.start()
        self.done(self.server.send(**receive(1, str(count - 1), source="erp", quantity=2, unit="case")))
        self.assertEqual(self.server.cell("bulk-%07d" % (count - 1), "L")["on_hand"], 24)
        self.server.stop()
        verify(self.server.data)


class Merged(ServerCase, Calls):
    """A merged name means the other item wherever a read takes the name of an item."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        server = cls.server
        server.send(kind="set_channel", source="m", id="c", channel="web", locations=["L"])
        server.send(**receive(1, "new", quantity=10, source="m"))
        server.send(**receive(2, "other", quantity=3, source="m"))
        server.send(kind="hold", source="m", id="h", hold="h", item="new", location="L", quantity=4)
        server.send(kind="hold", source="m", id="w", hold="w", item="new", location="L", quantity=40, wait=True)
        server.send(kind="transfer_out", source="m", id="t", transfer="t", to="M", item="new", location="L", quantity=1)
        server.send(kind="expect", source="m", id="e", expectation="e", direction="in", due="2999-01-01", item="new",
                    location="L", quantity=5)
        assert server.request("PUT", "/v1/items/old", b'{"merge":"new"}').status == 200

    def test_what_stands_in_a_path(self):
        for path in ("stock/%s", "stock/%s/L", "items/%s", "atp/%s?location=L&at=2999-01-02&quantity=8",
                     "availability?channel=web&item=other&item=%s&item=nobody"):
            by_old, by_new = (self.done(self.get(path % name)) for name in ("old", "new"))
            for answer in (by_old, by_new):
                if "at=" not in path:
                    answer.pop("position", None)
            self.assertEqual(by_old, by_new, path)
        rows = self.done(self.get("availability?channel=web&item=old&item=other"))["items"]
        self.assertEqual(rows, [{"item": "new", "ats": 5}, {"item": "other", "ats": 3}])

    def test_lists(self):
        for path, name in (("holds", "hold"), ("waiting", "hold"), ("transfers", "transfer"), ("expectations", "expectation")):
            by_old, by_new, by_other = (self.done(self.get("%s?item=%s" % (path, item)))[path]
                                        for item in ("old", "new", "other"))
            self.assertEqual(by_old, by_new)
            self.assertEqual((bool(by_old), by_other), (True, []), path)

    def test_figures_and_the_feed(self):
        figures = self.server.figures("?item=old")[0]
        self.assertEqual(set(figures), {("new", "L"), ("new", "M")})
        events = self.server.events("&item=new")
        self.assertTrue(events)
        self.assertEqual(self.server.events("&item=old"), events)
        rows = self.done(self.get("feed?channel=web&item=old"))["events"]
        self.assertEqual([(row["item"], row["ats"]) for row in rows], [("new", 5)])
        with self.server.connect() as wire:
            for query in ("", "&channel=web"):
                after = self.server.position()
                stream = self.server.connect()
                stream.send(request_bytes(self.server.port, "GET", "/v1/feed?item=old&after=%s%s" % (after, query), None,
                                          {"Accept": "text/event-stream"}))
                self.assertEqual(stream.head()[0], 200)
                for n, item in enumerate(("other", "new")):
                    wire.request("POST", "/v1/commands", json.dumps(receive("f%d%s" % (n, query), item, source="m")).encode())
                data = next(line for line in stream.body_lines() if line.startswith(b"data:"))
                self.assertEqual(json.loads(data[5:])["item"], "new")
                stream.close()
                for n, item in enumerate(("other", "new")):
                    self.server.send(kind="sale", source="m", id="g%d%s" % (n, query), item=item, location="L", quantity=1)


class Routes(ServerCase, Calls):
    def test_methods_and_types(self):
        for path, allow in (("items/x", "GET, PUT, DELETE"), ("channels/x", "GET, PUT, DELETE"), ("items", "PUT, GET")):
            answer = self.server.request("POST", "/v1/" + path, b"{}")
            self.refused(answer, 405, "method_not_allowed")
            self.assertEqual(answer.head["allow"], allow)
        self.refused(self.server.request("DELETE", "/v1/items"), 405, "method_not_allowed")
        self.refused(self.server.request("DELETE", "/v1/items/x", b"{}"), 400, "bad_request")
        self.refused(self.put("items", {}), 415, "unsupported_media_type")
        self.refused(self.server.request("PUT", "/v1/items/x", b"{}", NDJSON), 415, "unsupported_media_type")
        self.refused(self.put("items/x/y", {}), 404, "not_found")
        self.refused(self.put("items/@x", {"scale": 0}), 422, "bad_value")
        self.refused(self.put("items/x?y=1", {"scale": 0}), 422, "unknown_field")
        self.refused(self.delete("sources/@ledger"), 422, "bad_value")
        with self.server.connect() as wire:
            self.refused(wire.request("PUT", "/v1/items/x", b'{"scale":0,"attributes":{"a":"' + b"x" * 70000 + b'"}}'),
                         413, "body_too_large")


if __name__ == "__main__":
    unittest.main()
