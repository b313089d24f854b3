#!/usr/bin/env python3
"""
Goal: /openapi.json says what the server does: every call in it exists, every kind has exactly the fields it lists,
every code is there, and answers have the members that are described and no others.
Method: the description is fetched from a running server and walked. For each kind the smallest command is sent, then
the same with each member that any kind has: one that is not listed must be 422 unknown_field, a listed one must not.
Answers of all kinds are held against their schemas by a small validator (the part of JSON Schema that the page uses).
"""
import json
import os
import re
import unittest

from server import ServerCase

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src")

# A value of the right form for each member.
VALUES = {
    "kind": "receive", "id": "x", "source": "s", "reason": "because", "actor": "jo", "document": "D1", "line": "7",
    "channel": "web", "meta": {"b": [1, None], "a": {}}, "seq": 1, "occurred_at": "2026-11-22T10:00:00Z",
    "not_after": "2999-01-01T00:00:00Z", "if": {"version": 0}, "dry_run": True, "guard": True, "item": "A",
    "location": "L", "quantity": 1, "condition": "sellable", "lines": [{"item": "A", "location": "L", "quantity": 1}],
    "hold": "H", "holder": "jo", "expires_in": 60, "mode": "partial", "from": "sellable", "to": "damaged",
    "unit": "case", "sourcing": {"locations": ["L"], "rule": "most_stock"}, "priority": 1, "backorder": True,
    "wait": True, "at": "2999-12-24", "paid": True, "counted_to": "2026-11-22T10:00:00Z",
    "counted_from": "2026-11-22T09:00:00Z", "includes_picked": True, "review": "1-2", "verdict": "accept", "of": {"source": "till", "id": "1"},
    "until": "2020-01-01T00:00:00Z",
    "seen": {"position": "1-1"}, "measure": "available", "contains": "none", "set": "mon", "last": True, "transfer": "T", "eta": "2999-12-01", "expectation": "PO",
    "direction": "in", "due": "2999-12-01T08:00:00+01:00", "safety_stock": 5, "backorder_limit": "1.5",
    "reorder_point": 0, "locations": ["L", "M"], "shares_rest": False, "buffer": 3, "cap": 20, "add": -1,
}
# Kinds in which `to` is not a condition.
TO = {"transfer": "M", "transfer_out": "M", "reassign": "M", "allocate": 40}
# What a kind needs beside its required members and its lines.
BESIDE = {"set_policy": ["safety_stock"], "allocate": ["to"], "snapshot": ["seen"]}
# Kinds whose form is taken and that the ledger may not know yet: it then says so of `kind`.
AHEAD = set()
# Claims in part, channels, transfers, expectations, at a cell of their own: what is accepted and what is refused must both
# be as described. B has 2 decimals by then.
BEYOND = [
    {"kind": "receive", "item": "B", "location": "DC", "quantity": 100},
    {"kind": "set_policy", "item": "B", "location": "DC", "safety_stock": 5, "backorder_limit": 10, "reorder_point": 95},
    {"kind": "set_channel", "channel": "web", "locations": ["DC"], "priority": 1, "buffer": 1},
    {"kind": "set_channel", "channel": "web", "item": "B", "cap": 50.5},
    {"kind": "allocate", "channel": "web", "item": "B", "location": "DC", "to": 40},
    {"kind": "allocate", "channel": "web", "item": "B", "location": "DC", "add": -41},
    {"kind": "allocate", "channel": "no", "item": "B", "location": "DC", "to": 1},
    {"kind": "hold", "hold": "k1", "channel": "web", "priority": 3, "item": "B", "location": "DC", "quantity": 30.5},
    {"kind": "hold", "hold": "k5", "channel": "web", "item": "B", "quantity": 1,
     "sourcing": {"locations": ["DC"], "rule": "most_stock"}},
    {"kind": "hold", "hold": "k2", "item": "B", "quantity": 1000, "sourcing": {"rule": "fewest_splits"}},
    {"kind": "hold", "hold": "k3", "item": "B", "location": "DC", "quantity": 90, "wait": True},
    {"kind": "hold", "hold": "k4", "item": "B", "location": "DC", "quantity": 90, "at": "2999-12-24"},
    {"kind": "set_channel", "channel": "web", "locations": []},
    {"kind": "commit", "hold": "k1", "paid": True},
    {"kind": "amend", "hold": "k1", "item": "B", "location": "DC", "quantity": 20},
    {"kind": "pick", "hold": "k1", "item": "B", "location": "DC", "quantity": 5},
    {"kind": "unpick", "hold": "k1", "item": "B", "location": "DC", "quantity": 1},
    {"kind": "amend", "hold": "k1", "item": "B", "location": "DC", "quantity": 1},
    {"kind": "reassign", "hold": "k1", "item": "B", "location": "DC", "quantity": 2, "to": "PAR", "backorder": True},
    {"kind": "transfer_out", "transfer": "T9", "to": "PAR", "eta": "2999-12-01", "item": "B", "location": "DC",
     "quantity": 20},
    {"kind": "transfer_in", "transfer": "T9", "item": "B", "location": "PAR", "quantity": 8, "condition": "damaged"},
    {"kind": "transfer_loss", "transfer": "T9", "item": "B", "location": "PAR", "quantity": 100},
    {"kind": "transfer_loss", "transfer": "T9"},
    {"kind": "transfer_in", "transfer": "T0", "item": "B", "location": "PAR", "quantity": 1},
    {"kind": "expect", "expectation": "PO", "direction": "in", "due": "2999-12-01", "item": "B", "location": "DC",
     "quantity": 7},
    {"kind": "redate", "expectation": "PO", "due": "2999-12-02T08:00:00Z"},
    {"kind": "receive", "expectation": "PO", "item": "B", "location": "DC", "quantity": 8},
    {"kind": "cancel_expected", "expectation": "PO"},
    {"kind": "cancel_expected", "expectation": "P0"},
]
# Members of API.md that belong to kinds or abilities that are not served yet.
LATER = ["counted_to", "seen", "review", "verdict", "of", "colour"]


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


