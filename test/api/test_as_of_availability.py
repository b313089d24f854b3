#!/usr/bin/env python3
"""
Goal: what a channel could sell, what could be promised, and what claims and documents said, as of a time: to the last digit
what was answered then, with an explanation whose leaves sum. Whoever asks waits for whoever asked before, costs the memory of
one ledger more, and nothing when gone.
Method: a random history with everything that moves an offer (channels, buffers, caps, quotas, kits, bins, claims that expire,
configuration, merges, deleted names, a source that falls silent). At random moments the answers are taken down, twice, with a
time in between: when nothing was recorded from one to the other, the first is what was so at that time. Later each moment is asked
for again: in any order, beside load, over many segments, after restarts. For turns and memory, a journal that takes a while to replay, and
what it reserves.
"""
import datetime
import json
import random
import re
import socket
import struct
import threading
import time
import unittest
from urllib.parse import quote

from server import FolderCase, ServerCase, is_sanitized, request_bytes, until, verify
from test_as_of import instant
from test_explain import check_sums

UTC = datetime.timezone.utc
ITEMS, PLACES, CHANNELS = ("X", "Y", "Z", "KIT", "old"), ("DC", "DC/B1", "S1", "S2"), ("web", "amz", "b2b")
COMMANDS = 500 if is_sanitized() else 900
FACTS = 20_000 if is_sanitized() else 200_000  # a replay of them takes a while


def now_text():
    return datetime.datetime.now(UTC).isoformat()


def as_of(target, at):
    return target + ("&" if "?" in target else "?") + "as_of=" + quote(at)


