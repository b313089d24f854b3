#!/usr/bin/env python3
"""
Goal: what moved goods is reversed at its original time, once, across a restart too; a count that came after it stays.
Method: over HTTP, with figures of yesterday on the axis `occurred`; each reversal is tried dry first.
"""
import unittest

from server import is_sanitized
from test_counts import Counts


class Reversals(Counts):
    def reverse(self, number, status=200, **more):
        """Dry, then done: the same figures. The answer."""
        self.number += 1
        command = {"kind": "reverse", "source": "wms", "id": str(self.number), "of": {"source": "wms", "id": str(number)},
                   "reason": "keyed twice", **more}
        position = self.server.position()
        dry = self.server.send(**command, dry_run=True)
        self.assertEqual((dry.status, self.server.position()), (status, position), dry)
        done = self.server.send(**command)
        self.assertEqual(done.status, status, done)
        if status == 200:
            self.assertEqual(done.json()["figures"], dry.json()["figures"])
        else:
            self.assertEqual(done.json()["code"], dry.json()["code"])
        return done.json()

    def test_keyed_twice(self):
        """receive 10 @08:00; sale 4 @09:00, twice; one is reversed: OH 6, at 09:30 too. Once, also after a restart."""
        self.send("receive", 10, occurred_at=self.clock("08:00"))
        self.send("sale", 4, occurred_at=self.clock("09:00"))
        sale = self.send("sale", 4, occurred_at=self.clock("09:00"))
        self.cell(on_hand=2, version=3)
        answer = self.reverse(3)
        of = {"source": "wms", "id": "3", "position": sale["position"]}
        self.assertEqual(answer["of"], of)
        self.cell(on_hand=6, version=4)
        self.assertEqual((self.occurred("08:30"), self.occurred("09:30")), (10, 6))
        event = self.server.events()[-1]
        self.assertEqual((event["type"], event["quantity"], event["delta"]["on_hand"], event["account"], event["of"]),
                         ("reverse", 4, 4, "@customer", of))
        self.assertEqual(event["occurred_at"], self.clock("09:00").replace(".000000", ""))
        self.assertEqual(self.reverse(3, 409)["code"], "already_reversed")
        self.server.stop()
        self.server = self.start()
        self.assertEqual(self.reverse(3, 409)["code"], "already_reversed")
        self.assertEqual(self.reverse(4, 409)["code"], "not_reversible")
        self.reverse(2)
        self.cell(on_hand=10)
        self.assertEqual(self.occurred("09:30"), 10)

    def test_after_a_count(self):
        """receive 10 @08:00; count 7 @10:00: -3; sale 4 @11:00: OH 3. Without the receipt the count found 7: OH 3."""
        self.send("receive", 10, occurred_at=self.clock("08:00"))
        counted = self.send("count", 7, counted_to=self.clock("10:00"))
        self.send("sale", 4, occurred_at=self.clock("11:00"))
        answer = self.reverse(1)
        self.assertEqual(answer["corrected"], [{"item": "A", "location": "S1", "condition": "sellable",
                                                "count": counted["position"], "variance": 7, "uncertain": 0}])
        self.cell(on_hand=3)
        self.assertEqual([self.occurred(at) for at in ("09:00", "10:30", "11:30")], [0, 7, 3])
        self.reverse(2)  # the count: nothing was there, four were sold
        self.cell(on_hand=-4)
        self.assertEqual([self.occurred(at) for at in ("09:00", "10:30", "11:30")], [0, 0, -4])
        self.send("receive", 5, occurred_at=self.clock("09:00"))
        self.cell(on_hand=1)

    def test_a_transfer(self):
        """receive 10 at S1; transfer 6 to S2; back at once: S1 10, S2 0. One that is under way stays."""
        self.send("receive", 10, occurred_at=self.clock("08:00"))
        self.send("transfer", 6, to="S2", occurred_at=self.clock("09:00"))
        rows = self.reverse(2)["figures"]
        self.assertEqual([(row["location"], row["on_hand"]) for row in rows], [("S1", 10), ("S2", 0)])
        self.send("transfer_out", 6, to="S2", transfer="T")
        self.assertEqual(self.reverse(4, 409)["code"], "not_reversible")

    def test_a_stream_keeps_its_order(self):
        """Each sale of a stream is followed by its reversal, and by another one that comes too late."""
        lines = [self.command("receive", 1000)]
        for n in range(200):
            sale = self.command("sale", 1 + n % 3)
            lines.append(sale)
            for k in (1, 2):
                lines.append({"kind": "reverse", "source": "wms", "id": "%s/%d" % (sale["id"], k),
                              "of": {"source": "wms", "id": sale["id"]}})
        answers = self.server.stream(lines).lines()
        self.assertEqual([row.get("code", row["status"]) for row in answers],
                         ["accepted"] + ["accepted", "accepted", "already_reversed"] * 200)
        self.cell(on_hand=1000, version=401)

    @unittest.skipIf(is_sanitized(), "memory is measured")
    def test_large_decisions_are_read_a_few_at_a_time(self):
        """600 lines name a receipt of 1,000 lines, a MiB of memory each while it is read for them."""
        def peak_mib():
            with open("/proc/%d/status" % self.server.pid, encoding="ascii") as status:
                return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024
        receipt = {"kind": "receive", "source": "wms", "id": "big",
                   "lines": [{"item": "I%d" % i, "location": "S1", "quantity": 1} for i in range(1000)]}
        self.assertEqual(self.server.send(**receipt).status, 200)
        before = peak_mib()
        answers = self.server.stream([{"kind": "reverse", "source": "wms", "id": "v%d" % n,
                                       "of": {"source": "wms", "id": "big"}} for n in range(600)]).lines()
        self.assertEqual([row.get("code", row["status"]) for row in answers], ["accepted"] + ["already_reversed"] * 599)
        self.assertLess(peak_mib() - before, 200)


if __name__ == "__main__":
    unittest.main()
