#!/usr/bin/env python3
"""
Goal: how far a standby is behind under load; and that one promoted during load has exactly a beginning of what was acknowledged,
while the rest is told from the old primary's directory.
Method: several senders at once. Lag: from when a sender has its answer to when a reader of the standby's feed has the event, on one
machine and clock. Promotion without a fence, then kill -9 of the old primary; both feeds, all answers and the directories are held
against each other.
"""
import json
import os
import subprocess
import threading
import time
import unittest

from server import BIN, FolderCase, receive, request_bytes, until, verify
from standby import Standby, promote

TIER = "check"

SENDERS = 4
LAG_S = 8


class Load:
    """Senders of single commands and one of streams, with all that was acknowledged."""

    def __init__(self, server):
        self.server, self.stop_now = server, threading.Event()
        self.acknowledged = {}  # id: (position, when)
        self.threads = [threading.Thread(target=self.send, args=(n,)) for n in range(SENDERS)]
        self.threads.append(threading.Thread(target=self.stream))
        for thread in self.threads:
            thread.start()

    def send(self, sender):
        n = 0
        try:
            with self.server.connect() as wire:
                while not self.stop_now.is_set():
                    n += 1
                    name = "%d-%d" % (sender, n)
                    answer = wire.request("POST", "/v1/commands", json.dumps(receive(name, "I%d" % (n % 50), source="load")).encode())
                    if answer.status == 200:
                        self.acknowledged[name] = (answer.json()["position"], time.monotonic())
        except Exception:  # killed: what was not answered is not known
            pass

    def stream(self):
        part = 0
        try:
            while not self.stop_now.is_set():
                part += 1
                self.server.stream([receive("s%d-%d" % (part, n), "S%d" % (n % 50), source="stream") for n in range(500)])
        except Exception:
            pass

    def stop(self):
        self.stop_now.set()
        for thread in self.threads:
            thread.join()


def seq_of(position):
    return int(position.split("-")[1])


class StandbyLoad(FolderCase):
    def setUp(self):
        super().setUp()
        self.primary = self.start()
        self.primary.send(**receive(0, "first"))
        self.second = Standby(os.path.join(self.folder, "second"), self.primary)
        self.servers.append(self.second)
        self.second.wait_for(self.primary.position())

    def test_lag(self):
        arrived = {}
        begin = self.primary.position()  # before the load begins

        def read():
            wire = self.second.connect()
            wire.send(request_bytes(self.second.port, "GET", "/v1/feed?source=load&after=" + begin, None,
                                    {"Accept": "text/event-stream"}))
            wire.head()
            try:
                for line in wire.body_lines():
                    if line.startswith(b"id: "):
                        arrived.setdefault(line[4:].decode(), time.monotonic())
            except Exception:  # it is stopped
                pass

        thread = threading.Thread(target=read)
        thread.start()
        load = Load(self.primary)
        lags = []
        end = time.monotonic() + LAG_S
        while time.monotonic() < end:
            time.sleep(0.1)
            lags.append(self.second.role()["lag_ms"])
        load.stop()
        events = seq_of(self.primary.position())
        self.second.wait_for(self.primary.position())
        until(lambda: all(position in arrived for position, _ in load.acknowledged.values()), "the reader has not all")
        self.second.stop()
        thread.join()
        behind = sorted(max(0, arrived[position] - when) for position, when in load.acknowledged.values())
        told = sorted(lags)
        print("note: %d commands one by one, %d events in %d s: from answer to the standby's reader p50 %.1f ms, p99 %.1f ms, max "
              "%.1f ms; lag it tells p50 %d ms, p99 %d ms" %
              (len(behind), events, LAG_S, 1e3 * behind[len(behind) // 2], 1e3 * behind[len(behind) * 99 // 100],
               1e3 * behind[-1], told[len(told) // 2], told[len(told) * 99 // 100]))

    def test_promoted_during_load_it_has_exactly_a_beginning(self):
        load = Load(self.primary)
        until(lambda: len(load.acknowledged) > 500, "no load")
        code, answer = promote(self.second, "--no-fence")
        self.assertEqual((code, answer["fenced"]), (0, False), answer)
        parted = answer["copied_to"]
        until(lambda: seq_of(self.primary.position()) > parted + 500, "the primary does not go on")
        self.primary.kill()
        load.stop()
        # Both histories, whole.
        self.primary.start()
        there = {event["seq"]: event for event in self.primary.events()}
        here = {event["seq"]: event for event in self.second.events()}
        self.primary.kill()
        self.assertEqual(sorted(seq for seq in here if seq <= parted), sorted(seq for seq in there if seq <= parted))
        for seq in range(1, parted + 1):
            self.assertEqual(here.get(seq), there.get(seq))
        # What was acknowledged: up to there it is here, and known by its id; behind it is at the old primary alone.
        copied = {name for name, (position, _) in load.acknowledged.items() if seq_of(position) <= parted}
        rest = set(load.acknowledged) - copied
        self.assertGreater(len(copied), 100)
        self.assertGreater(len(rest), 10)
        self.assertEqual(copied - {event["id"] for seq, event in here.items() if seq <= parted and event["source"] == "load"}, set())
        self.assertEqual(rest - {event["id"] for seq, event in there.items() if seq > parted and event["source"] == "load"}, set())
        self.assertFalse(rest & {event["id"] for event in here.values() if event["source"] == "load"})
        # The list of them, from the directory.
        pages = subprocess.run([BIN, "help", "verify"], capture_output=True, text=True, check=True).stdout
        self.second.stop()
        if "--diverged" in pages:
            listed = subprocess.run([BIN, "verify", self.primary.data, "--diverged", self.second.data, "--json"],
                                    capture_output=True, text=True, timeout=300, check=False)
            self.listed(listed, rest, parted)
        self.second.start_as_primary()
        # Sent again, each is applied once.
        before = self.second.figures()[0]
        lines = self.second.stream([receive(name, "I%d" % (int(name.split("-")[1]) % 50), source="load")
                                    for name in sorted(load.acknowledged)], "?answers=all").lines()
        self.assertEqual(sum(not line.get("replayed") for line in lines), len(rest))
        after = self.second.figures()[0]
        self.assertEqual(sum(cell["sellable"] for cell in after.values()) - sum(cell["sellable"] for cell in before.values()),
                         len(rest))
        self.second.stop()
        verify(self.second.data)

    def listed(self, done, rest, parted):
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        names = {row["id"] for row in rows if row.get("source") == "load"}
        self.assertEqual(rest - names, set(), done.stderr)
        self.assertLessEqual(len(names - rest), SENDERS)  # durable, and killed before they were answered
        print("note: parted at %d; %d acknowledged behind it, %d listed" % (parted, len(rest), len(names)))
        self.assertTrue(all(row["seq"] > parted for row in rows if "seq" in row))


if __name__ == "__main__":
    unittest.main()
