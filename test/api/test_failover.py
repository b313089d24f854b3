#!/usr/bin/env python3
"""
Goal: a promotion says what it did: `fenced` only when all that the former primary acknowledged is here; and what stands in its way is
told before the primary is told to take nothing in any more.
Method: pairs of servers whose histories have parted, that listen on other addresses, that cannot begin an epoch.
"""
import os
import re
import socket
import subprocess
import unittest

from server import BIN, FolderCase, receive, until
from standby import Standby, promote

TIER = "check"


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

    def test_by_an_address_of_ipv6(self):
        if not socket.has_ipv6:
            self.skipTest("no IPv6")
        with open(self.folder + "/log6", "wb") as log:
            process = subprocess.Popen([BIN, "follow", "http://127.0.0.1:%d" % self.a.port, "--data", self.folder + "/b", "--listen",
                                        "[::1]:0", "--segment-mib", "16"], stdout=subprocess.PIPE, stderr=log)
        try:
            address = re.search(rb"http://\S+", process.stdout.readline()).group().decode()
            done = subprocess.run([BIN, "promote", address, "--json"], capture_output=True, timeout=60, check=False)
            self.assertIn(b'"fenced":true', done.stdout)
            answer = self.a.send(**receive(2, "A")).json()
            self.assertEqual(answer["code"], "fenced")
            self.assertIn(address, answer["detail"])
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


if __name__ == "__main__":
    unittest.main()
