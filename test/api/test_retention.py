#!/usr/bin/env python3
"""
Goal: a server that drops old parts of its journal is right about all that is left, says of the rest that it is gone, and can have it
again from the archive. Method: load with small segments and checkpoints; a size that is kept to, an archive command that copies, fails
and hangs; stops and kills; the same questions before and after; the archive put back.
"""
import os
import shutil
import subprocess
import time
import unittest

from server import BIN, FolderCase, receive, until, verify
from standby import Standby

TIER = "check"
SMALL = ("--segment-mib", "8", "--checkpoint-mib", "9", "--id-window", "60", "--raw-segments", "0")
LINES = 30000
ROUNDS = 16


def segments(folder):
    return sorted(name for name in os.listdir(folder) if name.endswith(".journal"))


def line(turn, n):
    return receive("%d-%d-%s" % (turn, n, "x" * 80), item="i%d" % (n % 500), location="p%d" % (n % 7))


class Retention(FolderCase):
    def fill(self, server, rounds, first=0):
        for n in range(first, first + rounds):
            lines = [line(n, i) for i in range(LINES)]
            summary = server.stream(lines, "?answers=errors").lines()[-1]["summary"]
            self.assertEqual(summary["accepted"], LINES)

    def fill_until(self, server, condition, problem, first=0):
        """Checkpoints are made behind what is written: more of it until there are enough of them."""
        for n in range(first, first + 60):
            if condition():
                return n
            self.fill(server, 1, n)
            time.sleep(0.3)
        raise AssertionError(problem + ": " + server.log()[-2000:])

    def fill_until_dropped(self, server, rounds):
        """At least so many rounds. Returns how many it were."""
        self.fill(server, rounds)
        return self.fill_until(server, lambda: server.metric("onhand_journal_dropped_total") >= 2, "nothing is dropped", rounds)

    def refused(self, words, *options):
        done = subprocess.run([BIN, "serve", "--data", os.path.join(self.folder, "none"), *options], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(words, done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "none")))

    def test_options_that_do_not_go_together(self):
        self.refused("--history-days 9 is more than --retain-days 8", "--retain-days", "8", "--history-days", "9")
        self.refused("--checkpoint-mib must not be 0", "--retain-mib", "8", "--checkpoint-mib", "0")
        self.refused("--archive-command goes with", "--archive-command", "true")
        self.refused("--history-days goes with", "--history-days", "1")
        self.refused("--archive-command is empty", "--retain-mib", "8", "--archive-command", "")
        self.refused("--retain-days is 40000, but must be 0 to 36500", "--retain-days", "40000")

    def test_the_oldest_go_and_come_back(self):
        away = os.path.join(self.folder, "away")
        os.mkdir(away)
        server = self.start(*SMALL, "--id-window", "1", "--retain-mib", "30", "--history-days", "0", "--archive-command",
                            'cp "$ONHAND_SEGMENT" "%s/$ONHAND_SEGMENT_NAME"' % away)
        rounds = self.fill_until_dropped(server, ROUNDS)
        time.sleep(1)
        server.wait_for_ends()
        oldest = int(server.metric("onhand_journal_oldest_seq"))
        self.assertGreater(oldest, LINES)
        gone = server.get("/v1/feed?after=1-5&limit=3")
        self.assertEqual((gone.status, gone.json()["code"]), (410, "feed_expired"))
        self.assertEqual(gone.json()["field"], "1-%d" % oldest)
        first = server.get("/v1/feed?limit=3").json()["events"]
        self.assertEqual(first[0]["position"], "1-%d" % oldest)
        self.assertEqual(server.get("/v1/feed?after=1-%d&limit=3" % (oldest - 1)).json()["events"], first)
        kept = segments(server.data)
        self.assertEqual(int(kept[0][:20]), oldest)
        self.assertTrue(os.path.exists(os.path.join(server.data, "kept.beginning")))
        before = server.figures()[0], [server.get("/v1/stock/i%d" % n).body for n in range(9)]
        position = server.position()
        server.stop()
        state = verify(server.data)
        self.assertEqual(state["last_seq"], int(position.split("-")[1]))

        server.start()
        self.assertEqual((server.figures()[0], [server.get("/v1/stock/i%d" % n).body for n in range(9)]), before)
        self.fill(server, 2, rounds)
        server.kill()
        server.start()
        before = server.figures()[0]
        server.stop()
        state = verify(server.data)["state_hash"]

        # Each that is gone is in the archive, as it was; together they are the whole journal again.
        lost = [name for name in segments(away) if name not in segments(server.data)]
        self.assertEqual(lost[0], "%020d.journal" % 1)
        whole = os.path.join(self.folder, "whole")
        shutil.copytree(server.data, whole)
        for name in lost:
            shutil.copy(os.path.join(away, name), whole)
        os.remove(os.path.join(whole, "kept.beginning"))
        again = verify(whole)
        self.assertEqual(again["state_hash"], state)
        self.assertGreater(again["segments"], verify(server.data)["segments"])

        # What is missing is not taken for what was dropped.
        os.remove(os.path.join(server.data, "kept.beginning"))
        done = subprocess.run([BIN, "serve", "--data", server.data], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 4)
        self.assertIn("the first segment is missing", done.stderr)

    def dropped(self):
        server = self.start(*SMALL, "--id-window", "1", "--retain-mib", "20", "--history-days", "0")
        self.rounds = self.fill_until_dropped(server, ROUNDS)
        server.wait_for_ends()
        oldest = 0
        while server.metric("onhand_journal_oldest_seq") != oldest:  # who begins to copy is not overtaken
            oldest = int(server.metric("onhand_journal_oldest_seq"))
            time.sleep(3)
        return server

    def run_cli(self, *arguments, code=0):
        done = subprocess.run([BIN, *arguments], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_copies_of_what_is_left(self):
        server = self.dropped()
        folder = os.path.join(self.folder, "copies")
        os.mkdir(folder)
        backup, stream, offline = (os.path.join(folder, name) for name in ("backup", "stream.onhand", "offline"))
        url = "http://127.0.0.1:%d" % server.port
        self.run_cli("backup", url, "--to", backup)
        oldest = int(segments(backup)[0][:20])
        self.assertGreater(oldest, LINES)
        self.run_cli("backup", url, "--to", stream)
        self.fill(server, 1, self.rounds)
        server.wait_for_ends()
        middle = server.position()
        self.run_cli("backup", url, "--to", backup)  # goes on
        self.fill(server, 1, self.rounds + 1)
        server.wait_for_ends()
        figures, state = server.figures()[0], None
        server.stop()
        state = verify(server.data)["state_hash"]
        self.run_cli("backup", server.data, "--to", offline)
        self.assertEqual(verify(offline)["state_hash"], state)
        self.run_cli("backup", server.data, "--to", backup)
        self.assertEqual(verify(backup)["state_hash"], state)

        # Restored: as a whole, up to a position, from a stream; not to before what stands for the beginning.
        for source, target, more in ((backup, "whole", ()), (backup, "middle", ("--to-position", middle)), (stream, "early", ())):
            to = os.path.join(folder, target)
            told = self.run_cli("restore", source, "--to", to, *more)
            self.assertIn(verify(to)["state_hash"], told)
            self.assertEqual(int(segments(to)[0][:20]) > 1, True)
        again = self.start(folder=folder, start=False)
        again.data = os.path.join(folder, "whole")
        again.start()
        self.assertEqual(again.figures()[0], figures)
        self.assertEqual(again.get("/v1/feed?after=1-7").json()["code"], "feed_expired")
        again.stop()
        refused = self.run_cli("restore", backup, "--to", os.path.join(folder, "none"), "--to-position", "1-%d" % (oldest + 5), code=1)
        self.assertIn("no longer has its beginning: it can be restored to 1-", refused)
        self.assertFalse(os.path.exists(os.path.join(folder, "none")))

    def test_a_standby_of_what_is_left(self):
        server = self.dropped()
        folder = os.path.join(self.folder, "standby")
        os.mkdir(folder)
        standby = Standby(folder, server, ("--segment-mib", "8"))
        standby.wait_for(server.position())
        self.assertEqual(standby.figures()[0], server.figures()[0])
        self.fill(server, 1, self.rounds)
        server.wait_for_ends()
        standby.wait_for(server.position())
        self.assertEqual(standby.figures()[0], server.figures()[0])
        standby.kill()
        standby.start()
        standby.wait_for(server.position())
        self.run_cli("promote", "http://127.0.0.1:%d" % standby.port)
        self.assertEqual(standby.send(**line(self.rounds + 1, 1)).status, 200)
        standby.stop()
        verify(standby.data)

    def test_what_is_not_archived_stays(self):
        server = self.start(*SMALL, "--id-window", "1", "--retain-mib", "9", "--history-days", "0", "--archive-command", "exit 7")
        self.fill_until(server, lambda: "the archive command did not put it away" in server.log(), "the archive is not told of")
        self.assertIn("ended with 7. The segment stays", server.log())
        self.assertEqual(server.metric("onhand_journal_dropped_total"), 0)
        server.stop()
        self.assertEqual(segments(server.data)[0], "%020d.journal" % 1)

    def test_one_that_hangs_does_not_hold_up_a_stop(self):
        child = os.path.join(self.folder, "child")
        server = self.start(*SMALL, "--id-window", "1", "--retain-mib", "9", "--history-days", "0", "--archive-command",
                            "echo $$ > %s; sleep 600" % child)
        n = self.fill_until(server, lambda: os.path.exists(child) and os.path.getsize(child), "the archive command is not run")
        self.fill(server, 1, n)  # and nothing waits for it
        begin = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - begin, 20)
        with open(child, encoding="ascii") as file:
            self.assertFalse(os.path.exists("/proc/" + file.read().strip()), "it lives on")

    def test_what_is_needed_stays(self):
        server = self.start(*SMALL, "--retain-mib", "9", "--history-days", "0")  # ids are remembered for 60 s
        self.fill_until(server, lambda: "--id-window says for how long" in server.log(), "it is not told why the journal stays large")
        self.assertEqual(server.metric("onhand_journal_dropped_total"), 0)
        answer = server.send(**line(0, 0))
        self.assertEqual((answer.status, answer.json()["replayed"]), (200, True))
        server.stop()
        other = self.start(*SMALL, "--id-window", "1", "--retain-mib", "9")
        self.fill_until(other, lambda: "--history-days says" in other.log(), "seven days of history do not stay")
        self.assertEqual(other.metric("onhand_journal_dropped_total"), 0)


if __name__ == "__main__":
    unittest.main()