class History:
    """A history that moves offers in every way there is."""

    def __init__(self, case, server, seed):
        self.case, self.server, self.rng, self.serial = case, server, random.Random(seed), 0
        self.holds, self.transfers, self.expectations, self.statuses = [], [], [], {}
        self.moments = []

    def put(self, path, body):
        return self.server.request("PUT", "/v1/" + path, json.dumps(body).encode())

    def begin(self):
        for path, body in (("locations/DC", {"shortfall": ["newest"]}), ("locations/DC%2FB1", {"parent": "DC", "promise": False}),
                           ("locations/S1", {}), ("items/X", {"scale": 2}), ("items/Y", {"scale": 0}), ("items/Z", {"scale": 0}),
                           ("items/KIT", {"scale": 0, "components": [{"item": "Y", "quantity": 2}, {"item": "Z", "quantity": 1}]}),
                           ("sources/till", {"silence": {"after": 1, "locations": ["S1"], "buffer": 2}})):
            answer = self.put(path, body)
            self.case.assertEqual(answer.status, 200, answer)
        for name in CHANNELS:
            self.step("set_channel", channel=name, locations=["DC", "S1"])

    def step(self, kind, source="wms", **more):
        self.serial += 1
        answer = self.server.send(kind=kind, source=source, id=str(self.serial), **more)
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        return answer

    def name(self, kind, of):
        of.append("%s%d" % (kind, self.serial))
        return of[-1]

    def any(self):
        rng = self.rng
        item, place, channel = rng.choice(ITEMS[:3]), rng.choice(PLACES), rng.choice(CHANNELS)
        line, n = {"item": item, "location": place}, rng.randrange(1, 9)
        kind = rng.choice(("receive",) * 4 + ("sale",) * 2 + ("hold",) * 4 + (
            "late", "commit", "commit", "release", "pick", "ship", "amend", "transfer", "transfer_out", "transfer_in", "expect", "redate", "set_policy", "allocate",
            "channel", "channel item", "location", "item", "delete", "count", "till", "kit", "new", "new"))
        if kind == "late":
            at = datetime.datetime.now(UTC) - datetime.timedelta(seconds=rng.randrange(100000))
            self.step("receive", **line, quantity=n, occurred_at=at.isoformat())
        elif kind == "hold":
            more = {"channel": channel} if rng.random() < 0.8 else {}
            if rng.random() < 0.5:
                line["item"] = "KIT"
            self.step("hold", hold=self.name("H", self.holds), item=line["item"], location=rng.choice(("DC", "S1")), quantity=n,
                      expires_in=rng.choice((0, 1, 2, 900)), guard=rng.random() < 0.5, **more, **rng.choice(
                          ({}, {}, {"backorder": True}, {"wait": True, "priority": rng.randrange(3)}, {"mode": "partial"})))
        elif kind in ("commit", "release", "pick", "ship", "cancel"):
            self.step(kind, hold=rng.choice(self.holds[-30:] or ["none"]))
        elif kind == "amend":
            self.step("amend", hold=rng.choice(self.holds or ["none"]), lines=[{**line, "quantity": n}])
        elif kind == "transfer":
            self.step("transfer", **line, quantity=n, to=rng.choice([other for other in PLACES if other != place]))
        elif kind == "transfer_out":
            self.step("transfer_out", transfer=self.name("T", self.transfers), **line, quantity=n,
                      to=rng.choice([other for other in ("DC", "S1") if other != place]), eta="2099-01-01")
        elif kind == "transfer_in":
            self.step("transfer_in", transfer=rng.choice(self.transfers or ["none"]), item=item, quantity=n)
        elif kind == "expect":
            self.step("expect", expectation=self.name("E", self.expectations), item=item, location="DC", quantity=n,
                      due="2099-0%d-01" % rng.randrange(1, 9), direction=rng.choice(("in", "out")))
        elif kind == "redate":
            self.step("redate", expectation=rng.choice(self.expectations or ["none"]), due="2099-0%d-02" % rng.randrange(1, 9))
        elif kind == "set_policy":
            self.step("set_policy", **line, safety_stock=rng.randrange(6), backorder_limit=rng.randrange(9))
        elif kind == "allocate":
            self.step("allocate", channel=channel, item=item, location=rng.choice(("DC", "S1")), to=rng.randrange(12))
        elif kind == "channel":
            self.step("set_channel", channel=channel, locations=rng.sample(("DC", "S1", "S2"), 2), buffer=rng.randrange(4),
                      shares_rest=rng.random() < 0.7, priority=rng.randrange(1, 4))
        elif kind == "channel item":
            self.step("set_channel", channel=channel, item=rng.choice(ITEMS[:4]), cap=rng.randrange(30), buffer=rng.randrange(3))
        elif kind == "location":
            self.put("locations/S2", {"parent": rng.choice(("DC", "S1")), "promise": rng.random() < 0.5} if rng.random() < 0.7 else {})
        elif kind == "item":
            self.step("receive", item="old", location="DC", quantity=n)
            self.put("items/old", {"merge": rng.choice(("Y", "Z"))})
        elif kind == "delete":
            target = rng.choice(("items/old", "channels/b2b", "locations/S2", "sources/till"))
            if target == "channels/b2b" or rng.random() < 0.3:
                self.server.request("DELETE", "/v1/" + target)
        elif kind == "count":
            self.step("count", **line, quantity=rng.randrange(40), counted_to=now_text())
        elif kind == "till":
            if rng.random() < 0.2:
                self.put("sources/till", {"silence": {"after": 1, "locations": ["S1"], "buffer": rng.randrange(4)}})
            self.step("sale", source="till", item=item, location="S1", quantity=1)
        elif kind == "new":
            self.step("receive", item="N%d" % self.serial, location="S%d" % self.serial, quantity=n)
        elif kind == "kit":
            self.step("receive", item="KIT", location=place, quantity=n)
        else:
            self.step(kind, **line, quantity=n)

    def targets(self):
        rng = self.rng
        channel = rng.choice(CHANNELS)
        yield "/v1/availability?channel=%s%s" % (channel, "".join("&item=" + item for item in ITEMS))
        yield "/v1/availability?explain=true&channel=%s&item=%s&item=%s" % (channel, rng.choice(ITEMS), rng.choice(ITEMS))
        yield "/v1/atp/%s?location=%s&at=2099-0%d-03&quantity=%d&explain=true" % (
            rng.choice(ITEMS), quote(rng.choice(PLACES), safe=""), rng.randrange(1, 9), rng.randrange(1, 50))
        for collection, names in (("holds", self.holds), ("transfers", self.transfers), ("expectations", self.expectations)):
            if names:
                yield "/v1/%s/%s" % (collection, rng.choice(names[-20:]))

    def take_down(self):
        """What is so now, and a time at which it was."""
        targets = list(self.targets())
        before = self.server.position()
        answers = [self.server.get(target) for target in targets]
        at = now_text()
        if self.server.position() == before and self.server.get(targets[0]).body == answers[0].body:
            self.moments.append((at, targets, answers))

    def run(self, n):
        for i in range(n):
            self.any()
            if self.rng.random() < 0.15:
                self.take_down()
            if i % 60 == 59:
                time.sleep(1.2 if i % 120 == 59 else self.rng.random())  # holds expire, the till falls silent
                self.take_down()

    def ask_again(self, moments):
        """The same answers as then."""
        for at, targets, answers in moments:
            for target, answer in zip(targets, answers):
                was = self.server.get(as_of(target, at))
                if answer.status == 404:
                    self.case.assertEqual((was.status, was.json()["code"]), (404, answer.json()["code"]), (target, at))
                    continue
                self.case.assertEqual((was.status, was.json()), (answer.status, answer.json()), (target, at))
                if "explain=true&ch" in target:
                    for row in was.json()["items"]:
                        self.case.assertEqual(row["explain"][0]["value"], row["ats"])
                        check_sums(row["explain"][0])


