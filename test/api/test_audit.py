#!/usr/bin/env python3
"""
Goal: the server holds its figures against each other while it runs and tells how far it is; when something in its memory
contradicts itself it takes nothing more in, says where and what to do, goes on to answer reads, and is right again after
a start. Method: a server with something in each table; then the figure of a cell is changed from outside, in the memory
of the process (/proc/PID/mem).
"""
import json
import re
import struct
import subprocess
import unittest

from server import BIN, FolderCase, receive, until

# So small that the tables before the cells and the cells themselves lie in the first MiB of the server's memory.
SMALL = ("--items-max", "100", "--locations-max", "100", "--sources-max", "16", "--config-mib", "1", "--aliases-max", "100",
         "--cells-max", "1000", "--audit-rate", "1000000")
UNITS = 0x123456789ABCD  # like no other number there
SEARCHED = 64 << 20


def change_units(pid):
    """Turns a bit of the number wherever it stands in the largest piece of memory that has it, which is the ledger's:
    a sanitizer has larger ones. How often it stood there."""
    with open("/proc/%d/maps" % pid, encoding="ascii") as file:
        pieces = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw-p 00000000 00:00 0\s*$", file.read(), re.M)
    pieces = [(int(begin, 16), int(end, 16)) for begin, end in pieces]
    with open("/proc/%d/mem" % pid, "r+b", buffering=0) as memory:
        for begin, end in sorted(pieces, key=lambda piece: piece[0] - piece[1]):
            memory.seek(begin)
            held = memory.read(min(SEARCHED, end - begin))
            found = [at.start() for at in re.finditer(re.escape(struct.pack("<q", UNITS)), held)]
            for at in found:
                memory.seek(begin + at)
                memory.write(struct.pack("<q", UNITS ^ 1))
            if found:
                return len(found)
    return 0


class Audit(FolderCase):
    def fill(self):
        """A server that has made a pass over something of each table."""
        server = self.start(*SMALL)
        send = server.send
        self.assertEqual(send(**receive(1, quantity=UNITS)).status, 200)
        self.assertEqual(send(**receive(2, item="B", quantity=10)).status, 200)
        self.assertEqual(send(kind="set_channel", id="3", source="s", channel="web", locations=["L"]).status, 200)
        self.assertEqual(send(kind="hold", id="4", source="s", hold="H", item="B", location="L", quantity=1).status, 200)
        self.assertEqual(send(kind="expect", id="5", source="s", expectation="E", direction="in", item="B", location="L",
                              quantity=1, due="2999-12-01").status, 200)
        server.stop()
        return self.start(*SMALL)

    def audit(self, server):
        answer = server.get("/v1/audit")
        self.assertEqual(answer.status, 200)
        return answer.json()

    def metrics(self, server):
        return dict(re.findall(r"^(onhand_(?:audit_\w+|ready)) (\S+)$", server.get("/metrics").body.decode(), re.M))

    def test_it_tells_how_far_it_is(self):
        server = self.fill()
        until(lambda: self.audit(server)["passes"] >= 1, "no pass is complete")
        audit = self.audit(server)
        checked = {row["invariant"]: row["checked"] for row in audit["invariants"]}
        self.assertEqual(list(checked), ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "state"])
        self.assertEqual(checked["I7"], 2)  # cells
        self.assertEqual(checked["I2"], 2 + 1 + 1)  # and a hold with its line
        self.assertEqual(checked["I1"], 2 + 2)  # and items
        self.assertTrue(all(checked.values()), checked)
        self.assertIn(audit["state"], ("resting", "running"))
        self.assertNotIn("violation", audit)
        metrics = self.metrics(server)
        self.assertGreaterEqual(int(metrics["onhand_audit_passes_total"]), 1)
        self.assertGreaterEqual(int(metrics["onhand_audit_entries_total"]), sum((2, 2, 1, 1, 1)))
        self.assertEqual(metrics["onhand_audit_violations"], "0")
        self.assertLess(float(metrics["onhand_audit_pass_seconds"]), 60)
        self.assertLess(float(metrics["onhand_audit_age_seconds"]), 60)
        shown = subprocess.run([BIN, "get", "audit", "--server", "http://127.0.0.1:%d" % server.port], check=True,
                               capture_output=True, text=True, timeout=60).stdout
        self.assertRegex(shown, r"(?m)^state: (resting|running)$")
        self.assertRegex(shown, r"(?m)^I7 +2$")

    def test_it_can_be_left_out(self):
        server = self.start("--audit-rate", "0")
        audit = self.audit(server)
        self.assertEqual((audit["state"], audit["passes"], audit["entries"]), ("off", 0, 0))
        self.assertNotIn("age_ms", audit)
        self.assertNotIn("onhand_audit_age_seconds", self.metrics(server))

    def test_a_contradiction_stops_what_changes_something(self):
        server = self.fill()
        try:
            self.assertGreaterEqual(change_units(server.pid), 1)
        except PermissionError as error:
            self.skipTest("the memory of another process: %s" % error)
        until(lambda: self.audit(server)["state"] == "failed", "nothing is found")
        audit = self.audit(server)
        violation = audit["violation"]
        self.assertEqual((violation["table"], violation["item"], violation["location"]), ("cells", "A", "L"))
        self.assertIn("onhand verify", audit["detail"])
        shed = server.send(**receive(9))
        self.assertEqual((shed.status, shed.json()["code"], shed.json()["detail"]), (503, "audit_failed", audit["detail"]))
        many = server.request("POST", "/v1/commands", json.dumps([receive(10), receive(11)]).encode())
        self.assertEqual([line["status"] for line in many.json()], ["retry", "retry"])
        ready = server.get("/readyz")
        self.assertEqual((ready.status, ready.json()["code"], ready.json()["detail"]), (503, "audit_failed", audit["detail"]))
        self.assertEqual((self.metrics(server)["onhand_ready"], self.metrics(server)["onhand_audit_violations"]), ("0", "1"))
        self.assertEqual(server.get("/v1/stock/B/L").json()["on_hand"], 10)
        self.assertEqual(server.get("/v1/holds").status, 200)
        server.stop()
        again = self.start(*SMALL)
        self.assertEqual(again.get("/v1/stock/A/L").json()["on_hand"], UNITS)
        self.assertEqual(again.send(**receive(9)).status, 200)


if __name__ == "__main__":
    unittest.main()
