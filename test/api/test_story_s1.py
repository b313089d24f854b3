#!/usr/bin/env python3
"""
Goal: story S1 of the contract (claims, at LON), every number of it.
Method: the story's commands over HTTP, one after the other; after each the answer, the cell and the hold are compared.
"""
import unittest

from server import ServerCase

ITEM, PLACE = "85123A", "LON"


class StoryS1(ServerCase):
    def command(self, kind, number, **more):
        return self.server.send(kind=kind, source="shop", id="c%d" % number, **more)

    def expect_cell(self, version, **figures):
        cell = self.server.cell(ITEM, PLACE)
        self.assertEqual({name: cell[name] for name in figures}, figures)
        self.assertEqual(cell["version"], version)

    def test_every_number_of_the_story(self):
        line = {"item": ITEM, "location": PLACE}
        answer = self.command("receive", 1, **line, quantity=10)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json()["figures"],
                         [{**line, "on_hand": 10, "reserved": 0, "available": 10, "version": 1}])
        self.expect_cell(1, on_hand=10, held=0, committed=0, reserved=0, available=10, oversold=0)

        answer = self.command("hold", 2, hold="H0", lines=[{**line, "quantity": 6}, {**line, "quantity": 6}])
        self.assertEqual(answer.status, 409)
        self.assertEqual(answer.head["content-type"], "application/problem+json")
        self.assertEqual(answer.json()["code"], "insufficient_stock")
        self.assertEqual(answer.json()["cells"], [{**line, "asked": 12, "free": 10}])
        self.expect_cell(1, on_hand=10, held=0, available=10)
        self.assertEqual(self.server.get("/v1/holds/H0").status, 404)

        answer = self.command("hold", 3, hold="H1", lines=[{**line, "quantity": 4}, {**line, "quantity": 3}])
        self.assertEqual(answer.status, 200)
        granted = answer.json()["granted"]
        self.assertEqual({(row["item"], row["location"]) for row in granted}, {(ITEM, PLACE)})
        self.assertEqual(sum(row["granted"] for row in granted), 7)
        self.expect_cell(2, on_hand=10, held=7, committed=0, reserved=7, available=3)

        self.assertEqual(self.command("commit", 4, hold="H1", lines=[{**line, "quantity": 5}]).status, 200)
        self.expect_cell(3, on_hand=10, held=2, committed=5, reserved=7, available=3)

        ship = {"hold": "H1", "lines": [{**line, "quantity": 3}]}
        answer = self.command("ship", 5, **ship)
        self.assertEqual(answer.status, 200)
        self.assertFalse(answer.json()["replayed"])
        self.expect_cell(4, on_hand=7, committed=2, held=2, reserved=4, available=3)
        again = self.command("ship", 5, **ship)
        self.assertEqual(again.status, 200)
        self.assertTrue(again.json()["replayed"])
        self.assertEqual(again.json()["position"], answer.json()["position"])
        self.expect_cell(4, on_hand=7, committed=2, held=2, reserved=4, available=3)

        self.assertEqual(self.command("release", 6, hold="H1").status, 200)
        self.expect_cell(5, on_hand=7, held=0, committed=0, reserved=0, available=7)
        hold = self.server.get("/v1/holds/H1").json()
        self.assertEqual([(row["granted"], row["held"], row["committed"], row["consumed"], row["released"])
                          for row in hold["lines"]], [(7, 0, 0, 3, 4)])

        answer = self.command("release", 7, hold="H1")
        self.assertEqual(answer.status, 409)
        problem = answer.json()
        self.assertEqual((problem["code"], problem["consumed"], problem["released"]), ("hold_ended", 3, 4))
        self.expect_cell(5, on_hand=7, available=7)


if __name__ == "__main__":
    unittest.main()