class RandomHistory(FolderCase):
    def test_each_moment_is_answered_as_it_was(self):
        server = self.start("--segment-mib", "8")
        history = History(self, server, 11)
        history.begin()
        self.load(server, "before", 15)
        history.run(COMMANDS)
        self.assertGreater(history.statuses[200], COMMANDS / 2)
        self.assertGreater(len(history.moments), COMMANDS / 20)
        kinds = {event["type"] for event in server.events()}
        self.assertLessEqual({"expire", "silent", "heard", "config", "bins", "short", "set_channel", "cover", "count", "transfer_out",
                              "expect", "allocate", "set_policy", "hold", "commit"}, kinds)
        history.ask_again(history.moments)
        history.ask_again(history.rng.sample(history.moments, 20))
        server.stop()
        server.start()
        history.ask_again(history.rng.sample(history.moments, 20))
        # It goes on, and a moment of before is what it was, while others are taken down and load runs.
        stop = threading.Event()
        writer = threading.Thread(target=self.load, args=(server, "beside", 1000, stop))
        writer.start()
        try:
            history.ask_again(history.rng.sample(history.moments, 30))
            before = len(history.moments)
            history.run(100)
            history.ask_again(history.moments[before:])
        finally:
            stop.set()
            writer.join()
        history.ask_again(history.rng.sample(history.moments, 20))
        self.assertGreater(server.metric("onhand_journal_segments"), 2)
        server.stop()
        verify(server.data)

    def load(self, server, name, times, stop=None):
        """Fills segments: 2,000 events with much to say each time."""
        for i in range(times):
            answer = server.stream([{"kind": "adjust", "source": name, "id": "%d-%d" % (i, j), "item": "L%d" % (j % 50),
                                     "location": "S3", "quantity": 1, "reason": "r" * 120} for j in range(2000)], "?answers=summary")
            self.assertEqual(answer.lines()[-1]["summary"]["accepted"], 2000)
            if stop is not None and stop.is_set():
                return


