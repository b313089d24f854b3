#!/usr/bin/env python3
"""
Goal: the rules of claims, channels, transfers and expectations as a shop, a warehouse and a marketplace meet them.
Method: short stories with their numbers in the text, told over HTTP. After each command the answer, the cell (figures and
version), the claim and the feed are compared; a refusal must leave everything as it was. story.py has the words.

OH = on_hand, v = version of the cell, a short cell is (location, asked, free). Events read `type quantity location hold`.
"""
import time
import unittest

from story import Story, Storyteller, day, instant
from server import FolderCase, verify
from test_feed import EventStream


class Claims(Story):
    def test_two_lines_on_one_item_in_one_order(self):
        """
        DC has 10. An order of 6 + 6 of the same item is 12: refused, though each line alone would do. So is a guarded
        sale of 6 + 6. 6 + 4 is exactly 10: granted as one; amended to 3 + 4 it is 7, shipped as 3 + 4 it is gone.
        """
        s = self.s
        s.do("receive", ("DC", 10))
        s.no("insufficient_stock", "hold", ("DC", 6), ("DC", 6), hold="O1", cells=[("DC", 12, 10)])
        s.no("insufficient_stock", "commit", ("DC", 6), ("DC", 6), hold="O1", cells=[("DC", 12, 10)])
        s.no("insufficient_stock", "sale", ("DC", 6), ("DC", 6), guard=True, cells=[("DC", 12, 10)])
        answer = s.do("commit", ("DC", 6), ("DC", 4), hold="O1")
        self.assertEqual([(row["reserved"], row["available"], row["version"]) for row in answer["figures"]], [(10, 0, 3)])
        s.cell("DC", 3, on_hand=10, committed=10, available=0)  # v2 commit, v3 out of stock
        s.told("receive 10 DC", "commit 10 DC O1", "out_of_stock 0 DC")
        self.assertEqual(s.do("amend", ("DC", 3), ("DC", 4), hold="O1")["granted"][0]["granted"], 7)
        s.no("exceeds_claim", "ship", ("DC", 4), ("DC", 4), hold="O1", at="/lines", cells=[("DC", 8, 7)])
        self.assertEqual(s.do("ship", ("DC", 3), ("DC", 4), hold="O1")["state"], "consumed")
        s.hold("O1", "consumed", ("DC", {"granted": 10, "consumed": 7, "released": 3}))
        s.cell("DC", 6, on_hand=3, committed=0, available=3)
        s.told("amend 7 DC O1", "back_in_stock 3 DC", "ship 7 DC O1")

    def test_a_hold_is_not_blocked_by_its_own_holder(self):
        """
        10 in the shop. Anna's cart holds 8; she makes it 9: her 8 are given back first, so 10 are free to her. 11 are too
        many: she is told 10, and keeps her 9. Bob gets no more than 1 and cannot take over her cart's name.
        """
        s = self.s
        s.do("receive", ("S1", 10))
        s.do("hold", ("S1", 8), hold="cart", holder="anna")
        self.assertEqual(s.do("hold", ("S1", 9), hold="cart", holder="anna")["granted"],
                         [{"item": s.own("item"), "location": "S1", "granted": 9}])
        s.cell("S1", 3, held=9, available=1)
        s.no("insufficient_stock", "hold", ("S1", 11), hold="cart", holder="anna", cells=[("S1", 11, 10)])
        s.no("insufficient_stock", "hold", ("S1", 2), hold="other", holder="bob", cells=[("S1", 2, 1)])
        s.no("hold_exists", "hold", ("S1", 1), hold="cart", holder="bob", at="/hold")
        s.do("hold", ("S1", 4), hold="cart", holder="anna")
        s.hold("cart", "held", ("S1", {"granted": 9, "held": 4, "released": 5}))
        s.do("hold", ("S1", 6), hold="other", holder="bob")
        s.cell("S1", 6, held=10, available=0)
        s.told("receive 10 S1", "hold 8 S1 cart", "hold 9 S1 cart", "hold 4 S1 cart", "hold 6 S1 other", "out_of_stock 0 S1")

    def test_partial_or_all_or_nothing(self):
        """
        A has 5, B has 2. All or nothing: 4 at A and 4 at B is refused for B alone (asked 4, free 2). In part: 4 and 2
        are granted and named. What is then left is 1 at A: in part 3 at A and 1 at B gives 1 at A; nothing at all left
        is refused even in part, with both cells.
        """
        s = self.s
        s.do("receive", ("A", 5), ("B", 2))
        s.no("insufficient_stock", "hold", ("A", 4), ("B", 4), hold="H1", cells=[("B", 4, 2)])
        answer = s.do("hold", ("A", 4), ("B", 4), hold="H1", mode="partial")
        self.assertEqual([(row["location"], row["granted"]) for row in answer["granted"]], [("A", 4), ("B", 2)])
        s.cell("B", 3, held=2, available=0)
        answer = s.do("hold", ("A", 3), ("B", 1), hold="H2", mode="partial")
        self.assertEqual([(row["location"], row["granted"]) for row in answer["granted"]], [("A", 1)])
        s.hold("H2", "held", ("A", {"granted": 1, "held": 1}))
        s.no("insufficient_stock", "hold", ("A", 3), ("B", 1), hold="H3", mode="partial", cells=[("A", 3, 0), ("B", 1, 0)])
        s.told("receive 5 A", "receive 2 B", "hold 4 A H1", "hold 2 B H1", "out_of_stock 0 B", "hold 1 A H2",
               "out_of_stock 0 A")

    def test_a_cancel_retried_after_a_shipment(self):
        """
        An order of 5 of 10; 3 are shipped, then the customer cancels: 2 come free (OH 7, available 7). The shop's
        retries change nothing: the same id gets the same answer, a new id is told the order ended, 3 consumed and 2
        released. A retry of the whole cancel as an amendment to 0 is told the same.
        """
        s = self.s
        s.do("receive", ("DC", 10))
        s.do("commit", ("DC", 5), hold="O1")
        s.do("ship", ("DC", 3), hold="O1")
        s.do("release", hold="O1")
        s.cell("DC", 4, on_hand=7, committed=0, available=7)
        s.again()
        s.cell("DC", 4, on_hand=7, committed=0, available=7)
        for kind, lines in (("release", ()), ("release", (("DC", 2),)), ("amend", (("DC", 0),)), ("ship", (("DC", 1),))):
            problem = s.no("hold_ended", kind, *lines, hold="O1", at="/hold")
            self.assertEqual((problem["consumed"], problem["released"]), (3, 2))
        s.told("receive 10 DC", "commit 5 DC O1", "ship 3 DC O1", "release 2 DC O1")

    def test_a_commit_after_expiry_gets_the_goods_again_or_is_refused(self):
        """
        5 in stock. A holds all 5 for 0.2 s and pays late: they are free again, so the commit gets them anew (granted 10
        in all: 5 expired, 5 committed). B holds 5 of 5 elsewhere for 0.2 s; meanwhile C takes 4: B's late commit is
        refused, hold_expired, asked 5, free 1. A commit of 1 of them would do.
        """
        s = self.s
        s.do("receive", ("S1", 5), ("S2", 5))
        s.do("hold", ("S1", 5), hold="A", expires_in=0.2)
        s.do("hold", ("S2", 5), hold="B", expires_in=0.2)
        s.wait_for("expire 5 S2 B")
        s.hold("A", "expired", ("S1", {"granted": 5, "expired": 5}))
        self.assertEqual(s.do("commit", hold="A", paid=True)["state"], "committed")
        s.hold("A", "committed", ("S1", {"granted": 10, "expired": 5, "committed": 5}))
        s.cell("S1", 7, on_hand=5, held=0, committed=5, available=0)
        s.do("commit", ("S2", 4), hold="C")
        s.no("hold_expired", "commit", hold="B", cells=[("S2", 5, 1)])
        s.hold("B", "expired", ("S2", {"granted": 5, "expired": 5}))
        s.do("commit", ("S2", 1), hold="B")
        s.hold("B", "committed", ("S2", {"granted": 6, "expired": 5, "committed": 1}))
        s.do("ship", hold="A")
        s.hold("A", "consumed", ("S1", {"granted": 10, "expired": 5, "consumed": 5}))
        s.cell("S1", 8, on_hand=0, committed=0, available=0)

    def test_an_order_amended_up_and_down_and_never_below_what_was_shipped(self):
        """
        10 in stock, an order of 6. Up to 9: available 1. Up to 11 is 2 more than 9, and 1 is free: refused. 4 are shipped;
        3 in all is below them: refused, below_consumed (asked 3, free 4). With 2 picked, 5 is below 4 + 2: refused. Down
        to 6: committed 2, available 4. Unpicked, down to 4: nothing is open any more, the order has ended, released.
        """
        s = self.s
        s.do("receive", ("DC", 10))
        s.do("commit", ("DC", 6), hold="O1")
        self.assertEqual(s.do("amend", ("DC", 9), hold="O1")["granted"][0]["granted"], 9)
        s.cell("DC", 3, committed=9, available=1)
        s.no("insufficient_stock", "amend", ("DC", 11), hold="O1", cells=[("DC", 2, 1)])
        s.do("ship", ("DC", 4), hold="O1")
        s.no("below_consumed", "amend", ("DC", 3), hold="O1", at="/lines", cells=[("DC", 3, 4)])
        s.do("pick", ("DC", 2), hold="O1")
        s.no("below_consumed", "amend", ("DC", 5), hold="O1", at="/lines", cells=[("DC", 5, 6)])
        s.do("amend", ("DC", 6), hold="O1")
        s.cell("DC", 6, on_hand=6, committed=2, picked=2, available=4)
        s.do("unpick", ("DC", 2), hold="O1")
        self.assertEqual(s.do("amend", ("DC", 4), hold="O1")["state"], "released")
        s.hold("O1", "released", ("DC", {"granted": 9, "consumed": 4, "released": 5}))
        s.cell("DC", 8, on_hand=6, committed=0, picked=0, available=6)
        s.no("hold_ended", "amend", ("DC", 5), hold="O1", at="/hold")
        s.no("unknown_hold", "amend", ("DC", 1), hold="O2", at="/hold")
        s.told("receive 10 DC", "commit 6 DC O1", "amend 9 DC O1", "ship 4 DC O1", "pick 2 DC O1", "amend 6 DC O1",
               "unpick 2 DC O1", "amend 4 DC O1")

    def test_goods_on_a_trolley(self):
        """
        An order of 8 of 10. Picking 9 is refused (asked 9, free 8); 5 are picked, 6 cannot be put back (free 5), 2 are.
        Shipping 4 takes the 3 on the trolley first: picked 0, committed 4. 2 more are picked; cancelling 3 leaves 1
        committed, so 1 of the trolley goes back to its shelf. The rest is shipped: OH 5.
        """
        s = self.s
        s.do("receive", ("DC", 10))
        s.do("commit", ("DC", 8), hold="O1")
        s.no("exceeds_claim", "pick", ("DC", 9), hold="O1", at="/lines", cells=[("DC", 9, 8)])
        s.do("pick", ("DC", 5), hold="O1")
        s.no("exceeds_claim", "pick", ("DC", 4), hold="O1", at="/lines", cells=[("DC", 4, 3)])
        s.no("exceeds_claim", "unpick", ("DC", 6), hold="O1", at="/lines", cells=[("DC", 6, 5)])
        s.do("unpick", ("DC", 2), hold="O1")
        s.cell("DC", 4, on_hand=10, committed=8, picked=3, available=2)
        s.do("ship", ("DC", 4), hold="O1")
        s.cell("DC", 5, on_hand=6, committed=4, picked=0, available=2)
        s.do("pick", ("DC", 2), hold="O1")
        s.do("release", ("DC", 3), hold="O1")
        s.cell("DC", 7, on_hand=6, committed=1, picked=1, available=5)
        s.do("ship", hold="O1")
        s.hold("O1", "consumed", ("DC", {"granted": 8, "consumed": 5, "released": 3}))
        s.cell("DC", 8, on_hand=5, committed=0, picked=0, available=5)

    def test_an_order_moves_to_another_shop(self):
        """
        S1 has 5 and S2 has 1; an order of 3 stands at S1, 1 of them picked. To S2: 3 is more than can move (2 are not
        picked), 2 is more than S2 has free (1). 1 moves: S1 committed 2, S2 committed 1. To where it is: same_location.
        After a receipt of 4 at S2 the other unpicked one follows. Moving is no release: granted stays 3.
        """
        s = self.s
        s.do("receive", ("S1", 5), ("S2", 1))
        s.do("commit", ("S1", 3), hold="O1")
        s.do("pick", ("S1", 1), hold="O1")
        s.no("exceeds_claim", "reassign", ("S1", 3), hold="O1", to="S2", at="/lines", cells=[("S1", 3, 2)])
        s.no("insufficient_stock", "reassign", ("S1", 2), hold="O1", to="S2", cells=[("S2", 2, 1)])
        s.no("same_location", "reassign", ("S1", 1), hold="O1", to="S1", at="/to")
        s.no("unknown_location", "reassign", ("S1", 1), hold="O1", to="nowhere", at="/to")
        s.do("reassign", ("S1", 1), hold="O1", to="S2")
        s.cell("S1", 4, on_hand=5, committed=2, picked=1, available=3)
        s.cell("S2", 3, on_hand=1, committed=1, available=0)
        s.do("receive", ("S2", 4))
        s.do("reassign", ("S1", 1), hold="O1", to="S2")
        s.hold("O1", "committed", ("S1", {"granted": 1, "committed": 1, "picked": 1}), ("S2", {"granted": 2, "committed": 2}))
        events = s.told("receive 5 S1", "receive 1 S2", "commit 3 S1 O1", "pick 1 S1 O1", "reassign 1 S1 O1",
                        "reassign 1 S2 O1", "out_of_stock 0 S2", "receive 4 S2", "back_in_stock 4 S2", "reassign 1 S1 O1",
                        "reassign 1 S2 O1")
        self.assertEqual([(event["location"], event["other_location"], event["delta"]["committed"])
                          for event in events if event["type"] == "reassign"],
                         [("S1", "S2", -1), ("S2", "S1", 1)] * 2)
        s.do("ship", hold="O1")
        s.cell("S1", 6, on_hand=4, committed=0, picked=0, available=4)
        s.cell("S2", 7, on_hand=3, committed=0, available=3)

    def test_an_end_is_pushed_to_a_subscriber_at_once(self):
        """
        4 in stock, a hold of 3 for 0.5 s. A subscriber waits; nobody sends anything. When the time has come it is told:
        expire 3, available 4, from @ledger, at most 1 s after the end that the hold was given; not earlier.
        """
        s = self.s
        s.do("receive", ("S1", 4))
        s.do("hold", ("S1", 3), hold="cart", expires_in=0.5)
        stream = EventStream(self.server, "?after=%s&item=%s/*" % (s.server.position(), s.prefix), timeout=10)
        begin = time.monotonic()
        event = stream.take(1)[0]
        stream.close()
        self.assertLess(time.monotonic() - begin, 1.5)  # 0.5 s and 1 s more
        self.assertEqual((s.words(event), event["source"], event["kind"]), ("expire 3 S1 cart", "@ledger", "expire"))
        self.assertEqual((event["figures"]["available"], event["state"], event["claim"]["expired"]), (4, "expired", 3))
        held = [row for row in s.events() if row["type"] == "hold"][0]
        self.assertGreaterEqual(event["recorded_at"], held["expires_at"])
        s.no("hold_ended", "extend", hold="cart", expires_in=60, at="/hold")

    def test_a_hold_is_extended_and_keeps_its_end_when_partly_committed(self):
        """
        10 in stock, a hold of 6 for 0.4 s, extended to 100 s: it does not expire. 4 are committed: held 2 keeps the end.
        Extended to 0.2 s from now, the 2 expire and the 4 stay: OH 10, committed 4, available 6.
        """
        s = self.s
        s.do("receive", ("DC", 10))
        s.do("hold", ("DC", 6), hold="O1", expires_in=0.4)
        s.do("extend", hold="O1", expires_in=100)
        time.sleep(0.6)
        s.cell("DC", 2, held=6, available=4)
        s.do("commit", ("DC", 4), hold="O1")
        self.assertIsNotNone(s.hold("O1", "held", ("DC", {"granted": 6, "held": 2, "committed": 4}))["expires_at"])
        s.do("extend", hold="O1", expires_in=0.2)
        s.wait_for("expire 2 DC O1")
        self.assertIsNone(s.hold("O1", "committed", ("DC", {"granted": 6, "committed": 4, "expired": 2}))["expires_at"])
        s.cell("DC", 4, on_hand=10, held=0, committed=4, available=6)
        s.no("hold_ended", "extend", hold="O1", expires_in=9, at="/hold")


