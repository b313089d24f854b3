#!/usr/bin/env python3
"""
Journals as versions wrote them, and what they say: a folder for each behaviour level of each format, with the files
packed (xz), `verify.json`, the report of `onhand verify`, and `feed.ndjson`, every event as the feed tells it. One that ends in
`-retained` no longer has its beginning: the image in its checkpoint has to be read by every later version, too.

    test/golden/golden.py newest                writes those of this version anew, from the story of test/world
    test/golden/golden.py expect NAME           writes anew what one says, its journal stays as it is
    test/golden/golden.py pack NAME DIRECTORY   takes the data directory of a stopped server for a new one

Nothing else writes them; a journal of a version that is out is never written again. test/api/test_golden.py reads them with every
build. What one says may be written anew when the form of an event is extended or the state hash is made of more;
the difference is to be looked at.
"""
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "test", "api"))
sys.dont_write_bytecode = True
os.environ.setdefault("ONHAND_BIN", os.path.join(ROOT, "build/onhand"))
import server  # noqa: E402


FEED_MAX = 200000  # characters; a longer one is packed


def names():
    return sorted(name for name in os.listdir(HERE) if name.startswith("format-"))


def number_of(source, word):
    """A constant of the journal's source."""
    with open(os.path.join(ROOT, "src", "journal", source), encoding="utf-8") as file:
        return int(re.search(r"^#define %s +(\d+)" % word, file.read(), re.M).group(1))


def newest():
    return "format-%d-level-%d" % (number_of("frame.h", "JOURNAL_FORMAT"), number_of("frame.h", "JOURNAL_LEVEL"))


def unpack(name, data):
    """Its segments into the directory `data`, which is made."""
    os.mkdir(data)
    for file in os.listdir(os.path.join(HERE, name)):
        if file.endswith(".xz") and not file.startswith("feed"):
            with lzma.open(os.path.join(HERE, name, file)) as packed, open(os.path.join(data, file[:-3]), "wb") as out:
                out.write(packed.read())


def oldest(data):
    return min(file for file in os.listdir(data) if file.endswith(".journal"))


def level(data):
    """What the header of the first segment says: format and behaviour level."""
    with open(os.path.join(data, oldest(data)), "rb") as file:
        head = file.read(12)
    return int.from_bytes(head[8:10], "little"), int.from_bytes(head[10:12], "little")


def feed(one, count):
    """So many events from the oldest on, as a running server tells them: a line each."""
    lines, after = [], ""
    while len(lines) < count:
        page = one.request("GET", "/v1/feed?include=refused,reported&limit=1000" + after).json()
        lines += [json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in page["events"]]
        if not page["events"]:
            break
        after = "&after=" + page["next"]
    return "".join(line + "\n" for line in lines[:count])


def expected(name):
    with open(os.path.join(HERE, name, "verify.json"), encoding="utf-8") as file:
        report = json.load(file)
    path = os.path.join(HERE, name, "feed.ndjson")
    with open(path, encoding="utf-8") if os.path.exists(path) else lzma.open(path + ".xz", "rt", encoding="utf-8") as file:
        return report, file.read()


def look(name, folder, program=None):
    """What a program says of it, unpacked in this folder: verify's report, and the feed."""
    data = os.path.join(folder, "data")
    unpack(name, data)
    report = server.verify(data, program)
    count = report["last_seq"] - int(oldest(data)[:20]) + 1
    one = server.Server(folder, ["--accept-clock"], program=program)
    try:
        told = feed(one, count)
        one.stop()
    finally:
        one.kill()
    return report, told


def write_expected(name):
    folder = tempfile.mkdtemp(prefix="onhand-golden-")
    try:
        report, told = look(name, folder)
    finally:
        shutil.rmtree(folder)
    with open(os.path.join(HERE, name, "verify.json"), "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
        file.write("\n")
    path = os.path.join(HERE, name, "feed.ndjson")
    with open(path, "w", encoding="utf-8") if len(told) < FEED_MAX else lzma.open(path + ".xz", "wt", encoding="utf-8") as file:
        file.write(told)
    print("%s: %d events, state hash %s" % (name, report["last_seq"], report["state_hash"]))


def pack(name, data):
    folder = os.path.join(HERE, name)
    if os.path.isdir(folder):
        shutil.rmtree(folder)
    os.mkdir(folder)
    for file in sorted(os.listdir(data)):
        if not file.endswith((".journal", ".checkpoint", ".beginning")):
            continue
        with open(os.path.join(data, file), "rb") as segment:
            content = segment.read()
        with open(os.path.join(folder, file + ".xz"), "wb") as out:
            out.write(lzma.compress(content, preset=9))
    write_expected(name)


def main():
    command, *rest = sys.argv[1:] or [""]
    if command == "newest" and not rest:
        subprocess.run(["packaging/build", "build-pure", "pure", "test/golden/golden_story"], cwd=ROOT, check=True)
        for more, suffix in (([], ""), (["retained"], "-retained")):
            folder = tempfile.mkdtemp(prefix="onhand-golden-")
            try:
                subprocess.run([os.path.join(ROOT, "build-pure/test/golden/golden_story"), folder, *more], check=True)
                pack(newest() + suffix, folder)
            finally:
                shutil.rmtree(folder)
    elif command == "expect" and len(rest) == 1 and rest[0] in names():
        write_expected(rest[0])
    elif command == "pack" and len(rest) == 2 and rest[0] not in names():
        pack(*rest)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
