#!/usr/bin/env python3
"""
Goal: story S5 of the contract (a transfer), every number of it.
Method: the story's commands over HTTP, one after the other; after each the answer, both cells, the transfer and what
can be promised are compared; in the end the accounts, as the feed has them. The story's 11-29 is today.
"""
import unittest

from story import Story, day


class StoryS5(Story):
    def accounts(self):
        """What went to each outside account. What was too much of a transfer came from @found."""
        sums = {"@supplier": 0, "@customer": 0, "@loss": 0, "@found": 0}
        signs = {"receive": -1, "transfer_loss": 1}
        for event in self.s.events():
            if event["type"] in signs:
                sums[event["account"]] += signs[event["type"]] * event["quantity"]
            elif event["type"] == "discrepancy":
                self.assertEqual(event["discrepancy"], "exceeds_transfer")
                sums["@found"] -= event["quantity"]
        return sums

    def transfer(self):
        answer = self.server.get("/v1/transfers/" + self.s.own("T1").replace("/", "%2F")).json()
        return answer["state"], answer["from"], answer["to"], answer["eta"], [row["units"] for row in answer["lines"]]

    def test_every_number_of_the_story(self):
        """
        DC 200, S1 2; today 11-29. transfer_out 20, eta 12-01: DC 180, S1 OH 2, in transit 20. expect out 5 at S1, due
        12-03: atp(11-30) = 2, atp(12-01) = 17. transfer_in 15: OH 17, in transit 5. loss 3; in 4: OH 21, in transit
        0, discrepancy 2. Accounts: 180 + 21 + @loss 3 + @found -2 + @supplier -202 = 0.
        """
        s, nov_30, dec_1, dec_3 = self.s, day(1), day(2), day(4)
        s.do("receive", ("DC", 200), ("S1", 2))
        answer = s.do("transfer_out", ("DC", 20), transfer="T1", to="S1", eta=dec_1)
        self.assertEqual((answer["transfer"], [(row["location"], row["units"]) for row in answer["transit"]]),
                         (s.own("T1"), [("S1", 20)]))
        s.cell("DC", 2, on_hand=180, available=180, in_transit=0)
        s.cell("S1", 2, on_hand=2, available=2, in_transit=20, incoming=20)
        self.assertEqual(self.transfer(), ("open", "DC", "S1", dec_1, [20]))
        self.assertEqual((s.atp("S1", nov_30), s.atp("S1", dec_1)), (2, 22))

        s.do("expect", ("S1", 5), expectation="SO", direction="out", due=dec_3)
        s.cell("S1", 3, on_hand=2, incoming=20, outgoing=5)
        self.assertEqual((s.atp("S1", nov_30), s.atp("S1", dec_1)), (2, 17))

        s.do("transfer_in", ("S1", 15), transfer="T1")
        s.cell("S1", 4, on_hand=17, available=17, in_transit=5, incoming=5)
        self.assertEqual((s.atp("S1", nov_30), s.atp("S1", dec_1)), (17, 17))

        s.do("transfer_loss", ("S1", 3), transfer="T1")
        s.cell("S1", 5, on_hand=17, in_transit=2, incoming=2)
        self.assertEqual(s.atp("S1", dec_1), 14)

        answer = s.do("transfer_in", ("S1", 4), transfer="T1")
        self.assertEqual([row["units"] for row in answer["transit"]], [0])
        s.cell("S1", 7, on_hand=21, available=21, in_transit=0, incoming=0, outgoing=5)
        self.assertEqual(self.transfer(), ("closed", "DC", "S1", None, []))
        self.assertEqual(s.atp("S1", dec_1), 16)
        events = s.told("receive 200 DC", "receive 2 S1", "transfer_out 20 DC", "transfer_out 20 S1", "expect 5 S1",
                        "transfer_in 15 S1", "transfer_loss 3 S1", "transfer_in 4 S1", "discrepancy 2 S1")
        self.assertEqual([event["transit"] for event in events if "transit" in event],
                         [{"units": 20, "delta": 20}, {"units": 5, "delta": -15}, {"units": 2, "delta": -3},
                          {"units": 0, "delta": -2}])

        accounts = self.accounts()
        self.assertEqual(accounts, {"@supplier": -202, "@customer": 0, "@loss": 3, "@found": -2})
        self.assertEqual(180 + 21 + sum(accounts.values()), 0)


if __name__ == "__main__":
    unittest.main()
