#!/usr/bin/env python3
"""
Goal: who follows what a channel may sell ends with the true values, whatever happens between: each change is told after
the event behind it, in the order of those events, the last one of an item never missed; and nobody waits for a reader
who is far behind.
Method: readers of every kind (pages of several sizes, long polls, streams that break and resume) keep a map of what
they were told, while stock, quotas and channels change and the server is restarted; at the end each map is compared
with GET /v1/availability.
"""
import itertools
import json
import random
import socket
import threading
import time
import unittest

from server import Closed, FolderCase, ServerCase, receive, request_bytes, until


def seq_of(position):
    return int(position.split("-")[1].split(".")[0])


def channel(name, n, **more):
    return {"kind": "set_channel", "source": "c", "id": str(n), "channel": name, **more}


class Reader:
    """What somebody was told of a channel."""

    def __init__(self, server, name, query=""):
        self.server, self.name, self.query = server, name, query
        self.next, self.last, self.ats, self.count = None, 0, {}, 0

    def take(self, changes):
        for change in changes:
            seq = seq_of(change["position"])
            if seq < self.last:
                raise AssertionError("order: %r behind %d" % (change, self.last))
            self.last = seq
            if change["channel"] != self.name or change["type"] != "availability":
                raise AssertionError(repr(change))
            self.ats[change["item"]] = change["ats"]
            self.count += 1

    def page(self, more=""):
        after = "&after=" + self.next if self.next else ""
        answer = self.server.get("/v1/feed?channel=%s%s%s%s" % (self.name, self.query, more, after))
        if answer.status != 200:
            raise AssertionError(repr(answer))
        page = answer.json()
        self.take(page["events"])
        self.next = page["next"]
        return page["events"]

    def catch_up(self, more=""):
        while self.page(more):
            pass

    def stream(self, count, last=None, silence=30):
        """So many changes from a stream, or until it is silent for so many seconds, and the id of the last one."""
        fields = {"Accept": "text/event-stream"}
        if last:
            fields["Last-Event-ID"] = last
        with self.server.connect() as wire:
            wire.send(request_bytes(wire.port, "GET", "/v1/feed?channel=%s%s" % (self.name, self.query), None, fields))
            status, head = wire.head()
            if (status, head["content-type"]) != (200, "text/event-stream"):
                raise AssertionError("%d %r" % (status, head))
            wire.socket.settimeout(silence)
            try:
                return self.take_lines(wire.body_lines(), count, last)
            except socket.timeout:
                return self.id

    def take_lines(self, lines, count, last):
        self.id, change, place = last, None, None
        for line in lines:
            if line.startswith(b"id: "):
                place = line[4:].decode()
            elif line.startswith(b"data: "):
                change = json.loads(line[6:])
            elif line == b"" and change:
                self.take([change])
                self.id, change, count = place, None, count - 1
                if count == 0:
                    return place
        raise AssertionError("the stream ended")


def truth(server, name):
    ats, cursor = {}, ""
    while cursor is not None:
        page = server.get("/v1/availability?limit=1000&channel=" + name + (cursor and "&cursor=" + cursor)).json()
        ats.update((row["item"], row["ats"]) for row in page["items"])
        cursor = page["next"]
    return ats


