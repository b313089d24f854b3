#!/usr/bin/env python3
"""
Goal: what a question about what could be sold at a past time costs (docs/decisions/0024), and what it costs who sends commands.
Method: a server of its own takes COMMANDS commands of 100,000 items that a channel sells, and after them one by one some
more. It is asked as of their end (all is replayed), the same again, a later time, and an early one (replayed anew, little).
Then one caller sends holds, one at a time, with nothing else going on and while one replay follows the other; what is printed is
the median and the 99th percentile of both, and the median of their ratios over ROUNDS rounds in turn. Nothing here fails for being slow.
"""
import argparse
import datetime
import os
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "test", "api"))
from server import Server  # noqa: E402

ITEMS = 100_000
KINDS = ("receive", "receive", "sale", "hold")
ROUND_S = 1


def load(server, count):
    for first in range(0, count, 100_000):
        commands = [{"kind": KINDS[n % 4], "source": "load", "id": str(n), "item": "item-%06d" % (n // 4 * 7919 % ITEMS),
                     "location": "DC", "quantity": 10 if n % 4 < 2 else 3, **({"hold": "h-%d" % n, "channel": "web"} if n % 4 == 3 else {})}
                    for n in range(first, min(count, first + 100_000))]
        rows = server.stream(commands, "?answers=summary").lines()
        if rows[-1]["summary"]["accepted"] != len(commands):
            sys.exit("as_of: the server did not take all commands: %s" % rows[-1])


def moment(server, number=[0]):
    """A time between two decisions."""
    at = datetime.datetime.now(datetime.timezone.utc).isoformat()
    time.sleep(0.01)
    number[0] += 1
    server.send(kind="receive", source="moments", id=str(number[0]), item="item-000000", location="DC", quantity=1)
    return "/v1/availability?channel=web&item=item-000000&as_of=" + quote(at)


def ask(wire, target):
    begin = time.monotonic()
    answer = wire.request("GET", target)
    if answer.status != 200:
        sys.exit("as_of: %r" % answer)
    return time.monotonic() - begin


def resident_mib(server):
    with open("/proc/%d/status" % server.pid, encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) // 1024


def holds(wire, seconds, number=[0]):
    """Milliseconds of each, one at a time."""
    took = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        number[0] += 1
        body = b'{"kind":"hold","source":"caller","id":"%d","hold":"c-%d","item":"item-%06d","location":"DC","quantity":1}'
        begin = time.monotonic()
        wire.request("POST", "/v1/commands", body % (number[0], number[0], number[0] * 7919 % ITEMS))
        took.append(1000 * (time.monotonic() - begin))
    return took


def beside(server, early, late, seconds):
    """The same while replays run."""
    stop = threading.Event()

    def replay():
        with server.connect(timeout=300) as wire:
            while not stop.is_set():
                ask(wire, early)
                ask(wire, late)

    thread = threading.Thread(target=replay)
    thread.start()
    try:
        time.sleep(0.2)
        with server.connect() as wire:
            return holds(wire, seconds)
    finally:
        stop.set()
        thread.join()


def percentiles(took):
    took = sorted(took)
    return statistics.median(took), took[len(took) * 99 // 100]


def measure(server, count, rounds):
    server.send(kind="set_channel", source="load", id="c", channel="web", locations=["DC"])
    early = moment(server)
    load(server, count)
    late = moment(server)
    later = moment(server)
    server.stop()
    begin = time.monotonic()
    server.start()
    print("%-44s %8.2f s" % ("a start, for comparison", time.monotonic() - begin))
    with server.connect(timeout=300) as wire:
        before = resident_mib(server)
        print("%-44s %8.2f s" % ("the first question, %d commands" % count, ask(wire, late)))
        print("%-44s %8d MiB, beside %d" % ("memory it takes", resident_mib(server) - before, before))
        print("%-44s %8.4f s" % ("the same again", statistics.median(ask(wire, late) for _ in range(9))))
        print("%-44s %8.4f s" % ("a little later", ask(wire, later)))
        print("%-44s %8.4f s" % ("the beginning", ask(wire, early)), flush=True)
    alone, busy = [], []
    for _ in range(rounds):
        with server.connect() as wire:
            alone.append(percentiles(holds(wire, ROUND_S)))
        busy.append(percentiles(beside(server, early, late, ROUND_S)))
    for n, name in enumerate(("median", "99 %")):
        a, b = statistics.median(row[n] for row in alone), statistics.median(row[n] for row in busy)
        ratio = statistics.median(row[n] / other[n] for row, other in zip(busy, alone))
        print("%-44s %8.3f ms, beside replays %.3f ms: ratio %.2f" % ("one waiting caller, " + name, a, b, ratio))


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n")[0])
    parser.add_argument("--commands", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=16)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="onhand-as-of-")
    server = Server(folder)
    try:
        measure(server, options.commands, options.rounds)
        server.stop()
    finally:
        server.kill()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
