#!/usr/bin/env python3
"""
Goal: an answer, and an event of the feed, leaves only after the flush of its group.

Method: the server runs under strace with the bytes of its writes shown. Every command has an id that stands in its record
in the journal, in its answer and in its event. Read in order, the trace must show, for every socket write that holds an
id, an earlier durable write with that id that had come back: a pwritev2 with RWF_DSYNC, or a write and then an fdatasync
of the same descriptor. The same must be found violated when the server is told to leave out its flushes.
"""
import json
import re
import shutil
import subprocess
import threading
import unittest

from server import FolderCase, receive, request_bytes

TIER = "check"

MARK = re.compile(r"mark-[0-9]+-[0-9]+x")
CALLS = "pwrite64,pwritev,pwritev2,fdatasync,fsync,write,writev,sendto,sendmsg"
LINE = re.compile(r"^(\d+) +[\d.]+ (.*)$")
ENTRY = re.compile(r"^(\w+)\((\d+)<([^>]*)>(.*)$")
RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>.* = (-?\d+)")


class Trace:
    """What a trace says: marks that left too early, and how many left at all."""

    def __init__(self, lines):
        self.durable = set()  # marks
        self.written = {}     # descriptor: marks written, not yet flushed
        self.early, self.left = set(), set()
        self.open = {}        # thread: (call, descriptor, marks) under way
        for line in lines:
            self._line(line)

    def _line(self, line):
        match = LINE.match(line)
        if not match:
            return
        thread, text = match.groups()
        if resumed := RESUMED.match(text):
            if thread in self.open and int(resumed.group(2)) >= 0:
                self._done(*self.open.pop(thread))
            return
        entry = ENTRY.match(text)
        if not entry:
            return
        call, descriptor, path, rest = entry.groups()
        marks = set(MARK.findall(rest))
        if path.startswith("socket:") or path.startswith("TCP"):
            self.left |= marks
            self.early |= marks - self.durable
            return
        if call == "pwritev2" and "RWF_DSYNC" in rest:
            call = "durable"
        if rest.endswith("<unfinished ...>"):
            self.open[thread] = (call, descriptor, marks)
        elif re.search(r"\) = \d+ ?", rest):
            self._done(call, descriptor, marks)

    def _done(self, call, descriptor, marks):
        if call == "durable":
            self.durable |= marks
        elif call in ("fdatasync", "fsync"):
            self.durable |= self.written.pop(descriptor, set())
        else:
            self.written.setdefault(descriptor, set()).update(marks)


def may_trace():
    if shutil.which("strace") is None:
        return False
    done = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, timeout=20, check=False)
    return done.returncode == 0


@unittest.skipUnless(may_trace(), "strace is not there or not allowed")
class FlushOrder(FolderCase):
    CALLERS, EACH, LINES = 8, 25, 400

    def traced(self, *options):
        path = self.folder + "/trace"
        server = self.start(*options, wrapper=["strace", "-f", "-ttt", "-y", "-s", "200000", "-o", path,
                                               "-e", "trace=" + CALLS])
        stream = server.connect()
        stream.send(request_bytes(server.port, "GET", "/v1/feed?after=now", None, {"Accept": "text/event-stream"}))
        stream.head()

        def call(number):
            with server.connect() as wire:
                for n in range(self.EACH):
                    command = receive("mark-%d-%dx" % (number, n), source="caller-%d" % number)
                    if wire.request("POST", "/v1/commands", json.dumps(command).encode()).status != 200:
                        return
        threads = [threading.Thread(target=call, args=(n,)) for n in range(self.CALLERS)]
        for thread in threads:
            thread.start()
        rows = server.stream([receive("mark-99-%dx" % n, source="stream") for n in range(self.LINES)]).lines()
        for thread in threads:
            thread.join(60)
        self.assertEqual(len(rows), self.LINES)
        total = self.CALLERS * self.EACH + self.LINES
        seen = 0
        for line in stream.body_lines():
            seen += line.startswith(b"data: ")
            if seen == total:
                break
        stream.close()
        server.stop()
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.readlines()
        return lines, total

    def test_answers_and_events_leave_after_their_flush(self):
        lines, total = self.traced()
        trace = Trace(lines)
        self.assertEqual(len(trace.left), total)
        self.assertEqual(trace.early, set())
        # A doctored trace, in which each durable write comes back after all else, must be caught.
        moved = [line for line in lines if "RWF_DSYNC" not in line and "fdatasync" not in line]
        self.assertEqual(len(Trace(moved).early), total)
        print("note: %d commands, each answered and in the feed after its flush" % total)

    def test_a_server_without_flushes_is_caught(self):
        lines, total = self.traced("--fault-no-flush")
        trace = Trace(lines)
        self.assertEqual(len(trace.left), total)
        # Not all are: the thread that fills the segment with zeros ahead flushes the file too.
        self.assertNotEqual(trace.early, set())
        print("note: without flushes %d of %d left too early" % (len(trace.early), total))


if __name__ == "__main__":
    unittest.main()
