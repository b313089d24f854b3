"""
The limits of the tables: what one start allows, another command must be able to read, and none stops the program.
"""
import unittest

from server import FolderCase, Server, verify


class Limits(FolderCase):
    def test_what_was_written_with_higher_limits_is_verified(self):
        """More locations than a start without options allows."""
        server = self.start("--locations-max", "100000")
        count = 66
        for n in range(count):
            lines = [{"item": "A", "location": "%d-%d" % (n, k), "quantity": 1} for k in range(1000)]
            self.assertEqual(server.send(kind="receive", source="s", id=str(n), lines=lines).status, 200)
        server.stop()
        self.assertEqual(verify(server.data)["locations"], 1000 * count)

    def test_each_limit_can_be_the_largest_that_is_allowed(self):
        """And the next one is refused by name, before anything is created."""
        largest = {"items": 1 << 30, "cells": 1 << 30, "holds": 39000000, "hold-lines": 1 << 30, "transfers": 100000000,
                   "expectations": 100000000, "document-lines": 1 << 30, "locations": 1 << 24,
                   "sources": 1 << 24}
        server = self.start(*[word for name, most in largest.items() for word in ("--%s-max" % name, str(most))])
        self.assertEqual(server.send(kind="receive", source="s", id="1", item="A", location="L", quantity=1).status, 200)
        server.stop()
        for name, most in largest.items():
            server = Server(self.folder, ["--%s-max" % name, str(most + 1)], start=False)
            with self.assertRaisesRegex(AssertionError, "--%s-max is %d" % (name, most + 1)):
                server.start()


if __name__ == "__main__":
    unittest.main()