class Shortage(Story):
    def test_a_marketplace_order_is_a_fact(self):
        """
        2 in stock when the marketplace has sold 5. Asked, a commit of 5 is refused (free 2). Told as a fact it stands:
        committed 5, available -3, oversold 3. A receipt of 4 ends it: available 1, oversold 0. A channel nobody set up
        is only a label on the fact; a request that names it is refused.
        """
        s = self.s
        s.do("receive", ("DC", 2))
        s.no("insufficient_stock", "commit", ("DC", 5), hold="M1", cells=[("DC", 5, 2)])
        s.no("unknown_channel", "commit", ("DC", 1), hold="M1", channel="market", at="/channel")
        s.do("commit", ("DC", 5), hold="M1", guard=False, channel="market", paid=True)
        s.cell("DC", 4, on_hand=2, committed=5, available=-3, oversold=3, backordered=0)
        s.told("receive 2 DC", "commit 5 DC M1", "oversold 3 DC", "out_of_stock -3 DC")
        s.no("insufficient_stock", "ship", hold="M1", cells=[("DC", 5, 2)])
        s.do("receive", ("DC", 4))
        s.cell("DC", 6, on_hand=6, committed=5, available=1, oversold=0)
        self.assertEqual(s.do("ship", hold="M1")["state"], "consumed")
        s.cell("DC", 7, on_hand=1, committed=0, available=1, oversold=0)
        s.told("receive 4 DC", "back_in_stock 1 DC", "ship 5 DC M1")

    def test_backorders_are_covered_oldest_first_in_the_step_that_brings_the_stock(self):
        """
        DC has 5 and may backorder 10. O1 takes the 5; O2 takes 4 and O3 6 without cover: backordered 10, oversold 0. One
        more is refused (free 0), and so is O4 of 1 that does not say backorder. A receipt of 7 covers O2's 4 and 3 of
        O3's 6 before anything else is decided. Of O3 only the covered 3 can be picked or shipped. Another 5 cover the
        last 3: backordered 0, available 2.
        """
        s = self.s
        s.do("receive", ("DC", 5))
        s.do("set_policy", item="item", location="DC", backorder_limit=10)
        s.do("commit", ("DC", 5), hold="O1", backorder=True)
        s.do("commit", ("DC", 4), hold="O2", backorder=True)
        s.do("commit", ("DC", 6), hold="O3", backorder=True)
        s.cell("DC", 6, on_hand=5, committed=15, backordered=10, available=-10, oversold=0, backorder_limit=10)
        s.no("insufficient_stock", "commit", ("DC", 1), hold="O4", backorder=True, cells=[("DC", 1, 0)])
        s.no("insufficient_stock", "commit", ("DC", 1), hold="O4", cells=[("DC", 1, 0)])
        s.told("receive 5 DC", "set_policy 0 DC", "commit 5 DC O1", "out_of_stock 0 DC", "commit 4 DC O2", "commit 6 DC O3")
        s.do("receive", ("DC", 7))
        s.cell("DC", 9, on_hand=12, committed=15, backordered=3, available=-3, oversold=0)
        receipt, *covers = s.told("receive 7 DC", "cover 4 DC O2", "cover 3 DC O3")
        self.assertEqual([event["seq"] for event in covers], [receipt["seq"] + 1, receipt["seq"] + 2])
        self.assertEqual([(event["part"], event["source"], event["delta"]) for event in covers],
                         [([1, 2], "@ledger", {"backordered": -4}), ([2, 2], "@ledger", {"backordered": -3})])
        s.no("exceeds_claim", "pick", ("DC", 4), hold="O3", at="/lines", cells=[("DC", 4, 3)])
        s.no("insufficient_stock", "ship", ("DC", 4), hold="O3", cells=[("DC", 4, 3)])
        s.do("ship", ("DC", 3), hold="O3")
        s.hold("O3", "committed", ("DC", {"granted": 6, "consumed": 3, "committed": 3, "backordered": 3}))
        s.do("receive", ("DC", 5))
        s.hold("O3", "committed", ("DC", {"granted": 6, "consumed": 3, "committed": 3}))
        s.cell("DC", 13, on_hand=14, committed=12, backordered=0, available=2)
        s.told("ship 3 DC O3", "receive 5 DC", "back_in_stock 2 DC", "cover 3 DC O3")

    def test_a_cancelled_order_covers_the_ones_behind_it(self):
        """
        DC has 5 and may backorder 6. O1 takes 5, O2 4 and O3 2 without cover. O2 lowers to 3: an uncovered unit goes, no
        cover comes of it. O1 is cancelled: its 5 cover O2's 3 and O3's 2. Nothing was received.
        """
        s = self.s
        s.do("receive", ("DC", 5))
        s.do("set_policy", item="item", location="DC", backorder_limit=6)
        for name, units in (("O1", 5), ("O2", 4), ("O3", 2)):
            s.do("commit", ("DC", units), hold=name, backorder=True)
        s.do("amend", ("DC", 3), hold="O2")
        s.cell("DC", 7, on_hand=5, committed=10, backordered=5, available=-5, oversold=0)
        s.do("release", hold="O1")
        s.cell("DC", 10, on_hand=5, committed=5, backordered=0, available=0)
        self.assertEqual([s.words(event) for event in s.events()][-4:],
                         ["amend 3 DC O2", "release 5 DC O1", "cover 3 DC O2", "cover 2 DC O3"])
        s.hold("O2", "committed", ("DC", {"granted": 4, "committed": 3, "released": 1}))

    def test_a_waiting_list_is_served_in_its_order(self):
        """
        10 tickets, all held by A. In line: W1 for 4, W2 for 3 with priority 1, W3 for 3. A gives back 5: W2 is first and
        gets 3; of the other 2 neither W1 nor W3 can be served whole. One ticket comes: 3 are free, W1 still cannot, W3
        can. A gives back the other 5: W1 gets 4, 1 is left. W4 waits for 2 for 0.2 s only: its time runs out. Each is
        served in the step that frees the tickets.
        """
        s = self.s
        s.do("receive", ("gate", 10))
        s.do("hold", ("gate", 10), hold="A")
        self.assertEqual(s.do("hold", ("gate", 4), hold="W1", wait=True)["state"], "waiting")
        self.assertEqual(s.do("hold", ("gate", 3), hold="W2", wait=True, priority=1)["granted"],
                         [{"item": s.own("item"), "location": "gate", "granted": 0, "waiting": 3}])
        s.do("hold", ("gate", 3), hold="W3", wait=True)
        s.hold("W1", "waiting", ("gate", {"waiting": 4}))
        s.cell("gate", 6, on_hand=10, held=10, available=0)
        s.no("exceeds_claim", "commit", hold="W1", at="/hold")
        s.told("receive 10 gate", "hold 10 gate A", "out_of_stock 0 gate", "hold 0 gate W1", "hold 0 gate W2", "hold 0 gate W3")
        s.do("release", ("gate", 5), hold="A")
        s.hold("W2", "held", ("gate", {"granted": 3, "held": 3}))
        s.cell("gate", 9, held=8, available=2)
        events = s.told("release 5 gate A", "back_in_stock 5 gate", "hold 3 gate W2")
        self.assertEqual((events[2]["source"], events[2]["seq"]), ("@ledger", events[1]["seq"] + 1))
        s.do("receive", ("gate", 1))
        s.told("receive 1 gate", "hold 3 gate W3", "out_of_stock 0 gate")
        s.do("release", hold="A")
        s.told("release 5 gate A", "back_in_stock 5 gate", "hold 4 gate W1")
        s.cell("gate", 15, on_hand=11, held=10, available=1)
        s.do("hold", ("gate", 2), hold="W4", wait=True, expires_in=0.2)
        s.wait_for("expire 2 gate W4")
        s.hold("W4", "expired", ("gate", {}))
        s.do("receive", ("gate", 5))
        s.told("hold 0 gate W4", "expire 2 gate W4", "receive 5 gate")
        s.do("commit", hold="W1")
        s.hold("W1", "committed", ("gate", {"granted": 4, "committed": 4}))

    def test_waiting_for_the_rest(self):
        """
        A has 2, B none. In part and waiting: 5 at A and 1 at B gets 2 and waits for 3 and 1. 1 comes to B: it is given
        at once; 2 to A: 2 more, waiting for 1. Released, the claim has nothing: a receipt of 9 goes to nobody.
        """
        s = self.s
        s.do("receive", ("A", 2), ("B", 1))
        s.do("sale", ("B", 1))
        answer = s.do("hold", ("A", 5), ("B", 1), hold="W", mode="partial", wait=True)
        self.assertEqual([(row["location"], row["granted"], row["waiting"]) for row in answer["granted"]],
                         [("A", 2, 3), ("B", 0, 1)])
        s.do("receive", ("B", 1))
        s.do("receive", ("A", 2))
        s.hold("W", "held", ("A", {"granted": 4, "held": 4, "waiting": 1}), ("B", {"granted": 1, "held": 1}))
        self.assertEqual([s.words(event) for event in s.events()][-8:],
                         ["receive 1 B", "back_in_stock 1 B", "hold 1 B W", "out_of_stock 0 B",
                          "receive 2 A", "back_in_stock 2 A", "hold 2 A W", "out_of_stock 0 A"])
        s.do("release", hold="W")
        s.hold("W", "released", ("A", {"granted": 4, "released": 4}), ("B", {"granted": 1, "released": 1}))
        s.do("receive", ("A", 9))
        s.cell("A", 10, on_hand=13, held=0, available=13)