class Page:
    """The description, and values held against its schemas."""

    def __init__(self, document):
        self.document = document
        self.schemas = document["components"]["schemas"]

    def resolve(self, schema):
        while "$ref" in schema:
            at = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                at = at[part]
            schema = at
        return schema

    def wrong(self, schema, value, path=""):
        """What is wrong with the value, or None."""
        schema = self.resolve(schema)
        types = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int,
                 "number": (int, float)}
        kind = schema.get("type")
        if kind and (not isinstance(value, types[kind]) or (kind in ("integer", "number") and isinstance(value, bool))):
            return "%s: %r is no %s" % (path, value, kind)
        if "const" in schema and value != schema["const"]:
            return "%s: %r is not %r" % (path, value, schema["const"])
        if "enum" in schema and value not in schema["enum"]:
            return "%s: %r is none of %r" % (path, value, schema["enum"])
        if "minimum" in schema and value < schema["minimum"] or "maximum" in schema and value > schema["maximum"]:
            return "%s: %r is out of range" % (path, value)
        if isinstance(value, dict):
            problem = self.wrong_object(schema, value, path)
            if problem:
                return problem
        if isinstance(value, list):
            if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
                return "%s: %d elements" % (path, len(value))
            for i, element in enumerate(value):
                problem = "items" in schema and self.wrong(schema["items"], element, "%s/%d" % (path, i))
                if problem:
                    return problem
        for part in schema.get("allOf", []):
            problem = self.wrong(part, value, path)
            if problem:
                return problem
        for word in ("oneOf", "anyOf"):
            problems = [self.wrong(part, value, path) for part in schema.get(word, [])]
            fits = problems.count(None)
            if problems and (fits != 1 if word == "oneOf" else fits == 0):
                return "%s: fits %d of %s: %s" % (path, fits, word, problems)
        if "not" in schema and self.wrong(schema["not"], value, path) is None:
            return "%s: fits what it must not" % path
        return None

    def wrong_object(self, schema, value, path):
        for name in schema.get("required", []):
            if name not in value:
                return "%s: %s is missing" % (path, name)
        for name, part in schema.get("properties", {}).items():
            problem = name in value and self.wrong(part, value[name], "%s/%s" % (path, name))
            if problem:
                return problem
        if schema.get("additionalProperties") is False:
            extra = set(value) - set(schema.get("properties", {}))
            if extra:
                return "%s: %s is not described" % (path, sorted(extra))
        return None

    def members(self, schema):
        """Every member that an object of this schema may have."""
        schema = self.resolve(schema)
        names = set(schema.get("properties", {}))
        for word in ("allOf", "oneOf", "anyOf"):
            for part in schema.get(word, []):
                names |= self.members(part)
        return names


