#!/usr/bin/env python3
"""
Goal: a standby has what its primary made durable, answers reads with it and says how old they are, takes no command, comes
back after breaks, and ends loudly when the two have parted.
Method: two servers, one after the other stopped, killed and started again during load; figures, feed and state hash of both are compared.
"""
import os
import threading
import time
import unittest

from server import FolderCase, Server, receive, until, verify
from standby import Link, Standby


class Follows(FolderCase):
    def setUp(self):
        super().setUp()
        self.primary = self.start()

    def standby(self, primary=None, name="standby", **more):
        standby = Standby(os.path.join(self.folder, name), primary or self.primary, **more)
        self.servers.append(standby)
        return standby

    def test_reads_are_the_primary_s_and_say_how_old_they_are(self):
        self.primary.stream([receive(n, "A%d" % (n % 7)) for n in range(300)])
        self.primary.request("PUT", "/v1/sources/till", b'{"zone":"Europe/Paris"}')
        standby = self.standby()
        standby.wait_for(self.primary.position())
        self.primary.send(kind="hold", source="shop", id="h", hold="cart", item="A1", location="L", quantity=3)
        position = self.primary.position()
        standby.wait_for(position)
        for path in ("/v1/stock/A1", "/v1/stock/A1/L", "/v1/holds/cart", "/v1/figures", "/v1/stock", "/v1/history/A1",
                     "/v1/feed?limit=1000", "/v1/sources/till", "/v1/stock?as_of=2999-01-01T00:00:00Z&limit=5",
                     "/v1/atp/A1?location=L&at=2999-01-01"):
            with self.subTest(path=path):
                here, there = standby.get(path), self.primary.get(path)
                self.assertEqual((here.status, here.body), (there.status, there.body))
                self.assertEqual(here.head["onhand-position"], position)
                self.assertLess(int(here.head["onhand-lag-ms"]), 60000)
                self.assertNotIn("onhand-lag-ms", there.head)
        role = standby.role()
        self.assertEqual((role["role"], role["following"], role["primary"], role["events_behind"]),
                         ("standby", True, "http://127.0.0.1:%d" % self.primary.port, 0))
        self.assertEqual(self.primary.get("/v1/role").json()["role"], "primary")
        ready = standby.get("/readyz")
        self.assertEqual((ready.status, ready.json()["code"]), (503, "standby"))
        self.assertEqual(standby.metric("onhand_standby"), 1)
        self.assertEqual(standby.metric("onhand_standby_position"), int(position.split("-")[1]))
        self.assertIn(b"\nonhand_standby_lag_seconds ", standby.get("/metrics").body)
        # Who asks a standby for its journal gets it: a backup need not trouble the primary.
        self.assertEqual(standby.get("/v1/journal?until=now").status, 200)
        self.primary.stop()
        standby.stop()
        self.assertEqual(verify(standby.data)["state_hash"], verify(self.primary.data)["state_hash"])

    def test_commands_are_refused_with_the_primary_s_address(self):
        standby = self.standby()
        for method, path, body in (("POST", "/v1/commands", b'{"kind":"receive","source":"s","id":"1","item":"A",'
                                                           b'"location":"L","quantity":1}'),
                                   ("PUT", "/v1/items/A", b'{"scale":2}'), ("DELETE", "/v1/items/A", None)):
            answer = standby.request(method, path, body)
            self.assertEqual((answer.status, answer.json()["code"]), (503, "standby"))
            self.assertIn("http://127.0.0.1:%d" % self.primary.port, answer.json()["detail"])
        lines = standby.stream([receive(n) for n in range(3)]).lines()
        self.assertEqual([(line["status"], line["code"]) for line in lines], [("retry", "standby")] * 3)
        standby.wait_for(self.primary.position())
        standby.stop()
        # The directory says whose it is: to serve it would part the two.
        server = Server(standby.folder, start=False)
        with self.assertRaisesRegex(AssertionError, "onhand promote"):
            server.start()

    def test_the_feed_goes_on_there(self):
        standby = self.standby()
        for n in range(20):
            self.primary.send(**receive(n, "feed"))
            standby.wait_for(self.primary.position())
        self.assertEqual(standby.events(), self.primary.events())
        with standby.connect() as wire:
            waited = []

            def wait():
                waited.append(wire.request("GET", "/v1/feed?wait=20&after=" + self.primary.position()))
            thread = threading.Thread(target=wait)
            thread.start()
            time.sleep(0.2)
            self.primary.send(**receive(99, "feed"))
            thread.join()
            self.assertEqual(len(waited[0].json()["events"]), 1)

    def test_it_comes_back_after_breaks(self):
        standby = self.standby()
        stop = threading.Event()

        def load():
            part = 0
            while not stop.is_set():
                part += 1
                try:
                    self.primary.stream([receive(n, "load%d" % part) for n in range(100)])
                except Exception:  # it is down now and then
                    time.sleep(0.05)
        thread = threading.Thread(target=load)
        thread.start()
        try:
            for turn in range(3):
                time.sleep(0.3)
                if turn == 0:
                    standby.kill()
                    standby.start()
                elif turn == 1:
                    standby.stop()
                    standby.start()
                else:
                    port = self.primary.port
                    self.primary.kill()
                    self.primary.options += ["--listen", "127.0.0.1:%d" % port]
                    until(lambda: not standby.role()["following"], "the break is not noticed")
                    self.assertIn("problem", standby.role())
                    self.assertEqual(standby.get("/v1/stock").status, 200)
                    self.primary.start()
        finally:
            stop.set()
            thread.join()
        standby.wait_for(self.primary.position())
        self.primary.stop()
        standby.stop()
        self.assertEqual(verify(standby.data)["state_hash"], verify(self.primary.data)["state_hash"])

    def test_it_ends_loudly_when_they_have_parted(self):
        self.primary.send(**receive(1, "x"))
        standby = self.standby()
        standby.wait_for(self.primary.position())
        before = standby.role()["position"]
        standby.stop()
        os.mkdir(self.folder + "/other")
        other = self.start(folder=self.folder + "/other")
        for n in range(5):
            other.send(**receive(n, "y"))
        # One that is reached is asked before anything is opened; here it is only afterwards.
        standby.primary = "http://127.0.0.1:%d" % other.port
        with self.assertRaisesRegex(AssertionError, "another ledger"):
            standby.start()
        link = Link(other)
        self.addCleanup(link.close)
        link.answer = b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"
        standby.primary = link.address
        standby.start()
        link.answer = None
        until(lambda: "other_ledger" in standby.role().get("problem", ""), "it does not say so")
        self.assertIn("other_ledger", standby.log())
        self.assertEqual(standby.role()["position"], before)
        self.assertEqual(standby.cell("x", "L")["sellable"], 1)

    def test_of_a_standby(self):
        first = self.standby(name="first")
        second = self.standby(first, name="second")
        self.primary.stream([receive(n, "chain") for n in range(500)])
        second.wait_for(self.primary.position())
        self.assertEqual(second.cell("chain", "L")["sellable"], 500)
        # Who is ahead of a standby comes again; it may be only behind.
        answer = first.get("/v1/journal?after=%s&frame=999999&chain=00000000" % self.primary.position())
        self.assertEqual((answer.status, answer.json()["code"]), (503, "standby"))


if __name__ == "__main__":
    unittest.main()
