#!/usr/bin/env python3
"""
Goal: the feed misses nothing and repeats nothing, however it is read: pages, long polls, event streams, from figures on.
Method: a real server under load, readers that stop and resume, and one that never reads. Every reader's sum over `delta`
is compared with the figures.
"""
import json
import random
import threading
import time
import unittest
from urllib.parse import quote

from server import Closed, FolderCase, ServerCase, is_sanitized, receive, request_bytes

RSS_GROWTH_KIB = 192 * 1024  # ten full buffers and what lies between; all that is sent would be 1.3 GiB
LOAD = 20000 if is_sanitized() else 100000  # commands beside readers that never read


class EventStream:
    """Server-sent events of one connection, checked for form."""

    def __init__(self, server, query="", last=None, **options):
        self.wire = server.connect(**options)
        fields = {"Accept": "text/event-stream"}
        if last:
            fields["Last-Event-ID"] = last
        self.wire.send(request_bytes(server.port, "GET", "/v1/feed" + query, None, fields))
        status, head = self.wire.head()
        if status != 200 or head["content-type"] != "text/event-stream":
            raise AssertionError("%d %r" % (status, head))
        self.lines = self.wire.body_lines()

    def __iter__(self):
        fields = {}
        for line in self.lines:
            if line == b"":
                if fields:
                    event = json.loads(fields[b"data"])
                    if event["position"].encode() != fields[b"id"] or event["type"].encode() != fields[b"event"]:
                        raise AssertionError("id or event differ from the data: %r" % fields)
                    yield event
                fields = {}
            elif not line.startswith(b":"):
                name, value = line.split(b": ", 1)
                fields[name] = value

    def take(self, n):
        return [event for _, event in zip(range(n), self)]

    def close(self):
        self.wire.close()


class Pages(ServerCase):
    def test_pages_have_every_event_once_and_in_order(self):
        start = self.server.position()
        self.server.stream([receive(n, "page") for n in range(250)])
        seen, after, pages = [], start, 0
        while True:
            page = self.server.get("/v1/feed?limit=60&after=" + after).json()
            self.assertLessEqual(len(page["events"]), 60)
            pages += bool(page["events"])
            seen += page["events"]
            if page["next"] == after:
                break
            after = page["next"]
        self.assertEqual([event["id"] for event in seen], [str(n) for n in range(250)])
        self.assertEqual([event["version"] for event in seen], list(range(1, 251)))
        sequence = [event["seq"] for event in seen]
        self.assertEqual(sequence, list(range(sequence[0], sequence[0] + 250)))
        self.assertEqual(pages, 5)
        self.assertEqual(seen[-1]["figures"]["on_hand"], 250)

    def test_without_after_it_begins_with_the_oldest_and_has_100(self):
        self.server.stream([receive(n, "oldest") for n in range(150)])
        page = self.server.get("/v1/feed").json()
        self.assertEqual((len(page["events"]), page["events"][0]["seq"]), (100, 1))

    def test_after_now_begins_here(self):
        page = self.server.get("/v1/feed?after=now").json()
        self.assertEqual((page["events"], page["next"]), ([], self.server.position()))

    def test_a_command_over_two_cells_makes_parts(self):
        start = self.server.position()
        self.server.send(**receive(1, "part", quantity=5))
        answer = self.server.send(kind="transfer", source="part", id="2", item="part", location="L", to="M",
                                  quantity=2).json()
        events = self.server.events("&item=part", start)[1:]
        self.assertEqual([event["part"] for event in events], [[1, 2], [2, 2]])
        self.assertEqual(sorted((event["location"], event["delta"]["on_hand"]) for event in events),
                         [("L", -2), ("M", 2)])
        self.assertEqual({(event["kind"], event["id"], event["source"]) for event in events},
                         {("transfer", "2", "part")})
        self.assertEqual(events[-1]["position"], answer["position"])

    def test_bad_positions_are_named(self):
        def ask(after):
            answer = self.server.get("/v1/feed?after=" + quote(after))
            return answer.status, answer.json()["code"], answer.json().get("field")
        for bad in ("x", "", "1", "1-", "-1", "1-x", "1-1-1", " 1-1", "01-1", "1-18446744073709551616", "1--1", "+1-1",
                    "4294967296-1", "NOW", "1-1 "):
            self.assertEqual(ask(bad), (422, "bad_value", "after"), bad)
        self.assertEqual(ask("1-999999999"), (422, "bad_value", "after"))
        self.assertEqual(ask("2-1"), (409, "epoch_ahead", "after"))

    def test_a_long_poll_waits_for_the_first_event(self):
        start = self.server.position()
        with self.server.connect() as wire:
            wire.send(request_bytes(wire.port, "GET", "/v1/feed?wait=25&item=poll&after=" + start))
            time.sleep(0.2)
            self.server.send(**receive(1, "not-poll"))
            time.sleep(0.2)
            begin = time.monotonic()
            self.server.send(**receive(1, "poll"))
            page = wire.response().json()
            self.assertLess(time.monotonic() - begin, 15)  # far less than it would wait
            self.assertEqual([event["item"] for event in page["events"]], ["poll"])
            self.assertEqual(page["next"], page["events"][0]["position"])
            self.assertEqual(wire.request("GET", "/livez").status, 200)

    def test_a_long_poll_without_events_ends_in_time(self):
        begin = time.monotonic()
        page = self.server.get("/v1/feed?wait=1&after=now").json()
        self.assertEqual(page["events"], [])
        self.assertTrue(0.9 < time.monotonic() - begin < 20)