class Slow(ServerCase):
    options = ("--io-threads", "3")
    LATE = EARLY = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.request("PUT", "/v1/channels/web", b'{"locations":["L"]}')
        cls.server.send(kind="receive", source="s", id="first", item="A", location="L", quantity=1)
        cls.EARLY = cls.question()
        line = '{"kind":"receive","source":"s","id":"%d","item":"A","location":"L","quantity":1}'
        answer = cls.server.stream("\n".join(line % i for i in range(FACTS)).encode(), "?answers=summary").lines()[-1]
        if answer["summary"]["accepted"] != FACTS:
            raise AssertionError(answer)
        cls.LATE = cls.question()
        cls.server.send(kind="receive", source="s", id="last", item="A", location="L", quantity=1)
        cls.restart()
        cls.slow_s = sorted(cls.full() for _ in range(3))[1]

    @classmethod
    def restart(cls):
        cls.server.stop()
        cls.server.start()

    @staticmethod
    def question():
        at = now_text()
        time.sleep(0.01)
        return as_of("/v1/availability?channel=web&item=A", at)

    @classmethod
    def ask(cls, target, ats):
        """Seconds until it was answered, on a connection of its own."""
        begin = time.monotonic()
        with cls.server.connect(timeout=300) as wire:
            answer = wire.request("GET", target)
        if answer.status != 200 or answer.json()["items"][0]["ats"] != ats:
            raise AssertionError(repr(answer))
        return time.monotonic() - begin

    @classmethod
    def full(cls):
        """Seconds for a replay of all."""
        cls.ask(cls.EARLY, 1)
        return cls.ask(cls.LATE, FACTS + 1)

    def wires(self, n, target):
        wires = []
        for _ in range(n):
            wires.append(self.server.connect(timeout=300))
            wires[-1].send(request_bytes(self.server.port, "GET", target))
        return wires

    def reset(self, wires):
        for wire in wires:
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            wire.close()

    def address_space(self):
        with open("/proc/%d/status" % self.server.pid, encoding="ascii") as file:
            return int(re.search(r"VmSize:\s+(\d+) kB", file.read()).group(1))

    def test_the_same_time_again_and_a_later_one_go_on_from_there(self):
        self.full()
        again = min(self.ask(self.LATE, FACTS + 1) for _ in range(3))
        self.assertLess(again, self.slow_s / 4)

    def test_now_is_the_present(self):
        self.restart()
        at = now_text()
        space = self.address_space()
        self.ask(as_of("/v1/availability?channel=web&item=A", at), FACTS + 2)
        self.assertLess(self.address_space(), space + 100_000)  # nothing was replayed for it

    def test_one_replay_at_a_time(self):
        self.restart()
        space = self.address_space()
        self.ask(self.EARLY, 1)
        one = self.address_space() - space
        self.assertGreater(one, 1_000_000)  # it reserves for all tables
        wires = [wire for i in range(8) for wire in self.wires(1, self.EARLY if i % 2 else self.LATE)]
        most = 0
        for wire in wires:
            while wire.rest == b"":
                most = max(most, self.address_space() - space)
                wire.socket.settimeout(0.01)
                try:
                    if not wire.more():
                        break
                except socket.timeout:
                    pass
            wire.socket.settimeout(300)
        for i, wire in enumerate(wires):
            self.assertEqual(wire.response().json()["items"][0]["ats"], 1 if i % 2 else FACTS + 1)
            wire.close()
        self.assertLess(most, 1.5 * one)

    def test_it_ends_with_its_client_and_one_that_waits_goes(self):
        took = 0
        for _ in range(5):
            self.ask(self.EARLY, 1)
            wires = self.wires(16, self.LATE)
            time.sleep(self.slow_s / 4)
            self.reset(wires)
            took += self.ask(self.EARLY, 1)
        self.assertLess(took, 5 * self.slow_s / 2)
        until(lambda: self.server.metric("onhand_connections") <= 2, "connections that have closed are kept")

    def test_what_was_replayed_for_who_left_is_not_lost(self):
        self.ask(self.EARLY, 1)
        for _ in range(40):
            wires = self.wires(1, self.LATE)
            time.sleep(self.slow_s / 5)
            self.reset(wires)
        self.assertLess(self.ask(self.LATE, FACTS + 1), self.slow_s / 2)

    def test_nobody_else_is_held_up(self):
        self.ask(self.EARLY, 1)
        wires = self.wires(16, self.LATE) + self.wires(16, self.EARLY)
        took = max(self.ask_other(target) for target in ("/livez", "/v1/feed?limit=1000", "/v1/stock/A/L",
                                                         "/v1/availability?channel=web&item=A"))
        for wire in wires:
            self.assertEqual(wire.response().status, 200)
            wire.close()
        self.assertLess(took, 4 * self.slow_s)

    def ask_other(self, target):
        begin = time.monotonic()
        with self.server.connect(timeout=300) as wire:
            self.assertEqual(wire.request("GET", target).status, 200)
        return time.monotonic() - begin

    def test_a_server_that_is_told_to_stop_does(self):
        self.ask(self.EARLY, 1)
        wires = self.wires(16, self.LATE)
        time.sleep(self.slow_s / 4)
        self.server.stop()
        for wire in wires:
            self.assertTrue(wire.is_closed())
            wire.close()
        self.server.start()


