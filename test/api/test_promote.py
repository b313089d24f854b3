#!/usr/bin/env python3
"""
Goal: a standby that is promoted takes commands from where it is, in an epoch of its own; a primary that can be reached takes
none any more, and nothing of it is lost; one that cannot be reached is told apart afterwards.
Method: promotions of both kinds, with the servers killed, started again, and followed from either side.
"""
import os
import subprocess
import threading
import unittest

from server import BIN, FolderCase, Server, receive, until, verify
from standby import Standby, promote


class Promote(FolderCase):
    def setUp(self):
        super().setUp()
        self.primary = self.start()
        self.primary.request("PUT", "/v1/sources/till", b'{"zone":"Europe/Paris"}')
        self.primary.stream([receive(n, "A") for n in range(100)])
        self.second = Standby(os.path.join(self.folder, "second"), self.primary)
        self.servers.append(self.second)
        self.second.wait_for(self.primary.position())

    def test_a_primary_that_is_reached_is_fenced_and_loses_nothing(self):
        acknowledged, stop, refused = [], threading.Event(), []

        def load():
            n = 0
            while not stop.is_set():
                n += 1
                answer = self.primary_send(n)
                (acknowledged if answer.status == 200 else refused).append((n, answer.json()))

        thread = threading.Thread(target=load)
        thread.start()
        try:
            until(lambda: len(acknowledged) > 20, "no load")
            code, answer = promote(self.second)
            until(lambda: refused, "the primary goes on")
        finally:
            stop.set()
            thread.join()
        self.assertEqual((code, answer["role"], answer["fenced"]), (0, "primary", True), answer)
        self.assertTrue(all(answer["code"] == "fenced" for _, answer in refused))
        self.assertIn("http://127.0.0.1:%d" % self.second.port, refused[0][1]["detail"])
        # All that was acknowledged is there, and each was applied once.
        self.assertEqual(self.second.cell("load", "L")["sellable"], len(acknowledged))
        for n, answer in acknowledged[-5:]:
            again = self.second.send(**receive(n, "load")).json()
            self.assertTrue(again["replayed"])
            self.assertEqual(again["position"].split("-")[1], answer["position"].split("-")[1])
        # It takes commands, also with local times of sources it learnt of as a standby.
        local = self.second.send(**receive("local", "A", source="till", occurred_at="2026-11-22T09:00:00"))
        self.assertEqual(local.status, 200, local)
        self.assertEqual(self.second.get("/readyz").status, 200)
        self.assertNotIn("onhand-lag-ms", self.second.get("/v1/stock/A").head)
        self.assertNotEqual(self.second.position().split("-")[0], "1")
        self.assertEqual(promote(self.second)[0], 1)  # no standby any more
        # The former primary: still fenced when it is started again; and a standby of the new one, without a new copy.
        ready = self.primary.get("/readyz")
        self.assertEqual((ready.status, ready.json()["code"]), (503, "fenced"))
        self.primary.stop()
        self.primary.start()
        self.assertEqual(self.primary.get("/v1/role").json()["role"], "fenced")
        self.assertEqual(self.primary_send(1).json()["code"], "fenced")
        self.assertEqual(self.primary.cell("load", "L")["sellable"], len(acknowledged))
        self.primary.stop()
        first = Standby(self.folder, self.second)
        self.servers.append(first)
        first.wait_for(self.second.position())
        self.assertEqual(first.role()["following"], True)
        self.assertEqual(first.cell("A", "L"), self.second.cell("A", "L"))
        # And back again.
        code, answer = promote(first)
        self.assertEqual((code, answer["fenced"]), (0, True), answer)
        self.assertEqual(first.send(**receive("back", "A")).status, 200)
        self.assertEqual(self.second.send(**receive("no", "A")).json()["code"], "fenced")
        self.second.stop()
        first.stop()
        self.assertEqual(verify(first.data)["epoch"] is not None, True)

    def primary_send(self, n):
        return self.primary.send(**receive(n, "load"))

    def test_one_that_is_not_reached_is_told_apart(self):
        self.primary.kill()
        until(lambda: not self.second.role()["following"], "the break is not noticed")
        before = self.second.role()["position"]
        code, answer = promote(self.second)
        self.assertEqual((code, answer["fenced"]), (0, False), answer)
        self.assertEqual(answer["copied_to"], int(before.split("-")[1]))
        self.assertIn("was not told", answer["problem"])
        self.assertEqual(self.second.send(**receive("new", "B")).status, 200)
        # It comes back, and knows nothing: nobody told it. What it takes now parts it from the other.
        self.primary.start()
        self.assertEqual(self.primary.send(**receive("old", "B")).status, 200)
        # Who has seen the newer epoch is not served by it.
        position = self.second.position()
        answer = self.primary.get("/v1/feed?after=" + position)
        self.assertEqual((answer.status, answer.json()["code"]), (409, "epoch_ahead"))
        answer = self.primary.get("/v1/journal?after=" + position)
        self.assertEqual((answer.status, answer.json()["code"]), (409, "epoch_ahead"))
        # It cannot follow the new one: it has what that one has not.
        self.primary.stop()
        first = Standby(self.folder, self.second)
        self.servers.append(first)
        until(lambda: "journal_diverged" in first.role().get("problem", ""), "it does not say that they have parted")
        self.assertIn("journal_diverged", first.log())
        self.assertEqual(first.cell("B", "L")["sellable"], 1)

    def test_a_former_primary_that_returns_is_fenced(self):
        port = self.primary.port
        self.primary.kill()
        self.assertFalse(promote(self.second)[1]["fenced"])
        self.primary.options += ["--listen", "127.0.0.1:%d" % port]
        self.primary.start()
        until(lambda: self.primary.get("/v1/role").json()["role"] == "fenced", "the new primary does not look for it")
        self.assertEqual(self.primary.send(**receive("old", "B")).json()["code"], "fenced")
        self.assertEqual(self.second.send(**receive("new", "B")).status, 200)

    def test_one_with_a_peer_asks_before_it_takes_anything(self):
        self.primary.kill()
        self.assertFalse(promote(self.second)[1]["fenced"])
        self.primary.options += ["--peer", "127.0.0.1:%d" % self.second.port]
        self.primary.start()
        self.assertEqual(self.primary.get("/v1/role").json()["role"], "fenced")
        self.assertEqual(self.primary.send(**receive("old", "B")).json()["code"], "fenced")
        self.primary.stop()
        self.second.send(**receive("new", "B"))
        # Nothing came to its journal: it is a standby of the new one as it is.
        first = Standby(self.folder, self.second)
        self.servers.append(first)
        first.options = []
        first.wait_for(self.second.position())
        self.assertEqual(first.cell("B", "L"), self.second.cell("B", "L"))

    def test_a_drill_parts_nobody(self):
        """Promotions with no command between, ticks and checkpoints: whoever follows goes on, whoever starts finds its checkpoints."""
        options = ["--id-window", "1", "--checkpoint-mib", "1"]
        third = Standby(os.path.join(self.folder, "third"), self.second, options)  # a standby's standby
        self.servers.append(third)
        third.wait_for(self.primary.position())
        primary, standby = self.primary, self.second
        for _ in range(2):
            code, answer = promote(standby)
            self.assertEqual((code, answer["fenced"]), (0, True), answer)
            primary.stop()
            former = Standby(primary.folder, standby, options)
            self.servers.append(former)
            former.wait_for(standby.position())
            primary, standby = standby, former
        self.assertEqual(primary.send(**receive("after", "A")).status, 200)
        third.stop()
        third.primary = "http://127.0.0.1:%d" % standby.port
        third.start()
        for server in (standby, third):
            server.wait_for(primary.position())
            self.assertEqual(server.cell("A", "L"), primary.cell("A", "L"))
        primary.stop()
        primary.start_as_primary()
        self.assertEqual(primary.cell("A", "L")["sellable"], 101)

    def test_without_a_fence(self):
        code, answer = promote(self.second, "--no-fence")
        self.assertEqual((code, answer["fenced"]), (0, False), answer)
        self.assertEqual(self.primary.send(**receive("old", "B")).status, 200)
        self.assertEqual(self.second.send(**receive("new", "B")).status, 200)
        # It is fenced later, by hand.
        ledger = self.primary.get("/v1/role").json()["ledger"]
        target = "/v1/fence?ledger=%s&by=http://127.0.0.1:%d" % (ledger, self.second.port)
        self.assertEqual(self.primary.request("POST", target, b"{}").status, 200)
        self.assertEqual(self.primary.send(**receive("old2", "B")).json()["code"], "fenced")

    def test_a_standby_restarts_and_a_promoted_one_is_none_any_more(self):
        code, _ = promote(self.second, "--no-fence")
        self.assertEqual(code, 0)
        self.second.send(**receive("x", "C"))
        self.second.kill()
        with open(os.path.join(self.second.data, "role"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "primary http://127.0.0.1:%d\n" % self.primary.port)
        server = Server(self.second.folder)
        self.servers.append(server)
        self.assertEqual(server.cell("C", "L")["sellable"], 1)
        server.stop()

    def test_refusals(self):
        for target, status, code in (("/v1/promote", 409, "not_standby"), ("/v1/promote?fence=maybe", 422, "bad_value"),
                                     ("/v1/promote?x=1", 422, "unknown_field"), ("/v1/fence", 422, "missing_field"),
                                     ("/v1/fence?ledger=%s&by=x" % ("0" * 32), 409, "other_ledger")):
            with self.subTest(target=target):
                answer = self.primary.request("POST", target, b"{}")
                self.assertEqual((answer.status, answer.json()["code"]), (status, code))
        self.assertEqual(self.primary.request("POST", "/v1/promote", b'{"a":1}').status, 422)
        answer = self.second.request("POST", "/v1/fence?ledger=%s&by=x" % self.primary.get("/v1/role").json()["ledger"], b"{}")
        self.assertEqual((answer.status, answer.json()["code"]), (409, "standby"))
        self.assertEqual(self.primary.send(**receive("y", "D")).status, 200)
        done = subprocess.run([BIN, "promote", "http://127.0.0.1:1"], capture_output=True, check=False)
        self.assertEqual(done.returncode, 3)


if __name__ == "__main__":
    unittest.main()