class Filters(ServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.begin = cls.server.position()
        commands = [receive(n, item, location, 10, source=source)
                    for n, (item, location, source) in enumerate(
                        (item, location, source) for item in ("shoe-1", "shoe-2", "hat") for location in ("A", "B/ä")
                        for source in ("erp", "till"))]
        commands += [{"kind": "sale", "source": "till", "id": "s1", "item": "hat", "location": "A", "quantity": 50},
                     {"kind": "set_channel", "source": "web", "id": "c", "channel": "shop"},
                     {"kind": "hold", "source": "web", "id": "h1", "hold": "h1",
                      "lines": [{"item": "shoe-1", "location": "A", "quantity": 99}]},
                     {"kind": "hold", "source": "web", "id": "h2", "hold": "h2", "channel": "shop",
                      "lines": [{"item": "shoe-1", "location": "A", "quantity": 1}]}]
        cls.server.stream(commands)
        cls.all = cls.server.events("&include=refused", cls.begin)

    def expect(self, query, keep):
        wanted = [event["seq"] for event in self.all if keep(event)]
        self.assertEqual([event["seq"] for event in self.server.events(query, self.begin)], wanted, query)
        stream = EventStream(self.server, "?after=%s%s" % (self.begin, query))
        self.assertEqual([event["seq"] for event in stream.take(len(wanted))], wanted, query)
        stream.close()
        self.assertTrue(wanted, query)

    def test_each_filter_and_their_combinations(self):
        def done(event):
            return event["type"] != "refused"
        self.expect("", done)
        self.expect("&include=refused", lambda e: True)
        self.expect("&item=hat", lambda e: done(e) and e.get("item") == "hat")
        self.expect("&item=shoe-*", lambda e: done(e) and e.get("item", "").startswith("shoe-"))
        self.expect("&item=*", lambda e: done(e) and "item" in e)
        self.expect("&item=hat&item=shoe-2", lambda e: done(e) and e.get("item") in ("hat", "shoe-2"))
        self.expect("&location=B%2F%C3%A4", lambda e: done(e) and e.get("location") == "B/ä")
        self.expect("&source=till", lambda e: done(e) and e["source"] == "till")
        self.expect("&kind=sale", lambda e: e["kind"] == "sale")
        self.expect("&kind=sale&kind=hold", lambda e: done(e) and e["kind"] in ("sale", "hold"))
        self.expect("&kind=hold&include=refused", lambda e: e["kind"] == "hold")
        self.expect("&type=oversold", lambda e: e["type"] == "oversold")
        self.expect("&type=refused&include=refused", lambda e: e["type"] == "refused")
        self.expect("&item=shoe-1&kind=hold&include=refused", lambda e: e["kind"] == "hold")
        self.expect("&item=shoe-1&location=A&source=erp",
                    lambda e: (e.get("item"), e.get("location"), e["source"]) == ("shoe-1", "A", "erp"))

    def test_a_refused_command_says_why(self):
        event = next(event for event in self.all if event["type"] == "refused")
        self.assertEqual((event["kind"], event["id"], event["code"]), ("hold", "h1", "insufficient_stock"))
        self.assertEqual(event["cells"], [{"item": "shoe-1", "location": "A", "asked": 99, "free": 20}])

    def test_wrong_filters_are_named(self):
        for query, field in (("kind=buy", "kind"), ("type=nothing", "type"), ("include=all", "include"),
                             ("item=" + "x" * 129, "item"), ("limit=0", "limit"), ("limit=10001", "limit"),
                             ("limit=1&limit=1", "limit"), ("wait=61", "wait"), ("wait=-1", "wait"),
                             ("stamps=1", "stamps"), ("colour=red", "colour"),
                             ("&".join("item=%d" % n for n in range(65)), "item")):
            answer = self.server.get("/v1/feed?" + query)
            self.assertEqual((answer.status, answer.json().get("field")), (422, field), query)


class Tree(ServerCase):
    """A location means all below it."""

    @classmethod
    def setUpClass(cls):
        """A wide tree, more than one read looks at, and in it a deep one whose locations stand below later ones."""
        super().setUpClass()
        random.seed(7)
        cls.parents = {"n%d" % n: "n%d" % random.randrange(n // 20 + 1) if n else None for n in range(9000)}
        cls.parents |= {"d%d" % n: "d%d" % (n + 1) if n < 27 else "n3" for n in range(28)}
        lines = [{"name": name} for name in cls.parents] + [
            {"name": name, "parent": parent} for name, parent in cls.parents.items() if parent]
        with cls.server.connect() as wire:
            answer = wire.request("PUT", "/v1/locations?answers=summary",
                                  b"\n".join(json.dumps(line).encode() for line in lines),
                                  {"Content-Type": "application/x-ndjson"})
        assert answer.lines()[-1]["summary"]["accepted"] == len(lines), answer
        cls.begin = cls.server.position()
        names = random.sample(sorted(cls.parents), 400) + ["d%d" % n for n in range(28)] + ["n0", "n1", "n3", "n8999", "apart"]
        cls.server.stream([receive(n, "T", name) for n, name in enumerate(names)])
        cls.all = cls.server.events("", cls.begin)

    def within(self, name, roots):
        while name is not None and name not in roots:
            name = self.parents.get(name)
        return name is not None

    def test_what_is_below_passes_in_pages_streams_figures_and_lists(self):
        sizes = set()
        for roots in (["n0"], ["n1"], ["n3"], ["n8999"], ["d27"], ["d14"], ["d0"], ["n2", "d22"], ["n1", "n1", "apart"],
                      ["apart"]):
            with self.subTest(roots=roots):
                wanted = [event for event in self.all if self.within(event["location"], roots)]
                self.assertTrue(wanted)
                sizes.add(len(wanted))
                query = "".join("&location=" + root for root in roots)
                self.assertEqual(self.server.events(query + "&item=T", self.begin), wanted)
                stream = EventStream(self.server, "?after=%s%s" % (self.begin, query))
                self.assertEqual(stream.take(len(wanted)), wanted)
                stream.close()
                cells = {event["location"] for event in wanted}
                self.assertEqual({cell[1] for cell in self.server.figures("?item=T" + query)[0]}, cells)
                if len(roots) == 1:
                    page = self.server.get("/v1/stock?limit=1000" + query).json()
                    self.assertEqual({row["location"] for row in page["stock"]}, cells)
        self.assertGreater(len(sizes), 5)

    def test_a_stream_keeps_the_tree_it_began_with(self):
        begin = self.server.position()
        self.server.send(**receive("m1", "moved", "bin"))
        self.assertEqual(self.server.request("PUT", "/v1/locations/hall", b"{}").status, 200)
        self.assertEqual(self.server.request("PUT", "/v1/locations/box", b'{"parent":"hall"}').status, 200)
        stream = EventStream(self.server, "?location=hall&location=later&item=moved&after=" + begin)
        self.server.send(**receive("m2", "moved", "box"))
        self.assertEqual(stream.take(1)[0]["id"], "m2")  # its tree is copied by now
        self.assertEqual(self.server.request("PUT", "/v1/locations/bin", b'{"parent":"hall"}').status, 200)
        self.assertEqual(self.server.request("PUT", "/v1/locations/box", b"{}").status, 200)
        for n, location in enumerate(("bin", "box", "later", "hall")):
            self.server.send(**receive("n%d" % n, "moved", location))
        self.assertEqual([event["location"] for event in stream.take(3)], ["box", "later", "hall"])
        stream.close()
        events = self.server.events("&location=hall&item=moved", begin)
        self.assertEqual([event["id"] for event in events], ["m1", "n0", "n3"])

    def test_a_refused_command_passes_by_what_it_was_short_of(self):
        begin = self.server.position()
        self.server.send(kind="hold", source="s", id="h", hold="h", item="T", location="d14", quantity=10000)
        for root, there in (("d14", 1), ("d27", 1), ("n3", 1), ("d13", 0), ("apart", 0)):
            events = self.server.events("&include=refused&location=" + root, begin)
            self.assertEqual([event["type"] for event in events], ["refused"] * there, root)

    def test_a_long_poll_waits_for_what_is_below(self):
        begin = self.server.position()
        with self.server.connect() as wire:
            wire.send(request_bytes(wire.port, "GET", "/v1/feed?wait=20&item=P&location=n0&after=" + begin))
            time.sleep(0.2)
            self.server.send(**receive("p1", "P", "apart"))
            self.server.send(**receive("p2", "P", "d0"))
            self.assertEqual([event["id"] for event in wire.response().json()["events"]], ["p2"])


class Streams(ServerCase):
    def test_a_stream_resumes_behind_the_last_event_it_had(self):
        start = self.server.position()
        loader = threading.Thread(target=self.server.stream, args=([receive(n, "resume") for n in range(3000)],))
        loader.start()
        seen, last, streams = [], start, 0
        while len(seen) < 3000:
            stream = EventStream(self.server, "?item=resume&after=" + start, None if last == start else last)
            events = stream.take(min(random.randint(1, 700), 3000 - len(seen)))
            stream.close()
            seen += events
            last = seen[-1]["position"]
            streams += 1
        loader.join()
        self.assertGreater(streams, 4)
        self.assertEqual([event["version"] for event in seen], list(range(1, 3001)))

    def test_a_bad_last_event_id_is_refused(self):
        for last, status in (("x", 422), ("1-99999999", 422), ("7-1", 409)):
            answer = self.server.get("/v1/feed", {"Accept": "text/event-stream", "Last-Event-ID": last})
            self.assertEqual((answer.status, answer.json()["field"]), (status, "Last-Event-ID"), last)

    def test_many_streams_see_the_same(self):
        start = self.server.position()
        streams = [EventStream(self.server, "?after=" + start) for _ in range(20)]
        self.server.stream([receive(n, "many", location="L%d" % (n % 7)) for n in range(1000)])
        first = streams[0].take(1000)
        for stream in streams[1:]:
            self.assertEqual(stream.take(1000), first)
        for stream in streams:
            stream.close()

    def test_an_end_of_the_server_ends_the_streams_and_they_resume_with_the_next(self):
        start = self.server.position()
        stream = EventStream(self.server, "?after=" + start)
        self.server.stream([receive(n, "end") for n in range(10)])
        seen = stream.take(10)
        self.server.stop()
        with self.assertRaises(Closed):
            list(stream)
        stream.close()
        self.server.start()
        stream = EventStream(self.server, last=seen[4]["position"])
        self.assertEqual(stream.take(5), seen[5:])
        stream.close()


class Load:
    """Random commands over many cells from several connections, until told to stop."""

    def __init__(self, server, items, places, pause_s=0.0, threads=2):
        self.server, self.items, self.places, self.pause_s = server, items, places, pause_s
        self.over = threading.Event()
        self.sent = 0
        self.threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(threads)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        prng = random.Random(number)
        batch = 0
        while not self.over.is_set():
            commands = []
            for n in range(250):
                kind = prng.choice(("receive", "sale", "sale", "transfer", "hold"))
                command = {"kind": kind, "source": "load-%d" % number, "id": "%d-%d" % (batch, n),
                           "item": "i%d" % prng.randrange(self.items), "location": "p%d" % prng.randrange(self.places),
                           "quantity": prng.randint(1, 5)}
                if kind == "transfer":
                    command["to"] = "p%d" % self.places
                if kind == "hold":
                    command.update(hold="h%d-%d-%d" % (number, batch, n), expires_in=round(1 + prng.random(), 3))
                commands.append(command)
            self.server.stream(commands, "?answers=summary")
            self.sent += len(commands)
            batch += 1
            time.sleep(self.pause_s)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(60)


def add(figures, delta):
    return {name: figures.get(name, 0) + delta.get(name, 0)
            for name in ("on_hand", "sellable", "held", "committed", "reserved", "available")}


class Consistency(FolderCase):
    def follow(self, cells, events):
        """Puts events on top of figures; asserts that none is missing and none twice."""
        for event in events:
            if "location" not in event:
                continue
            key = event["item"], event["location"]
            before = cells.get(key, {"version": 0})
            self.assertEqual(event["version"], before["version"] + 1, "of %r at %s" % (key, event["position"]))
            after = add(before, event["delta"])
            self.assertEqual(after, {name: event["figures"][name] for name in after}, key)
            cells[key] = {**event["figures"], "version": event["version"]}

    def test_figures_and_the_feed_behind_them_have_no_hole_and_no_overlap(self):
        server = self.start()
        server.stream([receive(n, "i%d" % (n % 300), "p%d" % (n // 300), 50, source="seed") for n in range(3000)],
                      "?answers=summary")
        load = Load(server, 300, 10, 0.03)
        snapshots = []
        end = time.monotonic() + 60
        while len(snapshots) < 8 or len({position for _, position in snapshots}) <= 4 or load.sent <= 1000:
            self.assertLess(time.monotonic(), end, "nothing happens between the snapshots")
            time.sleep(0.25)
            snapshots.append(server.figures())
        load.stop()
        server.wait_for_ends()
        final, position = server.figures()
        everything = server.events()
        with_refused = server.events("&include=refused")
        self.assertEqual([event["seq"] for event in with_refused], list(range(1, len(with_refused) + 1)))
        by_position = {event["position"]: event["seq"] for event in with_refused}
        for cells, start in snapshots + [({}, None)]:
            self.assertTrue(start is None or len(cells) >= 3000)
            seq = by_position[start] if start else 0
            self.follow(cells, [event for event in everything if event["seq"] > seq])
            self.assertEqual({key: (cell["version"], cell["on_hand"], cell["held"], cell["available"])
                              for key, cell in cells.items()},
                             {key: (cell["version"], cell["on_hand"], cell["held"], cell["available"])
                              for key, cell in final.items()})
        self.assertEqual(server.position(), position)
        self.assertTrue(any(event["type"] == "expire" for event in everything))
        some, _ = server.figures("?item=i7&item=i1*&location=p3")
        self.assertEqual(some, {key: cell for key, cell in final.items()
                                if key[1] == "p3" and (key[0] == "i7" or key[0].startswith("i1"))})
        server.stop()

    def test_a_subscriber_that_never_reads_costs_nothing_and_holds_up_nobody(self):
        server = self.start()
        load = Load(server, 50, 5)
        time.sleep(2)
        load.stop()
        start = server.position()
        before = most = server.rss_kib()
        dead = [EventStream(server, receive_bytes=4096) for _ in range(10)]
        reader = EventStream(server, "?after=" + start)
        load = Load(server, 50, 5)
        seen, end = 0, time.monotonic() + 60
        for event in reader:
            seen += 1
            if seen % 1000 == 0:
                most = max(most, server.rss_kib())
            if (load.sent >= LOAD and seen > 1000) or time.monotonic() > end:
                break
        load.stop()
        growth = max(most, server.rss_kib()) - before
        sent = load.sent
        self.assertGreater(seen, 1000)
        for stream in dead:
            stream.close()
        reader.close()
        print("note: %d events read beside 10 that never read, %d sent; server memory grew %d KiB" %
              (seen, sent, growth))
        if not is_sanitized():
            self.assertLess(growth, RSS_GROWTH_KIB)
        server.stop()


if __name__ == "__main__":
    unittest.main()
