#!/usr/bin/env python3
"""
Goal: a promotion says what it did: `fenced` only when all that the former primary acknowledged is here; and what stands in its way is
told before the primary is told to take nothing in any more.
Method: pairs of servers whose histories have parted, that listen on other addresses, that cannot begin an epoch.
"""
import os
import re
import resource
import subprocess
import time
import unittest

from journal_stream import items_of
from server import BIN, FolderCase, receive, until
from standby import Link, Standby, promote

TIER = "check"


def files_of(folder):
    files = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            files[name] = file.read()
    return files


class Failover(FolderCase):
    def setUp(self):
        super().setUp()
        os.mkdir(self.folder + "/a")
        self.a = self.start(folder=self.folder + "/a")
        self.a.send(**receive(1, "A"))

    def standby(self, name, primary, *options):
        standby = Standby(os.path.join(self.folder, name), primary, options)
        self.servers.append(standby)
        return standby

    def promoted_at(self, listen, reached, *options):
        """What the first server says when a standby that listens there has taken over; and the port of that one."""
        with open(self.folder + "/log-of-it", "wb") as log:
            process = subprocess.Popen([BIN, "follow", "http://127.0.0.1:%d" % self.a.port, "--data", self.folder + "/b", "--listen",
                                        listen + ":0", "--segment-mib", "16", *options], stdout=subprocess.PIPE, stderr=log)
        try:
            port = int(re.search(rb"http://\S+:(\d+)", process.stdout.readline()).group(1))
            done = subprocess.run([BIN, "promote", "http://%s:%d" % (reached, port), "--json"], capture_output=True, timeout=60,
                                  check=False)
            self.assertIn(b'"fenced":true', done.stdout)
            answer = self.a.send(**receive(2, "A")).json()
            self.assertEqual(answer["code"], "fenced")
            return answer["detail"], port
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def test_by_an_address_of_ipv6(self):
        detail, port = self.promoted_at("[::1]", "[::1]")
        self.assertIn("http://[::1]:%d took over" % port, detail)

    def test_by_whoever_listens_on_all_addresses(self):
        detail, port = self.promoted_at("0.0.0.0", "127.0.0.1", "--insecure")
        self.assertIn("http://127.0.0.1:%d took over" % port, detail)

    def test_one_that_has_parted_does_not_take_over(self):
        b = self.standby("b", self.a)
        b.wait_for(self.a.position())
        b.kill()
        for n in range(100, 140):
            self.assertEqual(self.a.send(**receive(n, "A")).status, 200)
        self.a.kill()
        b.start()
        self.assertFalse(promote(b)[1]["fenced"])
        for n in range(10):
            self.assertEqual(b.send(**receive(n, "B")).status, 200)
        # More frames than the other has, and others: it must not be taken for one that has all of them.
        a = self.standby("a", b)
        code, answer = promote(a)
        self.assertEqual(code, 1, answer)
        self.assertIn("journal_diverged", answer)
        self.assertIn("was not fenced", answer)
        self.assertEqual(a.role()["role"], "standby")
        self.assertEqual(b.get("/v1/role").json()["role"], "primary")
        self.assertEqual(b.send(**receive(10, "B")).status, 200)
        # An operator may give up what only the other has.
        code, answer = promote(a, "--no-fence")
        self.assertEqual((code, answer["fenced"]), (0, False))

    def test_what_stands_between_ends_nothing(self):
        link = Link(self.a)
        self.addCleanup(link.close)
        b = self.standby("b", link.address)
        b.wait_for(self.a.position())
        # A proxy's own answer, and one that is no onhand at all.
        for status in (b"502 Bad Gateway", b"404 Not Found", b"200 OK"):
            link.answer, taken = b"HTTP/1.1 " + status + b"\r\nContent-Length: 6\r\n\r\nsorry\n", link.taken
            link.cut()
            until(lambda: link.taken > taken + 1, "it does not come again")
            self.assertFalse(b.role()["following"])
            link.answer = None
            self.a.send(**receive(status.decode(), "A"))
            b.wait_for(self.a.position())
        # A bit that was turned on the way: nothing of it is kept, and it is sent again.
        link.turn = True
        self.a.send(**receive("turned", "A"))
        b.wait_for(self.a.position())
        self.assertFalse(link.turn)
        self.assertIn("checksum", b.log())
        self.assertEqual(b.cell("A", "L"), self.a.cell("A", "L"))
        # One that breaks off again and again is told once, not each time.
        link.answer = b"HTTP/1.1 502 X\r\nContent-Length: 0\r\n\r\n"
        link.cut()
        said, taken = b.log().count("nothing comes"), link.taken
        until(lambda: link.taken > taken + 3, "it does not come again")
        self.assertLessEqual(b.log().count("nothing comes"), said + 1)

    def test_the_lag_of_a_chain_is_that_to_the_primary(self):
        b = self.standby("b", self.a)
        b.wait_for(self.a.position())
        c = self.standby("c", b)
        c.wait_for(self.a.position())
        until(lambda: c.role()["lag_ms"] < 2500, "it is not told that it has everything")
        self.a.kill()
        time.sleep(4)
        for standby in (b, c):
            self.assertGreater(standby.role()["lag_ms"], 3500)
            self.assertGreater(int(standby.get("/v1/stock/A/L").head["onhand-lag-ms"]), 3500)
        self.a.start()

    def test_another_ledger_s_directory_is_not_taken_over(self):
        os.mkdir(self.folder + "/x")
        x = self.start(folder=self.folder + "/x")
        x.send(**receive(1, "X"))
        x.stop()
        before = files_of(x.data)
        with self.assertRaisesRegex(AssertionError, "another ledger"):
            self.standby("x", self.a)
        self.assertEqual(files_of(x.data), before)
        x.start()
        self.assertEqual(x.cell("X", "L")["sellable"], 1)
        x.stop()

    def test_one_that_was_promoted_is_not_made_a_standby_by_its_unit(self):
        b = self.standby("b", self.a)
        self.assertTrue(promote(b)[1]["fenced"])
        b.send(**receive(3, "A"))
        b.kill()
        with self.assertRaisesRegex(AssertionError, "was promoted, in place of http://127.0.0.1:%d" % self.a.port):
            b.start()
        former, b.primary = b.primary, None
        b.start()
        self.assertEqual(b.send(**receive(4, "A")).status, 200)
        b.stop()
        # An operator's last word.
        os.unlink(b.data + "/role")
        b.primary = former
        b.start()
        self.assertEqual(b.role()["role"], "standby")

    def test_who_is_looked_for_once_it_is_promoted(self):
        port = self.a.port
        os.mkdir(self.folder + "/other")
        other = self.start(folder=self.folder + "/other")
        b = self.standby("b", self.a, "--peer", "127.0.0.1:%d" % other.port)
        b.wait_for(self.a.position())
        self.a.kill()
        self.assertFalse(promote(b)[1]["fenced"])
        self.a.options += ["--listen", "127.0.0.1:%d" % port]
        self.a.start()
        until(lambda: self.a.get("/v1/role").json()["role"] == "fenced", "the one it followed is not looked for")

    def test_without_a_fence_nobody_is_fenced_afterwards(self):
        b = self.standby("b", self.a, "--peer", "127.0.0.1:%d" % self.a.port)
        b.wait_for(self.a.position())
        self.assertEqual(promote(b, "--no-fence")[0], 0)
        time.sleep(2.5)
        self.assertEqual(self.a.get("/v1/role").json()["role"], "primary")

    def test_a_restored_copy_fences_nobody(self):
        address = "127.0.0.1:%d" % self.a.port
        backup = subprocess.run([BIN, "backup", address, "--to", self.folder + "/backup"], capture_output=True, check=False)
        self.assertEqual(backup.returncode, 0)
        os.mkdir(self.folder + "/drill")
        restored = subprocess.run([BIN, "restore", self.folder + "/backup", "--to", self.folder + "/drill/data"],
                                  capture_output=True, check=False)
        self.assertEqual(restored.returncode, 0, restored.stderr)
        drill = self.start("--peer", address, folder=self.folder + "/drill")
        until(lambda: "have parted" in drill.log(), "it does not say that there are two")
        self.assertEqual(self.a.send(**receive(2, "A")).status, 200)
        # Nor does the other yield to it.
        self.a.stop()
        self.a.options += ["--peer", "127.0.0.1:%d" % drill.port]
        self.a.start()
        until(lambda: "have parted" in self.a.log(), "it does not say that there are two")
        self.assertEqual(self.a.send(**receive(3, "A")).status, 200)
        self.assertEqual(drill.send(**receive(3, "A")).status, 200)

    def test_who_is_ahead_is_told_to_ask_the_other_way_round(self):
        b = self.standby("b", self.a)
        b.wait_for(self.a.position())
        self.assertEqual(promote(b, "--no-fence")[0], 0)
        b.send(**receive(2, "B"))
        b.stop()
        done = subprocess.run([BIN, "verify", b.data, "--diverged", "http://127.0.0.1:%d" % self.a.port], capture_output=True,
                              check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"the other way round", done.stderr)
        self.assertNotIn(b"same ledger", done.stderr)

    def test_one_that_cannot_begin_an_epoch_does_not_stop_the_other(self):
        b = self.standby("b", self.a, "--segment-mib", "256")
        resource.prlimit(b.pid, resource.RLIMIT_FSIZE, (os.path.getsize(b.data + "/%020d.journal" % 1) + (16 << 20), -1))
        until(lambda: b.metric("onhand_disk_low") == 1, "it does not see that the disk is full")
        code, answer = promote(b)
        self.assertEqual(code, 1, answer)
        self.assertIn("no space", answer)
        self.assertEqual(self.a.send(**receive(2, "A")).status, 200)
        resource.prlimit(b.pid, resource.RLIMIT_FSIZE, (-1, -1))
        until(lambda: b.metric("onhand_disk_low") == 0, "it does not see that there is space")
        code, answer = promote(b)
        self.assertEqual((code, answer["fenced"]), (0, True), answer)

    def test_a_fence_tells_where_it_ended(self):
        role = self.a.get("/v1/role").json()
        answer = self.a.request("POST", "/v1/fence?ledger=%s&by=http://127.0.0.1:1" % role["ledger"], b"{}").json()
        last = [item for item in items_of(self.a.get("/v1/journal?until=now").body) if item.kind == "frame"][-1]
        self.assertEqual((answer["frame"], answer["chain"]), (last.ordinal, "%08x" % last.chain))


if __name__ == "__main__":
    unittest.main()