class Sourcing(Story):
    def free_of(self, answer):
        return [(row["location"], row["granted"], self.s.short(row["item"])) for row in answer["granted"]]

    def test_by_priority(self):
        """
        DC has 3, S1 10, S2 6. 8 from DC, S1, S2 in this order: 3 and 5. Without a list, a channel's locations: S2, then
        DC; 7 of them is S2 6, and DC has none: in part 6. Nothing named at all: every place of the item, the oldest
        first, which leaves 5 at S1; 6 are refused with no_source: asked 6, free 5, of no one location.
        """
        s = self.s
        s.do("receive", ("DC", 3))
        s.do("receive", ("S1", 10))
        s.do("receive", ("S2", 6))
        s.do("set_channel", channel="web", locations=["S2", "DC"])
        answer = s.do("hold", (None, 8), hold="H1", sourcing={"locations": ["DC", "S1", "S2"], "rule": "priority"})
        self.assertEqual(self.free_of(answer), [("DC", 3, "item"), ("S1", 5, "item")])
        s.no("no_source", "hold", (None, 7), hold="H2", channel="web", cells=[(None, 7, 6)])
        answer = s.do("hold", (None, 7), hold="H2", channel="web", mode="partial")
        self.assertEqual(self.free_of(answer), [("S2", 6, "item")])
        s.no("no_source", "hold", (None, 6), hold="H3", cells=[(None, 6, 5)])
        s.no("unknown_location", "hold", (None, 1), hold="H3", sourcing={"locations": ["Mars"]}, at="/sourcing/locations")
        self.assertEqual(self.free_of(s.do("hold", (None, 5), hold="H3")), [("S1", 5, "item")])
        s.hold("H1", "held", ("DC", {"granted": 3, "held": 3}), ("S1", {"granted": 5, "held": 5}))
        s.cell("S1", 4, on_hand=10, held=10, available=0)

    def test_from_where_most_is(self):
        """
        DC has 3, S1 10, S2 6. 8 from where most is: all from S1. 8 more: S2 6 (most now), then DC has 3, S1 2: 2 of DC.
        """
        s = self.s
        s.do("receive", ("DC", 3), ("S1", 10), ("S2", 6))
        rule = {"locations": ["DC", "S1", "S2"], "rule": "most_stock"}
        self.assertEqual(self.free_of(s.do("hold", (None, 8), hold="H1", sourcing=rule)), [("S1", 8, "item")])
        self.assertEqual(self.free_of(s.do("hold", (None, 8), hold="H2", sourcing=rule)), [("S2", 6, "item"), ("DC", 2, "item")])
        s.cell("DC", 2, held=2, available=1)

    def test_in_as_few_parcels_as_can_be(self):
        """
        Shoes: DC 5, S1 2, S2 4. Laces: DC 0, S1 3, S2 3. 3 shoes and 3 laces: only S2 has both, one parcel. Then 5 shoes
        and 2 laces: no place has all; DC covers 5 (its shoes), S1 the 2 laces: two parcels. By priority the first order
        would have come from DC and S1. What is left is 3 shoes and 1 lace: of 4 shoes and 1 lace the shoes are short.
        """
        s = self.s
        s.do("receive", ("DC", 5, "shoe"), ("S1", 2, "shoe"), ("S2", 4, "shoe"), ("S1", 3, "lace"), ("S2", 3, "lace"))
        sourcing = {"locations": ["DC", "S1", "S2"], "rule": "fewest_splits"}
        order = ((None, 3, "shoe"), (None, 3, "lace"))
        dry = s.server.send(**s.command("hold", *order, hold="H1", dry_run=True,
                                        sourcing={**sourcing, "rule": "priority"})).json()
        self.assertEqual(self.free_of(dry), [("DC", 3, "shoe"), ("S1", 3, "lace")])
        self.assertEqual(self.free_of(s.do("hold", *order, hold="H1", sourcing=sourcing)), [("S2", 3, "shoe"), ("S2", 3, "lace")])
        answer = s.do("hold", (None, 5, "shoe"), (None, 2, "lace"), hold="H2", sourcing=sourcing)
        self.assertEqual(self.free_of(answer), [("DC", 5, "shoe"), ("S1", 2, "lace")])
        s.no("no_source", "hold", (None, 4, "shoe"), (None, 1, "lace"), hold="H3", sourcing=sourcing,
             cells=[(None, 4, 3, "shoe")])

    def test_the_rest_is_backordered_or_waits(self):
        """
        A has 2, B has 3 and may backorder 4. 8 with backorder: 2 from A, 3 from B, and 3 of B's 4 to come. 5 that wait
        stand in line at A, the first place, as a whole: a receipt of 4 at A is not enough, one more is.
        """
        s = self.s
        s.do("receive", ("A", 2), ("B", 3))
        s.do("set_policy", item="item", location="B", backorder_limit=4)
        sourcing = {"locations": ["A", "B"]}
        answer = s.do("hold", (None, 8), hold="H1", sourcing=sourcing, backorder=True)
        self.assertEqual(self.free_of(answer), [("A", 2, "item"), ("B", 6, "item")])
        s.hold("H1", "held", ("A", {"granted": 2, "held": 2}), ("B", {"granted": 6, "held": 6, "backordered": 3}))
        self.assertEqual(s.do("hold", (None, 5), hold="H2", sourcing=sourcing, wait=True)["state"], "waiting")
        s.hold("H2", "waiting", ("A", {"waiting": 5}))
        s.do("receive", ("A", 4))
        s.hold("H2", "waiting", ("A", {"waiting": 5}))
        s.do("receive", ("A", 1))
        s.hold("H2", "held", ("A", {"granted": 5, "held": 5}))