class Kept(FolderCase):
    def space(self, server):
        with open("/proc/%d/status" % server.pid, encoding="ascii") as file:
            return int(re.search(r"VmSize:\s+(\d+) kB", file.read()).group(1))

    def moment(self, server):
        server.send(kind="set_channel", source="s", id="1", channel="web", locations=["L"])
        server.send(kind="receive", source="s", id="2", item="A", location="L", quantity=1)
        at = now_text()
        time.sleep(0.002)
        server.send(kind="receive", source="s", id="3", item="A", location="L", quantity=1)
        return as_of("/v1/availability?channel=web&item=A", at)

    def test_the_memory_is_given_back_after_a_while(self):
        server = self.start("--past-keep", "1")
        target = self.moment(server)
        space = self.space(server)
        for _ in range(2):
            self.assertEqual(server.get(target).json()["items"][0]["ats"], 1)
            self.assertGreater(self.space(server), space + 1_000_000)
            until(lambda: self.space(server) < space + 200_000, "it is kept for longer than a second", 20)

    def test_a_server_may_be_told_not_to(self):
        server = self.start("--past-keep", "0")
        target = self.moment(server)
        answer = server.get(target)
        self.assertEqual((answer.status, answer.json()["code"], answer.json()["field"]), (422, "bad_value", "as_of"))
        self.assertIn("--past-keep", answer.json()["detail"])
        self.assertEqual(server.get(target.split("&as_of")[0]).json()["items"][0]["ats"], 2)
        self.assertEqual(server.get(target.replace("/v1/availability?channel=web&item=A", "/v1/stock/A?")).status, 200)


