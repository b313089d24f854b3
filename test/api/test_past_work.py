#!/usr/bin/env python3
"""
Goal: questions about the past take turns. However many slow ones there are, a reader of the feed that needs the disk is not
held up by them; and when a client leaves, nothing more is read for it.
Method: a cell whose facts all came late, so that a question on `occurred` reads each of them; how long one takes is measured
first, and all that is asserted is in multiples of it. The server is started anew, so that the feed's beginning is on disk.
"""
import datetime
import selectors
import socket
import struct
import time
import unittest
from urllib.parse import quote

from server import ServerCase, is_sanitized, request_bytes, until

FACTS = 80_000 if is_sanitized() else 150_000  # so that one question takes about as long
SLOW = 64
SLOTS = 2  # of questions that are worked on at once
OLD = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
QUESTION = "/v1/stock/A/L?axis=occurred&as_of=" + quote((OLD + datetime.timedelta(hours=1)).isoformat())
QUICK = "/v1/stock/A/L?as_of=" + quote(OLD.isoformat())


class SlowQuestions(ServerCase):
    options = ("--io-threads", "3")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        line = '{"kind":"receive","source":"s","id":"%d","item":"A","location":"L","quantity":1,"occurred_at":"%s"}'
        answer = cls.server.stream("\n".join(line % (i, (OLD + datetime.timedelta(milliseconds=i)).isoformat())
                                             for i in range(FACTS)).encode(), "?answers=summary").lines()[-1]
        if answer["summary"]["accepted"] != FACTS:
            raise AssertionError(answer)
        cls.server.stop()
        cls.server.start()
        cls.ask(QUESTION)
        cls.slow_s = sorted(cls.ask(QUESTION) for _ in range(3))[1]

    @classmethod
    def ask(cls, target):
        """Seconds until it was answered, on a connection of its own."""
        begin = time.monotonic()
        with cls.server.connect(timeout=300) as wire:
            answer = wire.request("GET", target)
        if answer.status != 200:
            raise AssertionError(repr(answer))
        return time.monotonic() - begin

    def slow_ones(self, n):
        """Connections with a slow question under way or waiting each."""
        wires = []
        for _ in range(n):
            wires.append(self.server.connect(timeout=300))
            wires[-1].send(request_bytes(self.server.port, "GET", QUESTION))
        time.sleep(self.slow_s / 4)
        return wires

    def reset(self, wires):
        for wire in wires:
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            wire.close()

    def test_a_reader_of_the_feed_is_not_held_up(self):
        wires = self.slow_ones(SLOW)
        took = max(self.ask("/v1/feed?limit=1000") for _ in range(3))
        for wire in wires:
            self.assertEqual(wire.response().json()["on_hand"], FACTS)
            wire.close()
        self.assertLess(took, 4 * self.slow_s)

    def test_a_question_that_waits_goes_with_its_client(self):
        for leave in (self.reset, lambda wires: [wire.close() for wire in wires]):
            leave(self.slow_ones(SLOW))
            self.assertLess(self.ask(QUICK), SLOW / SLOTS / 3 * self.slow_s)

    def test_who_leaves_does_not_wait_for_a_turn(self):
        stay = self.slow_ones(2 * SLOTS)
        self.reset(self.slow_ones(SLOW))
        begin = time.monotonic()
        until(lambda: self.server.metric("onhand_connections") <= len(stay) + 1, "connections that have closed are kept")
        self.assertLess(time.monotonic() - begin, self.slow_s)
        for wire in stay:
            self.assertEqual(wire.response().json()["on_hand"], FACTS)
            wire.close()

    def test_a_server_that_is_told_to_stop_does(self):
        begin = time.monotonic()
        self.server.stop()
        took = time.monotonic() - begin
        self.server.start()
        wires = self.slow_ones(SLOW)
        begin = time.monotonic()
        self.server.stop()
        self.assertLess(time.monotonic() - begin, took + SLOW / SLOTS / 4 * self.slow_s)
        self.assertTrue(all(wire.is_closed() for wire in wires))
        for wire in wires:
            wire.close()
        self.server.start()

    def test_a_question_that_is_worked_on_ends_with_its_client(self):
        took = 0
        for _ in range(10):
            self.reset(self.slow_ones(SLOTS))
            took += self.ask(QUICK)
        self.assertLess(took, 10 * self.slow_s / 3)

    def test_a_client_that_has_sent_all_is_answered(self):
        """Shut for sending is not gone: all answers come, the one about the past behind an interim one that says nothing."""
        wires = []
        for _ in range(2 * SLOTS):
            wires.append(self.server.connect(timeout=300))
            wires[-1].send(request_bytes(self.server.port, "GET", "/livez") + request_bytes(self.server.port, "GET", QUESTION))
        for wire in wires:
            wire.socket.shutdown(socket.SHUT_WR)
        for wire in wires:
            self.assertEqual(wire.response().status, 200)
            self.assertEqual(wire.response().json()["on_hand"], FACTS)
            self.assertTrue(wire.is_closed())
            wire.close()

    def test_several_are_answered_to_a_client_that_has_sent_all(self):
        """However many of them had been taken out of what had come, when its end was seen."""
        for pause in (0, 0.001, 0.01, 0.1):
            with self.server.connect(timeout=300) as wire:
                question = request_bytes(self.server.port, "GET", QUICK)
                wire.send(question * 3 + request_bytes(self.server.port, "GET", "/livez") + question + question[:-2])
                time.sleep(pause)
                wire.socket.shutdown(socket.SHUT_WR)
                self.assertEqual([wire.response().status for _ in range(5)], [200] * 5)
                self.assertTrue(wire.is_closed())
                self.assertEqual(wire.rest, b"")

    def test_in_the_order_in_which_they_were_asked(self):
        wires, order = [], []
        for _ in range(12):
            wires += self.slow_ones(1)
        with selectors.DefaultSelector() as selector:
            for n, wire in enumerate(wires):
                selector.register(wire.socket, selectors.EVENT_READ, n)
            while len(order) < len(wires):
                for key, _ in selector.select():
                    selector.unregister(key.fileobj)
                    order.append(key.data)
        # Those that are worked on at once may overtake each other, and on a busy machine arrive so. By chance it would be a third of
        # them, the other way round half.
        self.assertLess(sum(abs(place - n) for place, n in enumerate(order)), len(order) * len(order) / 4, order)
        for wire in wires:
            self.assertEqual(wire.response().json()["on_hand"], FACTS)
            wire.close()


if __name__ == "__main__":
    unittest.main()