class Channels(Story):
    def test_quotas_under_a_shrinking_pool(self):
        """
        DC 100; set apart: web 40 (first), amz 30, shop 20 (last). Everybody shares the rest of 10: web may have 50, amz
        40, shop 30, a caller without a channel 10. A count takes 45: the pool of 55 is cut by priority: web 40, amz 15,
        shop 0, no rest. web holds 40 (quota 0), amz 15 (15 of its 30 left); the pool is empty. web lets go: its 40 are
        back, nobody else's. 45 are found again: web 40, amz 15, shop 20, a rest of 10 for all.
        """
        s = self.s
        s.do("receive", ("DC", 100))
        for channel, priority, units in (("web", 1, 40), ("amz", 2, 30), ("shop", None, 20)):
            s.do("set_channel", channel=channel, locations=["DC"], **({"priority": priority} if priority else {"buffer": 0}))
            s.do("allocate", channel=channel, item="item", location="DC", to=units)
        
        def free():
            return [s.free("DC", channel) for channel in ("web", "amz", "shop", None)]

        self.assertEqual(free(), [50, 40, 30, 10])
        s.do("adjust", ("DC", -45), reason="water")
        s.cell("DC", 5, on_hand=55, available=55)
        self.assertEqual(free(), [40, 15, 0, 0])
        s.no("insufficient_stock", "hold", ("DC", 16), hold="A", channel="amz", cells=[("DC", 16, 15)])
        s.no("insufficient_stock", "sale", ("DC", 1), guard=True, cells=[("DC", 1, 0)])
        s.do("hold", ("DC", 40), hold="W", channel="web")
        s.do("hold", ("DC", 15), hold="A", channel="amz")
        self.assertEqual((s.quota("DC", "web"), s.quota("DC", "amz"), s.quota("DC", "shop")), (0, 15, 20))
        self.assertEqual(free(), [0, 0, 0, 0])
        s.do("release", hold="W")
        self.assertEqual((s.quota("DC", "web"), free()), (40, [40, 0, 0, 0]))
        s.do("adjust", ("DC", 45), reason="found dry")
        self.assertEqual(free(), [50, 25, 30, 10])
        s.no("negative_quota", "allocate", channel="amz", item="item", location="DC", add=-16, at="/add",
             cells=[("DC", 16, 15)])
        s.do("allocate", channel="amz", item="item", location="DC", add=-15)
        self.assertEqual(free(), [65, 25, 45, 25])

    def test_quota_is_given_back_once(self):
        """
        DC 20, web has a quota of 10. An order of 8 through web leaves 2. 3 are shipped: they had used quota, it is gone.
        Cancelled, 5 come back: 7, not 10. Again, under another id: hold_ended, still 7. A second order of 12 takes the
        7 and 5 of the rest; given back in two steps, 6 and 6, the quota gets 6 and 1: 7 again, never 12.
        """
        s = self.s
        s.do("receive", ("DC", 20))
        s.do("set_channel", channel="web", locations=["DC"], priority=1)
        s.do("allocate", channel="web", item="item", location="DC", to=10)
        s.do("commit", ("DC", 8), hold="O1", channel="web")
        self.assertEqual(s.quota("DC", "web"), 2)
        s.do("ship", ("DC", 3), hold="O1")
        self.assertEqual(s.quota("DC", "web"), 2)
        s.do("release", hold="O1")
        self.assertEqual(s.quota("DC", "web"), 7)
        s.no("hold_ended", "release", hold="O1", at="/hold")
        self.assertEqual((s.quota("DC", "web"), s.free("DC"), s.free("DC", "web")), (7, 10, 17))
        s.do("hold", ("DC", 12), hold="O2", channel="web")
        self.assertEqual((s.quota("DC", "web"), s.free("DC")), (0, 5))
        s.do("release", ("DC", 6), hold="O2")
        self.assertEqual((s.quota("DC", "web"), s.free("DC")), (6, 5))
        s.do("release", hold="O2")
        self.assertEqual((s.quota("DC", "web"), s.free("DC"), s.free("DC", "web")), (7, 10, 17))
        s.do("sale", ("DC", 9), channel="web")
        self.assertEqual((s.quota("DC", "web"), s.free("DC"), s.free("DC", "web")), (0, 8, 8))

    def test_two_channels_share_one_location(self):
        """
        DC 10, both web and amz sell from it without quotas. web holds 7: amz can have 3, and not the 10 it had seen;
        4 are refused (free 3). amz takes 3; web's cart runs to 7, no further. web's cart ends: amz can have 7. With
        safety stock 4: 3, whoever asks, and a caller without a channel too.
        """
        s = self.s
        s.do("receive", ("DC", 10))
        for channel in ("web", "amz"):
            s.do("set_channel", channel=channel, locations=["DC"])
        self.assertEqual((s.free("DC", "web"), s.free("DC", "amz")), (10, 10))
        s.do("hold", ("DC", 7), hold="W", channel="web")
        s.no("insufficient_stock", "hold", ("DC", 4), hold="A", channel="amz", cells=[("DC", 4, 3)])
        s.do("hold", ("DC", 3), hold="A", channel="amz")
        s.no("insufficient_stock", "hold", ("DC", 8), hold="W", cells=[("DC", 8, 7)])
        s.do("release", hold="W")
        self.assertEqual((s.free("DC", "web"), s.free("DC", "amz"), s.free("DC")), (7, 7, 7))
        s.do("set_policy", item="item", location="DC", safety_stock=4)
        self.assertEqual((s.free("DC", "web"), s.free("DC", "amz"), s.free("DC")), (3, 3, 3))
        s.no("insufficient_stock", "commit", ("DC", 4), hold="A2", channel="amz", cells=[("DC", 4, 3)])
        s.cell("DC", 7, on_hand=10, held=3, available=7, safety_stock=4)  # v4 out of stock, v6 back in stock

    def test_buffer_and_cap_limit_what_is_shown_and_not_what_is_granted(self):
        """
        DC 10 and S1 6; web keeps back 3 and shows at most 8; the item itself in web: keeps back 12. A hold of 10 at DC
        through web is granted all the same: it is stock that is granted, not a shop window.
        """
        s = self.s
        s.do("receive", ("DC", 10), ("S1", 6))
        s.do("set_channel", channel="web", locations=["DC", "S1"], buffer=3, cap=8)
        s.do("set_channel", channel="web", item="item", buffer=12)
        self.assertEqual((s.free("DC", "web"), s.free("S1", "web")), (10, 6))
        s.do("hold", ("DC", 10), hold="W", channel="web")
        s.no("insufficient_stock", "hold", ("S1", 7), hold="W2", channel="web", cells=[("S1", 7, 6)])
        s.cell("DC", 3, held=10, available=0)

    def test_a_channel_that_does_not_share_the_rest(self):
        """
        DC 10, outlet has a quota of 2 and no share in the rest: it may have 2, then none, though 8 are free to others.
        """
        s = self.s
        s.do("receive", ("DC", 10))
        s.do("set_channel", channel="outlet", locations=["DC"], shares_rest=False)
        s.do("allocate", channel="outlet", item="item", location="DC", to=2)
        self.assertEqual((s.free("DC", "outlet"), s.free("DC")), (2, 8))
        s.no("insufficient_stock", "hold", ("DC", 3), hold="H", channel="outlet", cells=[("DC", 3, 2)])
        s.do("commit", ("DC", 2), hold="H", channel="outlet")
        self.assertEqual((s.free("DC", "outlet"), s.free("DC")), (0, 8))

    def test_a_location_is_not_taken_from_a_channel_while_claims_stand_on_it(self):
        """
        web sells from DC and S1. W1 holds 2 at DC, W2 has committed 1 at DC, W3 holds 1 at S1. Taking DC away is refused,
        claims_open, and names W1 and W2, not W3. W1 is released, W2 moved to S1: now it goes.
        """
        s = self.s
        s.do("receive", ("DC", 5), ("S1", 5))
        s.do("set_channel", channel="web", locations=["DC", "S1"])
        s.do("hold", ("DC", 2), hold="W1", channel="web")
        s.do("commit", ("DC", 1), hold="W2", channel="web")
        s.do("hold", ("S1", 1), hold="W3", channel="web")
        problem = s.no("claims_open", "set_channel", channel="web", locations=["S1"], at="/locations")
        self.assertEqual((problem["claims"], problem["claims_total"]), ([s.own("W1"), s.own("W2")], 2))
        s.do("release", hold="W1")
        s.do("reassign", ("DC", 1), hold="W2", to="S1")
        s.do("set_channel", channel="web", locations=["S1"])
        s.cell("S1", 3, held=1, committed=1, available=3)


if __name__ == "__main__":
    unittest.main()