class Numbers(ServerCase):
    """Small ones, by hand."""

    def send(self, kind, **more):
        Numbers.serial = getattr(Numbers, "serial", 0) + 1
        answer = self.server.send(kind=kind, source="s", id=str(self.serial), **more)
        self.assertEqual(answer.status, 200, answer)
        at = now_text()
        time.sleep(0.002)
        return at

    def get(self, target, at):
        answer = self.server.get(as_of(target, at))
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def test_what_the_web_shop_was_told(self):
        empty = now_text()
        time.sleep(0.002)
        self.send("receive", item="A", location="DC", quantity=100)
        sold = self.send("set_channel", channel="web", locations=["DC"], buffer=3)
        capped = self.send("set_channel", channel="web", item="A", cap=50)
        set_apart = self.send("allocate", channel="amz", item="A", location="DC", to=60) if self.amz() else None
        held = self.send("hold", hold="H", item="A", location="DC", quantity=7, channel="web")
        self.send("receive", item="A", location="DC", quantity=500,
                  occurred_at=(datetime.datetime.now(UTC) - datetime.timedelta(hours=1)).isoformat())
        web = "/v1/availability?channel=web&item=A"
        self.assertEqual([self.get(web, at)["items"][0]["ats"] for at in (sold, capped, set_apart, held)], [97, 50, 37, 30])
        self.assertEqual(self.server.get(web).json()["items"][0]["ats"], 50)
        tree = self.get(web + "&explain=true", set_apart)["items"][0]["explain"][0]
        self.assertEqual([(part.get("location") or part["rule"], part["value"]) for part in tree["sum"]],
                         [("DC", 40), ("buffer", -3)])
        none = self.server.get(as_of(web, empty))
        self.assertEqual((none.status, none.json()["code"], none.json()["detail"]), (404, "unknown_channel", "no such name then"))
        self.assertEqual(self.server.get(as_of("/v1/holds/H", set_apart)).json()["code"], "unknown_hold")
        self.send("release", hold="H")
        self.assertEqual([self.get("/v1/holds/H", at)["state"] for at in (held, now_text())], ["held", "released"])

    def amz(self):
        self.send("set_channel", channel="amz", locations=["DC"])
        return True

    def test_what_was_promised_for_later_counts_what_was_overdue_then(self):
        self.send("receive", item="P", location="DC", quantity=5)
        due = datetime.datetime.now(UTC) + datetime.timedelta(seconds=1)
        expected = self.send("expect", expectation="PO", item="P", location="DC", quantity=10, due=due.isoformat(), direction="in")
        atp = "/v1/atp/P?location=DC&at=2099-01-01"
        self.assertEqual(self.server.get(atp).json()["atp"], 15)
        time.sleep(1.1)
        self.send("receive", item="Q", location="DC", quantity=1)
        later = self.send("receive", item="Q", location="DC", quantity=1)
        self.send("receive", item="Q", location="DC", quantity=1)
        self.assertEqual([self.get(atp, at)["atp"] for at in (expected, later)], [15, 5])
        now = self.get("/v1/atp/P?location=DC&quantity=12", expected)
        self.assertEqual((now["atp"], instant(now["earliest"]), instant(now["at"])), (5, instant(due.isoformat()), instant(expected)))
        self.assertEqual(self.get("/v1/expectations/PO", expected)["state"], "open")
        self.assertEqual(self.server.get(as_of("/v1/expectations/PO", "2020-01-01T00:00:00Z")).json()["code"], "unknown_expectation")

    def test_what_makes_no_sense_is_refused_with_what_to_do(self):
        self.send("set_channel", channel="w", locations=["DC"])
        self.send("hold", hold="bad", item="B", location="DC", quantity=1, guard=False)
        some = "as_of=2026-01-01T00:00:00Z"
        ahead = "as_of=2100-01-01T00:00:00Z"
        for path in ("/v1/availability?channel=w&item=B&", "/v1/atp/B?location=DC&", "/v1/holds/bad?", "/v1/transfers/t?",
                     "/v1/expectations/e?"):
            for query, code, field in ((ahead, "bad_value", "as_of"), ("as_of=2026-01-01", "bad_value", "as_of"), ("as_of=", "bad_value", "as_of"),
                                       ("axis=recorded", "missing_field", "as_of"), (some + "&axis=both", "bad_value", "axis"),
                                       (some + "&axis=occurred", "bad_value", "axis"), (some + "&" + some, "bad_value", "as_of")):
                answer = self.server.get(path + query)
                self.assertEqual((answer.status, answer.json()["code"], answer.json()["field"]), (422, code, field), path + query)
            self.assertIn("is decided on what was known then", self.server.get(path + some + "&axis=occurred").json()["detail"].replace(
                "was decided", "is decided"))
            self.assertIn(self.server.get(path + some + "&axis=recorded").status, (200, 404))
        for target, code, field in (("/v1/availability?channel=w&" + some, "missing_field", "item"), ("/v1/reviews/1-1?" + some, "unknown_field", "as_of"),
                                    ("/v1/holds?" + some, "unknown_field", "as_of")):
            answer = self.server.get(target)
            self.assertEqual((answer.status, answer.json()["code"], answer.json()["field"]), (422, code, field), target)


if __name__ == "__main__":
    unittest.main()
