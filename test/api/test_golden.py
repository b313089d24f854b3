"""
Goal: what a version has written, every later one reads, and understands the same.
Method: journals of each behaviour level of each format (test/golden) are verified by this build, and by a second one of
another compiler with other flags: state hash and counts are those written down. A server started on each tells every event as
written down, and what it has written behind them is sound.
"""
import json
import os
import sys
import unittest

import server
from server import FolderCase

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import golden  # noqa: E402

BIN2 = os.environ.get("ONHAND_BIN2")


class Golden(FolderCase):
    def own(self, name):
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        return folder

    def test_there_is_one_of_this_version(self):
        self.assertIn(golden.newest(), golden.names())
        self.assertIn(golden.newest() + "-retained", golden.names())
        self.assertIn("format-1-level-1", golden.names())
        for name in golden.names():
            data = os.path.join(self.own(name), "data")
            golden.unpack(name, data)
            self.assertEqual("format-%d-level-%d" % golden.level(data), name.replace("-retained", ""))

    def test_each_says_what_it_said(self):
        for name in golden.names():
            with self.subTest(name):
                self.says(name)

    def says(self, name):
        folder = self.own(name)
        report, told = golden.expected(name)
        found, events = golden.look(name, folder)
        self.assertEqual({field: found[field] for field in report}, report)
        for got, wanted in zip(events.splitlines(), told.splitlines()):
            self.assertEqual(got, wanted)
        self.assertEqual(events, told)
        self.assertEqual(json.loads(told.splitlines()[-1])["seq"], report["last_seq"])
        after = server.verify(os.path.join(folder, "data"))
        self.assertGreaterEqual(after["last_seq"], report["last_seq"])
        self.assertEqual(after["torn_bytes"], 0)

    @unittest.skipUnless(BIN2, "ONHAND_BIN2 names no second build")
    def test_another_build_says_the_same(self):
        for name in golden.names():
            data = os.path.join(self.own(name), "data")
            golden.unpack(name, data)
            found, report = server.verify(data, BIN2), golden.expected(name)[0]
            self.assertEqual({field: found[field] for field in report}, report)


if __name__ == "__main__":
    unittest.main()
