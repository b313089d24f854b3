#!/usr/bin/env python3
"""
Goal: story S4 of the contract (channels, at DC), every number of it, and the feed of each channel telling each change
once.
Method: the story's commands over HTTP, one after the other; after each the cell, the quotas, what the channels may
sell, and what a reader of each channel's feed is told: by pages, by a long poll and by a stream that stays open.
"""
import json
import unittest

from server import ServerCase, request_bytes

ITEM, PLACE = "A", "DC"
LINE = {"item": ITEM, "location": PLACE}


class Stream:
    """A channel's feed as server-sent events."""

    def __init__(self, server, channel):
        self.wire = server.connect()
        self.wire.send(request_bytes(server.port, "GET", "/v1/feed?channel=" + channel, None,
                                     {"Accept": "text/event-stream"}))
        status, _ = self.wire.head()
        assert status == 200
        self.lines = self.wire.body_lines()

    def next(self):
        fields = {}
        for line in self.lines:
            if line == b"" and fields:
                change = json.loads(fields[b"data"])
                assert fields[b"event"] == b"availability" and fields[b"id"] == change["position"].encode(), fields
                return change
            if line and not line.startswith(b":"):
                fields.update([line.split(b": ", 1)])
        raise AssertionError("the stream ended")


class StoryS4(ServerCase):
    def command(self, kind, **more):
        """One command; its answer's position."""
        type(self).serial = getattr(self, "serial", 0) + 1
        answer = self.server.send(kind=kind, source="s4", id="c%d" % self.serial, **more)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()["position"]

    def ats(self, channel):
        answer = self.server.get("/v1/availability?channel=%s&item=%s" % (channel, ITEM)).json()
        self.assertEqual((answer["channel"], answer["position"]), (channel, self.server.position()))
        self.assertEqual(answer["items"], self.server.get("/v1/availability?channel=" + channel).json()["items"])
        return answer["items"][0]["ats"]

    def free(self, channel):
        row, = self.server.get("/v1/stock?channel=" + channel).json()["stock"]
        return row["free"]

    def expect(self, web, amz, **figures):
        self.assertEqual((self.ats("web"), self.ats("amz")), (web, amz))
        cell = self.server.cell(ITEM, PLACE)
        self.assertEqual({name: cell[name] for name in figures}, figures)

    def told(self, channel, ats, position):
        """What the channel's readers are told: this value, once, with the event behind it."""
        change = {"position": position, "type": "availability", "channel": channel, "item": ITEM, "ats": ats}
        self.assertEqual(self.streams[channel].next(), change)
        after = self.after.get(channel)
        page = self.server.get("/v1/feed?channel=%s%s" % (channel, after and "&after=" + after or "")).json()
        self.assertEqual(page, {"events": [change], "next": self.server.position()})
        self.after[channel] = page["next"]

    def told_nothing(self, channel):
        page = self.server.get("/v1/feed?channel=%s&after=%s" % (channel, self.after[channel])).json()
        self.assertEqual(page, {"events": [], "next": self.server.position()})

    def test_every_number_of_the_story(self):
        # OH 100, safety stock 5; quotas web 40, amz 30; amz buffer 3 and cap 20; both share the rest, web first.
        self.command("receive", **LINE, quantity=100)
        self.command("set_policy", **LINE, safety_stock=5)
        self.command("set_channel", channel="web", locations=[PLACE], priority=1)
        self.command("set_channel", channel="amz", locations=[PLACE], priority=2)
        self.streams = {channel: Stream(self.server, channel) for channel in ("web", "amz")}
        # Both may sell all that is above the safety stock.
        self.after = {}
        for channel, position in (("web", "1-4"), ("amz", "1-5")):
            self.assertEqual(self.streams[channel].next(), {"position": position, "type": "availability",
                                                            "channel": channel, "item": ITEM, "ats": 95})
        self.expect(95, 95, on_hand=100, available=100, safety_stock=5)
        # 40 for web: amz has the other 55. 30 of them for amz: web has 40 and shares the rest, 25.
        position = self.command("allocate", channel="web", **LINE, to=40)
        self.told("amz", 55, position)
        position = self.command("allocate", channel="amz", **LINE, to=30)
        self.told("web", 65, position)
        self.told_nothing("amz")
        self.expect(65, 55)
        position = self.command("set_channel", channel="amz", item=ITEM, buffer=3, cap=20)
        self.told("amz", 20, position)
        self.told_nothing("web")

        # ATS web 65, amz 20.
        self.expect(65, 20, on_hand=100, held=0, available=100)
        self.assertEqual((self.free("web"), self.free("amz")), (65, 55))
        # Web hold of 66 -> 409, free 65.
        answer = self.server.send(kind="hold", source="s4", id="over", hold="H66", channel="web", **LINE, quantity=66)
        self.assertEqual((answer.status, answer.json()["code"]), (409, "insufficient_stock"))
        self.assertEqual(answer.json()["cells"], [{**LINE, "asked": 66, "free": 65}])
        self.expect(65, 20, held=0)
        # Web hold of 50 -> ATS 15 / 20: its quota is used up first, and 10 of the rest.
        position = self.command("hold", hold="H50", channel="web", **LINE, quantity=50, expires_in=0)
        self.told("web", 15, position)
        self.told_nothing("amz")
        self.expect(15, 20, held=50, available=50)
        self.assertEqual([line["quota"] for line in self.server.get("/v1/holds/H50").json()["lines"]], [40])
        # adjust -40 -> OH 60, available 10, pool 5, ATS 0 / 2.
        with self.server.connect() as wire: # a long poll that waits for it
            wire.send(request_bytes(wire.port, "GET", "/v1/feed?channel=amz&wait=20&after=" + self.after["amz"]))
            position = self.command("adjust", **LINE, quantity=-40, reason="water damage")
            page = wire.response().json()
        self.assertEqual([(change["ats"], change["position"]) for change in page["events"]], [(2, position)])
        self.told("web", 0, position)
        self.told("amz", 2, position)
        self.expect(0, 2, on_hand=60, held=50, available=10)
        self.assertEqual((self.free("web"), self.free("amz")), (0, 5))
        # An amz order of 12 as a fact -> available -2, oversold 2, ATS 0 / 0.
        answer = self.server.send(kind="commit", source="s4", id="order", hold="O12", guard=False, channel="amz", **LINE,
                                  quantity=12)
        self.assertEqual(answer.status, 200)
        commit = self.server.events("&kind=commit")
        self.assertEqual([event["type"] for event in commit], ["commit", "oversold", "out_of_stock"])
        self.told("amz", 0, commit[0]["position"])
        self.told_nothing("web")
        self.expect(0, 0, on_hand=60, held=50, committed=12, available=-2, oversold=2)

        # With the shortfall resolver "newest loses": that claim is short 2. Nobody may sell more or less for it.
        response = self.server.request("PUT", "/v1/locations/" + PLACE, b'{"shortfall":"newest"}')
        self.assertEqual((response.status, response.json()["shortfall"]), (200, ["newest"]))
        short, = self.server.events("&kind=short")
        self.assertEqual((short["type"], short["hold"], short["quantity"]), ("short", "O12", 2))
        line, = self.server.get("/v1/holds/O12").json()["lines"]
        self.assertEqual((line["short"], line["backordered"], line["committed"]), (2, 2, 12))
        line, = self.server.get("/v1/holds/H50").json()["lines"]
        self.assertEqual((line["short"], line["backordered"], line["held"]), (0, 0, 50))
        for channel in ("web", "amz"):
            self.told_nothing(channel)
        self.expect(0, 0, on_hand=60, held=50, committed=12, backordered=2, available=-2, oversold=0)

        # Who comes now is told the present values, each once, and the same after a restart.
        now = {channel: self.server.get("/v1/feed?channel=" + channel).json() for channel in ("web", "amz")}
        self.assertEqual([change["ats"] for change in now["web"]["events"]], [0])
        self.assertEqual([change["ats"] for change in now["amz"]["events"]], [0])
        for stream in self.streams.values():
            stream.wire.close()
        self.server.stop()
        self.server.start()
        self.expect(0, 0)
        for channel, page in now.items():
            self.assertEqual(self.server.get("/v1/feed?channel=" + channel).json()["events"], page["events"])
            self.told_nothing(channel)


if __name__ == "__main__":
    unittest.main()