class Told(ServerCase):
    """What one event after the other tells."""

    def setUp(self):
        self.serial = getattr(type(self), "serial", itertools.count())
        type(self).serial = self.serial
        self.name = self.id().rsplit("_", 1)[1]

    def do(self, **command):
        answer = self.server.send(source=self.name, id=str(next(self.serial)), **command)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()["position"]

    def receive(self, item, quantity, location="L"):
        return self.do(kind="receive", item=item, location=location, quantity=quantity)

    def test_changes_are_told_with_the_event_behind_them_and_only_the_last_of_an_item_in_order(self):
        self.do(kind="set_channel", channel=self.name, locations=[self.name])
        for item, quantity in (("a", 1), ("b", 2), ("c", 3), ("a", 4)):
            last = self.receive(item, quantity, self.name)
        reader = Reader(self.server, self.name)
        changes = reader.page()
        self.assertEqual([(change["item"], change["ats"]) for change in changes], [("b", 2), ("c", 3), ("a", 5)])
        self.assertEqual(changes[-1]["position"], last)
        self.assertEqual(reader.next, self.server.position())
        self.assertEqual(reader.page(), [])
        self.receive("x", 1, "elsewhere")  # where the channel does not sell
        self.do(kind="adjust", item="b", location=self.name, quantity=-5, reason="r")
        self.assertEqual([(change["item"], change["ats"]) for change in reader.page()], [("b", 0)])
        self.do(kind="adjust", item="b", location=self.name, quantity=-5, reason="r")  # 0 before and after
        self.assertEqual(reader.page(), [])
        self.assertEqual(Reader(self.server, self.name, "&after=now").page(), [])

    def test_only_the_items_asked_for_filtered(self):
        self.do(kind="set_channel", channel=self.name, locations=[self.name])
        for item in ("shoe-1", "shoe-2", "hat", "cap"):
            self.receive(item, 1, self.name)
        for query, wanted in (("&item=hat", ["hat"]), ("&item=shoe-*", ["shoe-1", "shoe-2"]), ("&item=none", []),
                              ("&item=cap&item=hat", ["hat", "cap"]), ("&item=*", ["shoe-1", "shoe-2", "hat", "cap"])):
            for limit in ("", "&limit=1"):
                reader = Reader(self.server, self.name, query + limit)
                told = []
                while changes := reader.page():
                    told += [change["item"] for change in changes]
                self.assertEqual(told, wanted, query)
                self.assertEqual(reader.next, self.server.position())

    def test_what_one_event_changes_is_told_in_parts_parted(self):
        """A channel that begins to sell from a place with 700 items: pages and streams end among them and go on."""
        self.do(kind="receive", lines=[{"item": "p%03d" % n, "location": self.name, "quantity": n + 1} for n in range(700)])
        position = self.do(kind="set_channel", channel=self.name, locations=[self.name])
        wanted = {"p%03d" % n: n + 1 for n in range(700)}
        for limit in (1, 7, 100, 256, 257, 699, 700, 701):
            reader = Reader(self.server, self.name)
            sizes = []
            while changes := reader.page("&limit=%d" % limit):
                sizes.append(len(changes))
                self.assertEqual({change["position"] for change in changes}, {position})
            self.assertEqual((reader.ats, sum(sizes)), (wanted, 700), limit)
            self.assertEqual(set(sizes[:-1]), {limit} if len(sizes) > 1 else set())
        reader, last = Reader(self.server, self.name), None
        while reader.count < 700:
            last = reader.stream(min(random.randint(1, 150), 700 - reader.count), last)
        self.assertEqual(reader.ats, wanted)
        self.assertEqual(last, position)
        # A place among them is this channel's alone, and no position of events.
        page = self.server.get("/v1/feed?channel=%s&limit=3" % self.name).json()
        self.assertRegex(page["next"], r"^1-%d\.[0-9]+$" % seq_of(position))
        self.do(kind="set_channel", channel="other", locations=[self.name])
        for target in ("/v1/feed?after=", "/v1/feed?channel=other&after="):
            answer = self.server.get(target + page["next"])
            self.assertEqual((answer.status, answer.json()["code"], answer.json()["field"]), (422, "bad_value", "after"))
        # What it stands at changes again: nothing is lost.
        self.do(kind="receive", lines=[{"item": "p%03d" % n, "location": self.name, "quantity": 1000} for n in (1, 2, 3)])
        reader = Reader(self.server, self.name)
        reader.next = page["next"]
        reader.catch_up("&limit=50")
        self.assertEqual(reader.ats, {**{"p%03d" % n: n + 1 for n in range(3, 700)},
                                      **{"p%03d" % n: n + 1001 for n in (1, 2, 3)}})

    def test_a_long_poll_waits_for_a_change_of_the_channel_polled(self):
        self.do(kind="set_channel", channel=self.name, locations=[self.name])
        start = self.server.position()
        with self.server.connect() as wire:
            wire.send(request_bytes(wire.port, "GET", "/v1/feed?wait=25&item=poll&after=%s&channel=%s" %
                                    (start, self.name)))
            time.sleep(0.2)
            self.receive("poll", 1, "elsewhere")
            self.receive("other", 1, self.name)
            time.sleep(0.2)
            begin = time.monotonic()
            position = self.receive("poll", 1, self.name)
            page = wire.response().json()
            self.assertLess(time.monotonic() - begin, 15)  # far less than it would wait
            self.assertEqual(page, {"next": position, "events": [{"position": position, "type": "availability",
                                                                  "channel": self.name, "item": "poll", "ats": 1}]})
        begin = time.monotonic()
        page = self.server.get("/v1/feed?wait=1&after=now&channel=" + self.name).json()
        self.assertEqual(page["events"], [])
        self.assertTrue(0.9 < time.monotonic() - begin < 20)

    def test_what_changes_nothing_of_the_channel_costs_its_readers_no_read_quiet(self):
        self.do(kind="set_channel", channel=self.name, locations=[self.name])
        wires = [self.server.connect() for _ in range(20)]
        for wire in wires:
            wire.send(request_bytes(wire.port, "GET", "/v1/feed?wait=30&after=now&channel=" + self.name))
        until(lambda: self.server.metric("onhand_subscribers") == len(wires), "they do not wait")
        before = self.server.metric("onhand_reads_total")
        for _ in range(50):
            self.receive("quiet", 1, "elsewhere")
        self.assertEqual(self.server.metric("onhand_reads_total"), before)
        position = self.receive("quiet", 1, self.name)
        for wire in wires:
            page = wire.response().json()
            self.assertEqual([change["position"] for change in page["events"]], [position])
            wire.close()
        self.assertLessEqual(self.server.metric("onhand_reads_total"), before + 2 * len(wires))

    def test_a_component_tells_each_of_its_kits_once_kits(self):
        self.receive("nut", 6, self.name)
        for n in range(1, 8):
            body = json.dumps({"scale": 0, "components": [{"item": "nut", "quantity": n}]}).encode()
            answer = self.server.request("PUT", "/v1/items/kit%d" % n, body)
            self.assertEqual(answer.status, 200, answer)
        self.do(kind="set_channel", channel=self.name, locations=[self.name])
        reader = Reader(self.server, self.name)
        reader.catch_up("&limit=3")
        self.assertEqual(reader.ats, {"nut": 6, **{"kit%d" % n: 6 // n for n in range(1, 7)}})
        position = self.receive("nut", 9, self.name)
        for limit in (1, 2, 3, 100):
            late = Reader(self.server, self.name)
            late.next = reader.next
            told = []
            while changes := late.page("&limit=%d" % limit):
                told += changes
            self.assertEqual({change["position"] for change in told}, {position})
            self.assertEqual(sorted((change["item"], change["ats"]) for change in told),
                             sorted([("nut", 15), *(("kit%d" % n, 15 // n) for n in range(1, 8))]))
            self.assertEqual(late.next, self.server.position())

    def delete(self):
        answer = self.server.request("DELETE", "/v1/channels/" + self.name)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()["position"]

    def test_who_has_followed_a_deleted_channel_is_told_zeros_and_what_the_next_of_its_name_sells_deleted(self):
        self.do(kind="set_channel", channel=self.name, locations=[self.name])
        for item in ("a", "b", "c"):
            self.receive(item, 5, self.name)
        self.receive("b", 7, "deletedM")
        self.receive("d", 2, "deletedM")
        self.receive("e", 1, self.name)
        self.do(kind="sale", item="e", location=self.name, quantity=1)
        reader, slow = Reader(self.server, self.name), Reader(self.server, self.name)
        reader.catch_up()
        slow.page("&limit=1")
        gone = self.delete()
        while_gone = Reader(self.server, self.name)
        while_gone.next, while_gone.ats = reader.next, dict(reader.ats)
        for item in ("b", "a", "c"):
            self.assertEqual([row["item"] for row in while_gone.page("&limit=1&item=" + item)], [item])
            while_gone.next = reader.next
        self.assertEqual([(row["item"], row["ats"], row["position"]) for row in while_gone.page()],
                         [("a", 0, gone), ("b", 0, gone), ("c", 0, gone)])
        for query in ("", "&after=now", "&after=" + while_gone.next):  # nothing more is to be told of it
            answer = self.server.get("/v1/feed?wait=20&channel=%s%s" % (self.name, query))
            self.assertEqual((answer.status, answer.json()["code"]), (404, "unknown_channel"), query)
        self.do(kind="set_channel", channel=self.name, locations=["deletedM"])
        new = truth(self.server, self.name)
        self.assertEqual({item: new[item] for item in "bd"}, {"b": 7, "d": 2})
        for limit in ("&limit=1", "&limit=2", ""):
            late = Reader(self.server, self.name)
            late.next, late.ats = reader.next, dict(reader.ats)
            told = []
            while changes := late.page(limit):
                told += changes
            self.assertEqual([(row["item"], row["ats"]) for row in told], [("a", 0), ("c", 0), ("b", 7), ("d", 2)])
            self.assertEqual({item: late.ats[item] for item in "acbd"}, {"a": 0, "c": 0, "b": 7, "d": 2})
        slow.catch_up("&limit=1")
        self.assertEqual({item: slow.ats.get(item, 0) for item in "acbd"}, {"a": 0, "c": 0, "b": 7, "d": 2})
        while_gone.catch_up()
        self.assertEqual({item: while_gone.ats[item] for item in "acbd"}, {"a": 0, "c": 0, "b": 7, "d": 2})

    def test_a_stream_tells_that_its_channel_is_gone_and_ends_streamed(self):
        for sells in (5, 0):
            self.do(kind="set_channel", channel=self.name, locations=[self.name])
            start = self.server.position()
            if sells:
                self.receive("a", sells, self.name)
            with self.server.connect() as wire:
                fields = {"Accept": "text/event-stream", "Last-Event-ID": start}
                wire.send(request_bytes(wire.port, "GET", "/v1/feed?channel=" + self.name, None, fields))
                self.assertEqual(wire.head()[0], 200)
                until(lambda: self.server.metric("onhand_subscribers") == 1, "it does not wait")
                gone = self.delete()
                lines = list(wire.body_lines())  # to its end
            told = [json.loads(line[6:]) for line in lines if line.startswith(b"data: ")]
            self.assertEqual([(row["item"], row["ats"], row["position"]) for row in told][-1:],
                             [("a", 0, gone)] if sells else [])
            self.do(kind="set_channel", channel=self.name, locations=["streamedM"])
            self.receive("a", 3, "streamedM")
            reader = Reader(self.server, self.name)
            last = next((line[4:].decode() for line in reversed(lines) if line.startswith(b"id: ")), start)
            reader.stream(1, last)
            self.assertEqual(reader.ats["a"], truth(self.server, self.name)["a"])
            self.delete()
            self.do(kind="adjust", item="a", location="streamedM", quantity=-3, reason="r")
            if sells:
                self.do(kind="adjust", item="a", location=self.name, quantity=-sells, reason="r")

    def test_a_long_poll_tells_that_its_channel_is_gone_polledgone(self):
        for sells in (5, 0):
            self.do(kind="set_channel", channel=self.name, locations=[self.name])
            if sells:
                self.receive("a", sells, self.name)
            with self.server.connect() as wire:
                wire.send(request_bytes(wire.port, "GET", "/v1/feed?wait=50&after=now&channel=" + self.name))
                until(lambda: self.server.metric("onhand_subscribers") == 1, "it does not wait")
                gone = self.delete()
                answer = wire.response()
            if sells:
                self.assertEqual([(row["item"], row["ats"]) for row in answer.json()["events"]], [("a", 0)])
                self.assertEqual(answer.json()["next"], gone)
                self.do(kind="adjust", item="a", location=self.name, quantity=-sells, reason="r")
            else:
                self.assertEqual(answer.status, 404, answer)

    def test_a_stream_of_no_channel_or_from_a_bad_place_is_refused(self):
        self.do(kind="set_channel", channel="real", locations=[self.name])
        for target, last, status, field in (("none", None, 404, "channel"), ("real", "x", 422, "Last-Event-ID"),
                                            ("real", "1-1.4000000", 422, "Last-Event-ID"),
                                            ("real", "7-1", 409, "Last-Event-ID")):
            answer = self.server.get("/v1/feed?channel=" + target,
                                     {"Accept": "text/event-stream", "Last-Event-ID": last})
            self.assertEqual((answer.status, answer.json()["field"]), (status, field), target)


class Remade(FolderCase):
    def test_who_follows_over_a_deletion_and_a_restart_ends_with_the_truth(self):
        server = self.start()
        server.stream([channel("web", 0, locations=["L"]), receive(1, "A", "L", 5), receive(2, "B", "L", 4),
                       receive(3, "B", "M", 9)])
        reader = Reader(server, "web")
        reader.catch_up()
        self.assertEqual(server.request("DELETE", "/v1/channels/web").status, 200)
        server.stop()
        server.start()
        self.assertEqual(server.send(**channel("web", 1, locations=["M"])).status, 200)
        server.stop()
        server.start()
        late = Reader(server, "web")
        late.next, late.ats = reader.next, dict(reader.ats)
        late.catch_up("&limit=1")
        self.assertEqual(late.ats, {"A": 0, "B": 9})
        reader.stream(2, reader.next)
        self.assertEqual(reader.ats, {"A": 0, "B": 9})


class Counted(FolderCase):
    def test_metrics_count_tables_and_what_the_ledger_did_itself(self):
        server = self.start()
        line = {"item": "A", "location": "L"}
        steps = [channel("web", 1, locations=["L"]), receive(1, quantity=2, source="f"),
                 {"kind": "allocate", "source": "c", "id": "q", "channel": "web", **line, "to": 1},
                 {"kind": "set_policy", "source": "c", "id": "p", **line, "backorder_limit": 3},
                 {"kind": "hold", "source": "s", "id": "1", "hold": "b", **line, "quantity": 4, "backorder": True},
                 {"kind": "hold", "source": "s", "id": "2", "hold": "w", **line, "quantity": 2, "wait": True},
                 receive(2, quantity=3, source="f"), receive(3, quantity=9, source="f"),
                 {"kind": "hold", "source": "s", "id": "3", "hold": "e", **line, "quantity": 1, "expires_in": 1}]
        statuses = [row["status"] for row in server.stream(steps).lines()]
        self.assertEqual(statuses, ["accepted"] * len(steps))
        end = time.monotonic() + 20
        while server.metric("onhand_holds_expired_total") == 0 and time.monotonic() < end:
            time.sleep(0.1)
        for restart in (False, True):
            if restart:
                server.stop()
                server.start()
            wanted = {"items": 1, "locations": 1, "channels": 1, "cells": 1, "quotas": 1, "offers": 1, "holds_open": 2,
                      "holds_kept": 1, "covers_total": 0 if restart else 2, "waits_served_total": 0 if restart else 1,
                      "holds_expired_total": 0 if restart else 1}
            self.assertEqual({name: server.metric("onhand_" + name) for name in wanted}, wanted)
            self.assertGreaterEqual(server.metric("onhand_ids"), len(steps))


class Moving(FolderCase):
    ITEMS = 2000

    def fill(self, server, items=ITEMS):
        commands = [channel("web", 1, locations=["L", "M"], priority=1), channel("amz", 2, locations=["M"], buffer=2, cap=50)]
        commands += [receive(n, item="i%05d" % n, location="LM"[n % 2], quantity=100, source="f") for n in range(items)]
        summary = server.stream(commands, "?answers=summary").lines()[-1]["summary"]
        self.assertEqual(summary["accepted"], len(commands))

    def changes(self, which, n, items=ITEMS):
        """Some commands of all the kinds that change what may be sold."""
        rng = random.Random(which * 1000003 + n)
        item = "i%05d" % rng.randrange(items)
        line = {"item": item, "location": rng.choice("LM"), "quantity": rng.randint(1, 30)}
        head = {"source": "w%d" % which, "id": str(n)}
        return {**head, **rng.choice([
            {"kind": "receive", **line}, {"kind": "sale", **line},
            {"kind": "hold", "hold": "h%d-%d" % (which, n), "channel": "web", "expires_in": 1, "mode": "partial", **line},
            {"kind": "allocate", "channel": rng.choice(["web", "amz"]), "item": item, "location": "M", "to": rng.randint(0, 60)},
            {"kind": "set_policy", "item": item, "location": line["location"], "safety_stock": rng.randint(0, 20)},
            {"kind": "set_channel", "channel": "amz", "item": item, "cap": rng.randint(0, 40)},
            {"kind": "set_channel", "channel": "amz", "buffer": rng.randint(0, 3)} if rng.random() < 0.02 else
            {"kind": "receive", **line}])}

    def test_every_reader_ends_with_the_truth(self):
        server = self.start()
        self.fill(server)
        stop = threading.Event()
        failures = []

        def write(which):
            for n in itertools.count():
                if stop.is_set():
                    return
                server.stream([self.changes(which, 50 * n + k) for k in range(50)], "?answers=summary")
                time.sleep(0.01)

        def guarded(function, *arguments):
            def run():
                try:
                    function(*arguments)
                except BaseException as problem:  # a thread's failure is the test's
                    failures.append(problem)
            return threading.Thread(target=run)

        def read_pages(reader, limit):
            with server.connect() as wire:
                while not stop.is_set():
                    after = "&after=" + reader.next if reader.next else ""
                    page = wire.request("GET", "/v1/feed?channel=%s&limit=%d&wait=1%s" % (reader.name, limit, after)).json()
                    assert len(page["events"]) <= limit
                    reader.take(page["events"])
                    reader.next = page["next"]

        def read_streams(reader):
            last = None
            while not stop.is_set():
                last = reader.next = reader.stream(random.randint(1, 900), last, 2)
        readers = [(Reader(server, name), kind) for name in ("web", "amz") for kind in (1, 37, 10000, "stream")]
        threads = [guarded(write, which) for which in range(2)]
        threads += [guarded(read_streams, reader) if kind == "stream" else guarded(read_pages, reader, kind)
                    for reader, kind in readers]
        for thread in threads:
            thread.start()
        time.sleep(8)
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        server.wait_for_ends()
        for restart in (False, True):
            if restart:
                server.stop()
                server.start()
            for name in ("web", "amz"):
                wanted = truth(server, name)
                for reader, kind in readers:
                    if reader.name == name:
                        reader.catch_up()
                        self.assertGreater(reader.count, 200)
                        self.assertEqual({item: ats for item, ats in wanted.items() if reader.ats.get(item, 0) != ats}, {},
                                         (name, kind, restart))
            if not restart:
                server.stream([self.changes(9, n) for n in range(500)], "?answers=summary")
                server.wait_for_ends()

    def test_what_is_told_is_durable(self):
        """Killed at once after a reader was told: the value and the event behind it are still there."""
        server = self.start()
        self.fill(server, 10)
        for n in range(5):
            told = []
            with server.connect() as wire, server.connect() as writer:
                wire.send(request_bytes(wire.port, "GET", "/v1/feed?channel=web&wait=25&after=" + server.position()))
                time.sleep(0.1)
                body = json.dumps(receive("d%d" % n, item="i00000", quantity=1 + n, source="d")).encode()
                writer.send(request_bytes(writer.port, "POST", "/v1/commands", body))
                told = wire.response().json()["events"]
                server.kill()
                try:
                    while writer.more():
                        pass
                except Closed:
                    pass
            self.assertEqual(len(told), 1)
            server.start()
            self.assertEqual(server.get("/v1/availability?channel=web&item=i00000").json()["items"],
                             [{"item": "i00000", "ats": told[0]["ats"]}])
            event, = server.events("&item=i00000", "1-%d" % (seq_of(told[0]["position"]) - 1))
            self.assertEqual(event["position"], told[0]["position"])

    def test_nobody_waits_for_a_reader_who_is_far_behind(self):
        """Pages of one change at places in the middle, whose item has changed since: each is a walk over half of all."""
        server = self.start()
        items = 30000
        self.fill(server, items)
        middle = Reader(server, "web")
        middle.page("&limit=10000")
        middle.page("&limit=5000")
        stop = threading.Event()
        walks = [0]

        def read():
            with server.connect() as wire:
                while not stop.is_set():
                    # Without its third part a position says nothing of where to look.
                    place = middle.next.split(".")[0]
                    page = wire.request("GET", "/v1/feed?channel=web&limit=1&after=" + place).json()
                    assert len(page["events"]) == 1
                    walks[0] += 1
        reader = threading.Thread(target=read)
        reader.start()
        times = []
        for n in range(300):
            begin = time.monotonic()
            line = {"item": "i%05d" % (items - 1 - n), "location": "LM"[(items - 1 - n) % 2], "quantity": 1}
            self.assertEqual(server.send(kind="receive", source="n", id=str(n), **line).status, 200)
            times.append(time.monotonic() - begin)
        stop.set()
        reader.join()
        times.sort()
        print("note: a command beside walks over %d changes: median %.2f ms, slowest %.2f ms; %d walks" %
              (items // 2, times[150] * 1000, times[-1] * 1000, walks[0]))
        self.assertGreater(walks[0], 0)
        middle.catch_up("&limit=1000")
        self.assertEqual(middle.ats, truth(server, "web"))


if __name__ == "__main__":
    unittest.main()