class OpenApi(ServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        answer = cls.server.get("/openapi.json")
        cls.page = Page(answer.json())
        cls.serial = 0

    def once(self, method, target, body=None, headers=None):
        if target.startswith("/v1/journal"):  # it goes on for ever otherwise
            target += ("&" if "?" in target else "?") + "until=now"
        with self.server.connect() as wire:
            return wire.request(method, target, body, headers)

    def command(self, **command):
        type(self).serial += 1
        command = {"id": "n%d" % self.serial, "source": "s", **command}
        return self.once("POST", "/v1/commands", json.dumps(command).encode())

    def expect(self, name, value):
        schema = {"$ref": "#/components/schemas/" + name}
        self.assertIsNone(self.page.wrong(schema, value), "%s: %r" % (name, value))
        extra = set(value) - self.page.members(schema)
        self.assertFalse(extra, "%s has members that are not described" % name)

    def kinds(self):
        """{kind: schema}"""
        names = {name for name in self.page.schemas if name.startswith("Command_")}
        listed = {part["$ref"].rsplit("/", 1)[1] for part in self.page.schemas["Command"]["oneOf"]}
        self.assertEqual(names, listed)
        return {name.removeprefix("Command_"): self.page.schemas[name] for name in names}

    def smallest(self, kind, schema):
        command = {name: VALUES[name] for name in schema["required"] + BESIDE.get(kind, [])}
        command["kind"] = kind
        if "to" in command:
            command["to"] = TO.get(kind, command["to"])
        if "lines" in schema["properties"]:
            command.update({"item": "A", "location": "L", "quantity": 1})
        return command

    def test_the_page_is_whole(self):
        document = self.page.document
        self.assertRegex(document["openapi"], r"^3\.1\.\d+$")
        for reference in set(re.findall(r'"\$ref": "(#/[^"]+)"', json.dumps(document))):
            self.page.resolve({"$ref": reference})  # KeyError when it leads nowhere
        with open(os.path.join(SOURCE, "api", "openapi.json"), encoding="utf-8") as file:
            self.assertEqual(document, json.load(file), "the program was built with another openapi.json")

    def test_every_call_exists(self):
        for path, item in self.page.document["paths"].items():
            for method in item:
                with self.subTest(path=path, method=method):
                    target = re.sub(r"\{\w+\}", "A", path)
                    body = b"{}" if method in ("post", "put") else None
                    answer = self.once(method.upper(), target, body)
                    self.assertNotEqual(answer.status, 405)
                    if answer.status == 404:  # only because there is no such name
                        self.assertIn(answer.json()["code"], ("unknown_item", "unknown_location", "unknown_hold",
                                                                 "unknown_transfer", "unknown_expectation",
                                                                 "unknown_review",
                                                                 "unknown_channel", "unknown_source"))
                    described = item[method]["responses"]
                    self.assertIn(str(answer.status), described)

    def test_every_route_is_described(self):
        rows = re.findall(r'ROW(?:_OF)?\(HTTP1_(\w+), PATH_(\w+), "([^"]+)"', read("api/routes.c"))
        self.assertTrue(rows)
        behind = {"EXACT": 0, "ONE": 1, "TWO": 2}
        routes = {(method.lower(), path, behind[shape]) for method, shape, path in rows}
        described = set()
        for path, item in self.page.document["paths"].items():
            for method in item:
                described.add((method, re.sub(r"/\{\w+\}", "", path), path.count("{")))
        self.assertEqual(described, routes)

    def test_every_code_is_listed(self):
        codes = re.findall(r'X\((\w+), (\d+), "', read("ledger/code.h"))
        self.assertTrue(codes)
        listed = {}
        for name, https in (("RefusalCode", ["409"]), ("ObjectionCode", ["422"]), ("ShedCode", ["503", "507"])):
            for part in self.page.schemas[name]["oneOf"]:
                listed[part["const"]] = https
        self.assertEqual(set(listed), {name for name, _ in codes} - {"none"})
        self.assertEqual([name for name, http in codes if name != "none" and http not in listed[name]], [])

    def test_kinds_and_their_fields_are_exactly_those_that_are_taken(self):
        kinds = self.kinds()
        detail = self.command(kind="nothing").json()["detail"]
        self.assertEqual(set(detail.split(" one of ")[1].split()), set(kinds))
        everything = set().union(*(schema["properties"] for schema in kinds.values()))
        self.assertEqual(everything, set(VALUES))
        for kind, schema in sorted(kinds.items()):
            smallest = self.smallest(kind, schema)
            with self.subTest(kind=kind):
                self.assertIsNone(self.page.wrong(schema, {**smallest, "id": "x"}))
                answer = self.command(**{**smallest, "id": "small-" + kind})
                ahead = kind in AHEAD and answer.status == 422 and answer.json()["field"] == "/kind"
                self.assertTrue(ahead or answer.status in (200, 409), answer)
            for name in schema["required"]:
                with self.subTest(kind=kind, without=name):
                    command = {"id": "x", "source": "s", **smallest}
                    del command[name]
                    answer = self.once("POST", "/v1/commands", json.dumps(command).encode())
                    self.assertEqual((answer.status, answer.json()["code"]), (422, "missing_field"))
            for name in sorted(everything | set(LATER)):
                with self.subTest(kind=kind, member=name):
                    command = {**smallest, "dry_run": True, name: smallest.get(name, VALUES.get(name, "x"))}
                    if name == "lines":
                        for member in ("item", "location", "quantity"):
                            command.pop(member, None)
                    answer = self.command(**command)
                    if name in schema["properties"]:
                        self.assertNotEqual(answer.json().get("code"), "unknown_field", answer)
                    else:
                        self.assertEqual((answer.status, answer.json()["code"]), (422, "unknown_field"))

    def test_lines_have_exactly_the_fields_that_are_listed(self):
        for kind, schema in sorted(self.kinds().items()):
            if "lines" not in schema["properties"]:
                continue
            line = self.page.resolve(schema["properties"]["lines"]["items"])
            smallest = self.smallest(kind, schema)
            for name in ("item", "location", "quantity"):
                smallest.pop(name, None)
            for name in ["condition", "if", "unit", "hold", "lines"]:
                with self.subTest(kind=kind, member=name):
                    value = VALUES.get(name, "x")
                    lines = [{"item": "A", "location": "L", "quantity": 1, name: value}]
                    answer = self.command(**{**smallest, "dry_run": True, "lines": lines})
                    if name in line["properties"]:
                        self.assertNotEqual(answer.json().get("code"), "unknown_field", answer)
                    else:
                        self.assertEqual((answer.status, answer.json()["code"]), (422, "unknown_field"))

    def configure(self):
        """Bodies, answers, and refusals of configuration."""
        bodies = {
            "items/kit": ("Item", {"scale": 0, "units": {"case": 12, "third": "1/3"}, "aliases": {"shop": ["k"]},
                                   "components": [{"item": "B", "quantity": 1.5}], "gtin": "96385074",
                                   "attributes": {"a": 1}}),
            "items/kid": ("Item", {"merge": "kit"}),
            "locations/bin": ("Location", {"parent": "LON", "promise": False, "zone": "+01:00", "attributes": {},
                                           "shortfall": ["unpaid", "lowest_priority", "newest"]}),
            "channels/amz": ("Channel", {"locations": ["LON"], "priority": 2, "shares_rest": False, "buffer": 1, "cap": 9}),
            "sources/till": ("Source", {"zone": "Europe/Berlin", "ordered": False, "strict": True,
                                        "default_condition": "damaged", "expires_in": 60,
                                        "silence": {"after": 600, "locations": ["LON"], "buffer": 2}})}
        for path, (name, body) in bodies.items():
            schema = {"$ref": "#/components/schemas/" + name + "Body"}
            self.assertIsNone(self.page.wrong(schema, body))
            self.assertIsNotNone(self.page.wrong(schema, {**body, "colour": 1}))
            answer = self.once("PUT", "/v1/" + path, json.dumps(body).encode())
            self.assertEqual(answer.status, 200, answer)
            config = name if name == "Item" else name + "Config"
            self.expect(config, answer.json())
            self.expect(config, self.once("GET", "/v1/" + path).json())
        self.expect("CellSum", self.once("GET", "/v1/stock/kit/LON").json())
        for path in ("items/B", "locations/LON"):
            answer = self.once("DELETE", "/v1/" + path)
            self.assertEqual(answer.status, 409, answer)
            self.expect("ConfigProblem", answer.json())
        self.expect("ConfigProblem", self.once("DELETE", "/v1/items/none").json())
        for path in ("items/kid", "locations/bin", "sources/till"):
            self.expect("Deleted", self.once("DELETE", "/v1/" + path).json())
        lines = [{"name": "x", "scale": 1}, {"name": "y"}, {"name": "LON", "scale": 0, "components": [
            {"item": "none", "quantity": 1}]}]
        with self.server.connect() as wire:
            answer = wire.request("PUT", "/v1/items", b"\n".join(json.dumps(line).encode() for line in lines),
                                  {"Content-Type": "application/x-ndjson"})
        for line in answer.lines():
            self.expect("LineAnswer", line)

    def test_answers_and_events_are_as_described(self):
        line = {"item": "B", "location": "LON"}
        meta = {"meta": {"k": 1}, "actor": "jo", "document": "D", "line": "1", "channel": "web", "reason": "r"}
        self.expect("Item", self.once("PUT", "/v1/items/B", b'{"scale":2}').json())
        self.expect("Accepted", self.command(kind="set_channel", channel="web", locations=["LON"]).json())
        self.configure()
        self.expect("Accepted", self.command(kind="receive", **line, quantity=10.5, **meta).json())
        self.expect("Accepted", self.command(kind="receive", **line, quantity=1, condition="damaged", seq=1,
                                             occurred_at="2999-01-01T00:00:00Z").json())
        self.expect("Accepted", self.command(kind="hold", hold="h1", **line, quantity=4, **meta).json())
        self.expect("Accepted", self.command(kind="hold", hold="h2", **line, quantity=4, dry_run=True).json())
        self.expect("Refused", self.command(kind="hold", hold="h2", **line, quantity="100.25").json())
        self.expect("Refused", self.command(kind="hold", hold="h2", **line, quantity=100, dry_run=True).json())
        self.expect("Accepted", self.command(kind="commit", hold="h1", **line, quantity=2.5).json())
        self.expect("Accepted", self.command(kind="ship", hold="h1").json())
        self.expect("Refused", self.command(kind="release", hold="h1").json())
        self.expect("Accepted", self.command(kind="sale", hold="h1", **line, quantity=100).json())
        self.expect("Accepted", self.command(kind="reclassify", **line, quantity=1,
                                             **{"from": "damaged", "to": "recalled"}).json())
        self.expect("Accepted", self.command(kind="transfer", **line, quantity=1, to="PAR").json())
        self.expect("Periods", self.once("GET", "/v1/periods").json())
        self.expect("Accepted", self.command(kind="close_period", until="2020-01-01T00:00:00Z", actor="jo").json())
        self.expect("Accepted", self.command(kind="receive", **line, quantity=1, seq=2,
                                             occurred_at="2019-12-31T12:00:00Z").json())
        self.expect("Refused", self.command(kind="close_period", until="2019-12-31T00:00:00Z").json())
        self.expect("Periods", self.once("GET", "/v1/periods").json())
        self.expect("Accepted", self.command(kind="commit", hold="h3", guard=False, **line, quantity=1).json())
        self.expect("Invalid", self.command(kind="sale").json())
        self.expect("Invalid", self.command(kind="receive", **line, quantity=0.001).json())
        for command in BEYOND:
            answer = self.command(**command)
            name = {200: "Accepted", 409: "Refused"}.get(answer.status, "Invalid")
            self.assertFalse(name == "Invalid" and command["kind"] not in AHEAD, answer)
            self.expect(name, answer.json())
        self.expect("Stock", self.once("GET", "/v1/stock/B").json())
        self.expect("Cell", self.once("GET", "/v1/stock/B/LON").json())
        self.expect("Claim", self.once("GET", "/v1/holds/h1").json())
        self.expect("Claim", self.once("GET", "/v1/holds/h3").json())
        for eta in ({}, {"eta": "2999-12-01"}):
            name = "t%d" % len(eta)
            self.expect("Accepted", self.command(kind="transfer_out", transfer=name, **line, quantity=1, to="PAR",
                                                 **eta).json())
            self.expect("Transfer", self.once("GET", "/v1/transfers/" + name).json())
        self.expect("Accepted", self.command(kind="transfer_loss", transfer="t0").json())
        self.expect("Transfer", self.once("GET", "/v1/transfers/t0").json())
        self.expect("Accepted", self.command(kind="expect", expectation="e", direction="in", due="2999-12-01", **line,
                                             quantity=1).json())
        self.expect("Expectation", self.once("GET", "/v1/expectations/e").json())
        self.expect("AvailableToPromise", self.once("GET", "/v1/atp/B?location=LON").json())
        self.expect("AvailableToPromise", self.once("GET", "/v1/atp/B?location=LON&at=2999-12-01&quantity=1").json())
        self.expect("AvailableToPromise", self.once("GET", "/v1/atp/B?location=LON&quantity=1000000").json())
        self.expect("FiguresPage", self.once("GET", "/v1/figures?item=B*&location=LON").json())
        for name, target in (("StockPage", "/v1/stock"), ("HoldPage", "/v1/holds"), ("ItemPage", "/v1/items"),
                             ("LocationPage", "/v1/locations"), ("SourcePage", "/v1/sources"),
                             ("ChannelPage", "/v1/channels"), ("TransferPage", "/v1/transfers"),
                             ("ExpectationPage", "/v1/expectations")):
            for limit in ("1", "1000"):  # with a next page, and without
                self.expect(name, self.once("GET", target + "?limit=" + limit).json())
        self.command(kind="set_channel", channel="amz", locations=["LON", "PAR"], priority=2, cap=3)
        self.expect("Accepted", self.command(kind="hold", hold="w1", channel="web", **line, quantity=500, wait=True,
                                             priority=1).json())
        self.expect("Accepted", self.command(kind="hold", hold="w2", channel="amz", **line, quantity=500, wait=True).json())
        for target in ("/v1/waiting?limit=1", "/v1/waiting", "/v1/holds?state=waiting"):
            page = self.once("GET", target).json()
            self.expect("WaitingPage" if "waiting" in page else "HoldPage", page)
            self.assertTrue(page.get("waiting") or page.get("holds"))
        self.expect("StockPage", self.once("GET", "/v1/stock?channel=web").json())
        self.expect("ChannelPage", self.once("GET", "/v1/channels").json())
        self.command(kind="receive", **line, quantity=1000)
        for target in ("channel=web", "channel=web&limit=1", "channel=amz&item=B&item=none"):
            self.expect("Availability", self.once("GET", "/v1/availability?" + target).json())
        page = self.once("GET", "/v1/feed?channel=web").json()
        self.assertTrue(page["events"])
        self.expect("AvailabilityFeedPage", page)
        self.expect("Problem", self.once("GET", "/v1/availability?channel=none").json())
        self.expect("Problem", self.once("GET", "/v1/feed?mode=latest").json())
        self.expect("Problem", self.once("GET", "/v1/feed?after=9-1").json())
        page = self.once("GET", "/v1/feed?limit=10000&include=refused").json()
        self.expect("FeedPage", page)
        for event in page["events"]:
            self.expect("Event", event)
        self.assertGreaterEqual({event["type"] for event in page["events"]},
                                {"receive", "hold", "refused", "commit", "ship", "sale", "discrepancy", "oversold",
                                 "reclassify", "transfer", "config"})

    def test_lines_of_answers_are_as_described(self):
        bodies = [b'{"kind":"receive","id":"l%d","source":"t","item":"C","location":"L","quantity":1}' % i
                  for i in range(5000)]
        text = b"\n".join(bodies + [b"no"]) + b"\n"
        for answers in ("all", "errors", "summary"):
            with self.subTest(answers=answers):
                lines = self.server.stream(text, "?answers=" + answers).lines()
                names = [next((n for n in ("Summary", "Progress") if n.lower() in line), "LineAnswer")
                         for line in lines]
                for name, line in zip(names, lines):
                    self.expect(name, line)
                self.assertEqual(names.count("Summary"), 0 if answers == "all" else 1)
                self.assertEqual("Progress" in names, answers != "all")
        array = self.once("POST", "/v1/commands", b"[" + bodies[0] + b',{"kind":"sale"}]').json()
        for line in array:
            self.expect("LineAnswer", line)

    def test_parameters_are_exactly_those_that_are_taken(self):
        values = {"after": "now", "limit": "5", "wait": "0", "include": "refused", "item": "A*", "location": "L",
                  "kind": "sale", "type": "sale", "source": "s", "answers": "all", "stamps": "1", "q": "A",
                  "condition": "damaged", "state": "held", "holder": "jo", "channel": "web", "sort": "cell",
                  "cursor": "0", "direction": "in"}
        for path, item in self.page.document["paths"].items():
            if "get" not in item or "{" in path:
                continue
            named = {self.page.resolve(part)["name"] for part in item["get"].get("parameters", [])
                     if self.page.resolve(part)["in"] == "query"}
            for name, value in values.items():
                with self.subTest(path=path, parameter=name):
                    answer = self.once("GET", "%s?%s=%s" % (path, name, value))
                    code = answer.json()["code"] if answer.status == 422 else None
                    self.assertEqual(code != "unknown_field", name in named)


if __name__ == "__main__":
    unittest.main()
