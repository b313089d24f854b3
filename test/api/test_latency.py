#!/usr/bin/env python3
"""
Goal: a subscriber has an event soon after its flush.

Method: one sender paces 10,000 commands a second as one stream; a process of its own reads 1 and then 10 subscribers with
stamps=1, where each group of events comes behind the server's monotonic time at the end of its flush. The time from there
to the read is what is printed. A probe in the same run, a process that answers stamps over loopback at the same pace,
to as many sockets, says what this machine and this reader cost without a server; only a generous ratio to it can fail.
"""
import json
import os
import re
import select
import socket
import subprocess
import sys
import time
import unittest

from server import ServerCase, is_sanitized, request_bytes

TIER = "check"

RATE = 10000   # events a second
SECONDS = 5
TICK_S = 0.001
RATIO = 25     # of the median to the probe's
TRIES = 3      # the load of the machine differs between the two: once they must be near each other
STAMP = re.compile(rb": flushed (\d+)\n")
END = b'"id":"last"'


def read_stamps(sockets):
    """Until each has seen the end: nanoseconds from each stamp to the read that brought it."""
    for one in sockets:
        one.setblocking(False)
    rest = {one: b"" for one in sockets}
    open_sockets, late = set(sockets), []
    limit = time.monotonic() + SECONDS + 100
    while open_sockets and time.monotonic() < limit:
        for one in select.select(list(open_sockets), [], [], 1)[0]:
            data = one.recv(262144)
            now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            text = rest[one] + data
            cut = text.rfind(b"\n") + 1
            late += [now - int(stamp) for stamp in STAMP.findall(text[:cut])]
            rest[one] = text[cut:]
            if END in text or not data:
                open_sockets.discard(one)
    return sorted(late)


def summary(late):
    return {"count": len(late), "p50": late[len(late) // 2], "p99": late[len(late) * 99 // 100], "most": late[-1]}


def subscriber_process(port, count):
    sockets = []
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.sendall(request_bytes(port, "GET", "/v1/feed?after=now&stamps=1", None, {"Accept": "text/event-stream"}))
        sockets.append(one)
    print("ready", flush=True)
    print(json.dumps(summary(read_stamps(sockets))), flush=True)


def probe_process(port, count):
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    print("ready", flush=True)
    print(json.dumps(summary(read_stamps(sockets))), flush=True)


class Latency(ServerCase):
    def reader(self, *arguments):
        process = subprocess.Popen([sys.executable, "-B", os.path.abspath(__file__), *map(str, arguments)],
                                   stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        return process

    def pace(self, send):
        """Calls send(count) so that RATE a second go out for SECONDS."""
        begin, done = time.monotonic(), 0
        while done < RATE * SECONDS:
            due = min(int((time.monotonic() - begin) * RATE), RATE * SECONDS) - done
            if due > 0:
                send(done, due)
                done += due
            time.sleep(TICK_S)
        return time.monotonic() - begin

    def probe(self, count):
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        reader = self.reader("probe", listener.getsockname()[1], count)
        peers = [listener.accept()[0] for _ in range(count)]
        for peer in peers:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        filler = b"x" * 750 + b"\n"  # about an event

        def send(_, n):
            text = b": flushed %d\n" % time.clock_gettime_ns(time.CLOCK_MONOTONIC) + filler * n
            for peer in peers:
                peer.sendall(text)
        reader.stdout.readline()
        self.pace(send)
        for peer in peers:
            peer.sendall(END + b"\n")
        result = json.loads(reader.stdout.readline())
        reader.wait(60)
        for peer in [*peers, listener]:
            peer.close()
        return result

    def measure(self, count, source):
        reader = self.reader("subscribe", self.server.port, count)
        self.assertEqual(reader.stdout.readline(), b"ready\n")
        text = '{"kind":"receive","source":"%s","id":"%s","item":"i%d","location":"L","quantity":1}\n'
        with self.server.connect() as wire:
            wire.send(request_bytes(wire.port, "POST", "/v1/commands?answers=errors", None,
                                    {"Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked"}))
            wire.head()

            def send(first, n):
                lines = "".join(text % (source, at, at % 1000) for at in range(first, first + n)).encode()
                wire.send(b"%x\r\n%s\r\n" % (len(lines), lines))
            seconds = self.pace(send)
            last = (text % (source, "last", 0)).encode()
            wire.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(last), last))
            rows = [json.loads(line) for line in wire.body_lines()]
        self.assertEqual(rows[-1]["summary"]["accepted"], RATE * SECONDS + 1)
        result = json.loads(reader.stdout.readline())
        reader.wait(60)
        result["rate"] = RATE * SECONDS / seconds
        return result

    def test_flush_to_subscriber(self):
        for count in (1, 10):
            ratios = []
            while len(ratios) < TRIES and min(ratios, default=RATIO) >= RATIO:
                probe = self.probe(count)
                result = self.measure(count, "latency-%d-%d" % (count, len(ratios)))
                for name, one in (("probe", probe), ("server", result)):
                    print("note: %2d subscribers, %-6s  p50 %6.0f us  p99 %6.0f us  most %6.0f us" %
                          (count, name, one["p50"] / 1e3, one["p99"] / 1e3, one["most"] / 1e3))
                print("note: %2d subscribers, at %d events/s, %d stamps" % (count, result["rate"], result["count"]))
                self.assertGreater(result["count"], 20 * count)  # a slow disk has few groups, but not so few
                ratios.append(result["p50"] / max(probe["p50"], 20000))
            if not is_sanitized():
                self.assertLess(min(ratios), RATIO)


if __name__ == "__main__":
    if sys.argv[1:2] == ["subscribe"]:
        subscriber_process(int(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:2] == ["probe"]:
        probe_process(int(sys.argv[2]), int(sys.argv[3]))
    else:
        unittest.main()
