#!/usr/bin/env python3
"""
Goal: how long everything else waits when a channel is changed (docs/decisions/0015), or when what a silent source
withholds is (0018).
Method: a server of its own holds ITEMS items at one location, from which three channels sell, two of them with a quota of
every tenth item. Then one of the channels is changed in each way there is, several times, and the locations of a source
that is silent, which sums anew what its falling silent and being heard do; what is printed is how long the answer took, the
least and the median, in milliseconds. Nothing here fails for being slow.
"""
import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "test", "api"))
from server import Server, receive  # noqa: E402

QUOTA_EVERY = 10
CHANNELS = ("web", "amz", "shop")


def streamed(server, commands):
    for first in range(0, len(commands), 100_000):
        rows = server.stream(commands[first:first + 100_000], "?answers=summary").lines()
        if rows[-1]["summary"]["accepted"] != len(commands[first:first + 100_000]):
            sys.exit("channel: the server did not take all commands: %s" % rows[-1])


def changes():
    """What is changed, and the fields in turn: two values, so that each is a change."""
    return (
        ("the same again", {"priority": 1}, {"priority": 1}),
        ("buffer", {"buffer": 1}, {"buffer": 0}),
        ("cap", {"cap": 4}, {"cap": 3}),
        ("priority", {"priority": 9}, {"priority": 1}),
        ("shares_rest", {"shares_rest": False}, {"shares_rest": True}),
        ("one place more, one less", {"locations": ["DC", "S1"]}, {"locations": ["DC"]}),
        ("all places", {"locations": []}, {"locations": ["DC"]}),
    )


def measure(server, items, rounds):
    streamed(server, [receive(n, "item-%07d" % n, "DC", 10, source="load") for n in range(items)])
    streamed(server, [receive(items, "item-0000000", "S1", 10, source="load")])
    number = items
    for n, channel in enumerate(CHANNELS):
        server.send(kind="set_channel", source="load", id="c-%s" % channel, channel=channel, locations=["DC"],
                    priority=n + 1)
    streamed(server, [{"kind": "allocate", "source": "load", "id": "q-%d" % n, "channel": channel, "to": 6,
                       "item": "item-%07d" % (n // 2), "location": "DC"}
                      for n in range(0, 2 * items, 2 * QUOTA_EVERY) for n, channel in ((n, "web"), (n + 1, "amz"))])
    for name, *fields in changes():
        took = []
        for turn in range(2 * rounds):
            number += 1
            begin = time.monotonic()
            answer = server.send(kind="set_channel", source="load", id="s-%d" % number, channel="web", **fields[turn % 2])
            took.append(1000 * (time.monotonic() - begin))
            if answer.status != 200:
                sys.exit("channel: %r" % answer)
        show(name, took)
    measure_silence(server, rounds)


def measure_silence(server, rounds):
    def put(**silence):
        begin = time.monotonic()
        answer = server.request("PUT", "/v1/sources/till", json.dumps({"silence": {"after": 1, **silence}}).encode())
        if answer.status != 200:
            sys.exit("channel: %r" % answer)
        return 1000 * (time.monotonic() - begin)

    put()
    while server.get("/v1/sources/till").json()["silent_since"] is None:
        time.sleep(0.05)
    show("silence: where no one sells", [put(locations=["far"][turn % 2:]) for turn in range(2 * rounds)])
    show("silence: a place", [put(locations=["DC"][turn % 2:]) for turn in range(2 * rounds)])


def show(name, took):
    print("%-28s least %7.1f ms, median %7.1f ms" % (name, min(took), statistics.median(took)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n")[0])
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="onhand-channel-")
    server = Server(folder)
    try:
        measure(server, options.items, options.rounds)
        server.stop()
    finally:
        server.kill()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
