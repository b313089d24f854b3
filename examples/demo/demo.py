#!/usr/bin/env python3
"""
Goal: onhand at work on a year of a real shop, checked to the last unit by processes that know nothing of each other.
Method: start the server on a fresh data directory; three subscribers follow its feed; opening stock is loaded; all
541,909 invoice lines of examples/data/online-retail are played by eight sources at once. Then four figures must agree
for each item: the ledger's, each subscriber's sum of what it was told, the sum of the CSV itself, and the expected
results that came with the data, computed by an independent script. Last, a flash sale: 10,000 units, 200,000 attempts.

With a terminal the server stays up afterwards. Without one this exits with 0, or with 1 on any mismatch.
--small N plays the first N lines only. --kill kills the server without warning in the middle and starts it again.
"""
import argparse
import csv
import hashlib
import json
import lzma
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

SUBSCRIBERS = 3
START_SECONDS_MAX = 30
REPLAY_SECONDS_MAX = 900
FOLLOW_SECONDS_MAX = 60   # for the subscribers, after the last command
FLASH_SECONDS_MAX = 300
FLASH_UNITS = 10_000
FLASH_ATTEMPTS = 200_000
FLASH_CALLERS = 64
KILLS = (0.25, 0.6)       # where --kill strikes, as shares of all lines
END_ID = "demo-end"       # the command that tells the subscribers that nothing follows


class Failure(Exception):
    pass


def say(text):
    print(text, flush=True)


def request(port, target, body=None, content_type="application/json", timeout=60):
    headers = {"Content-Type": content_type} if body is not None else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{target}", body, headers),
                                    timeout=timeout) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Failure(f"{target}: {error.code} {error.read().decode(errors='replace')}")
    except OSError as error:
        raise Failure(f"{target}: {error}")


class Server:
    def __init__(self, program, directory):
        self.program, self.directory, self.port, self.process = program, directory, 0, None
        self.log = os.path.join(directory, "server.log")

    def start(self):
        """On a free port the first time, on the same one when it starts again."""
        offset = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", "--data", os.path.join(self.directory, "data"), "--listen",
                 f"127.0.0.1:{self.port}"],
                stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
        until = time.monotonic() + START_SECONDS_MAX
        while not self.ready(offset):
            if self.process.poll() is not None or time.monotonic() > until:
                with open(self.log) as log:
                    raise Failure("the server does not start:\n" + log.read()[offset:])
            time.sleep(0.02)

    def ready(self, offset):
        with open(self.log) as log:
            for line in log.read()[offset:].splitlines():
                if "listening on http://127.0.0.1:" in line:
                    self.port = int(line.rsplit(":", 1)[1].split("/")[0])
                    return True
        return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


def read_expected(data, lines_max):
    """From the CSV itself: units out per item over the first lines_max lines, and the digests of the checkpoints."""
    with open(os.path.join(data, "expected", "checkpoints.csv")) as file:
        checkpoints = {int(row["after_line"]): row["sha256_of_sorted_sku_TAB_net_out_LF"]
                       for row in csv.DictReader(file)}
    with open(os.path.join(data, "expected", "net-by-sku.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    opening = {row["sku"]: int(row["opening_needed_to_never_go_negative"]) for row in rows}
    expected = {row["sku"]: int(row["net_out"]) for row in rows}
    net, count = {}, 0
    with lzma.open(os.path.join(data, "online-retail.csv.xz"), "rt", encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for row in reader:
            if count == lines_max:
                break
            net[row[1]] = net.get(row[1], 0) + int(row[3])
            count += 1
            if count in checkpoints and digest(net) != checkpoints[count]:
                raise Failure(f"the data is not what it should be: digest after line {count}")
    if lines_max is None and net != expected:
        raise Failure("the data is not what it should be: expected/net-by-sku.csv differs from the CSV")
    return count, net, opening


def digest(net):
    """As the data's own README defines it: sha256 over all `sku TAB net_out LF`, sorted by bytes."""
    lines = (f"{sku}\t{net[sku]}\n".encode() for sku in sorted(net, key=str.encode))
    return hashlib.sha256(b"".join(lines)).hexdigest()


def read_sums(file):
    sums = {}
    for line in file:
        sku, _, units = line.rstrip("\n").rpartition("\t")
        sums[sku] = int(units)
    return sums


def compare(name, found, net, opening):
    """How many items of `found` (on hand) are not opening minus net; items that never moved hold their opening."""
    wanted = {sku: units - net.get(sku, 0) for sku, units in opening.items() if units != 0 or sku in net}
    wanted.update({sku: -units for sku, units in net.items() if sku not in wanted})
    wrong = [sku for sku in wanted.keys() | found.keys() if wanted.get(sku) != found.get(sku)]
    for sku in sorted(wrong)[:5]:
        say(f"  MISMATCH {name}: item {sku!r}: {found.get(sku)}, expected {wanted.get(sku)}")
    return len(wrong)


class Demo:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.server = Server(options.onhand, directory)
        self.children = []
        self.mismatches = 0

    def spawn(self, arguments, **more):
        child = subprocess.Popen(arguments, text=True, **more)
        self.children.append(child)
        return child

    def stop(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()
        self.server.stop()

    def program(self, *path):
        return os.path.join(self.options.build, *path)

    def run_small_program(self, arguments, seconds):
        child = self.spawn(arguments, stdout=subprocess.PIPE)
        try:
            output = child.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            raise Failure(f"{arguments[0]} is not over after {seconds} s")
        if child.returncode != 0 or not output:
            raise Failure(f"{os.path.basename(arguments[0])} failed")
        return json.loads(output.strip().splitlines()[-1])

    def subscribe(self):
        self.sums = [os.path.join(self.directory, f"subscriber-{n + 1}.tsv") for n in range(SUBSCRIBERS)]
        self.subscribers = [
            self.spawn([self.program("examples", "demo", "demo_subscriber"), "--port", str(self.server.port), "--until",
                        END_ID, "--without", "opening", "--out", out, "--seconds",
                        str(REPLAY_SECONDS_MAX + FOLLOW_SECONDS_MAX)],
                       stdout=subprocess.PIPE)
            for out in self.sums]

    def replay(self, lines):
        """Plays the lines and passes the progress on; with --kill it interrupts the server on the way."""
        arguments = [self.program("examples", "demo", "demo_replay"), "--port", str(self.server.port), "--lines",
                     str(lines)]
        if self.options.rate:
            arguments += ["--rate", str(self.options.rate)]
        unpack = self.spawn(["xz", "-dc", os.path.join(self.options.data, "online-retail.csv.xz")],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        replay = self.spawn(arguments, stdin=unpack.stdout, stdout=subprocess.PIPE)
        unpack.stdout.close()
        limit = threading.Timer(REPLAY_SECONDS_MAX, replay.kill)
        limit.start()
        kills, summary = [share * lines for share in KILLS] if self.options.kill else [], None
        try:
            for line in replay.stdout:
                summary = json.loads(line)
                answered = summary.get("answered", lines)
                if sys.stderr.isatty():
                    bar = "█" * int(30 * answered / lines)
                    print(f"\r  {bar:30} {answered:>9,} of {lines:,} lines ", end="", file=sys.stderr, flush=True)
                if kills and "answered" in summary and answered >= kills[0]:
                    kills.pop(0)
                    self.server.kill()
                    say(f"  kill -9 after {answered:,} answers; starting again")
                    self.server.start()
            replay.wait()
        finally:
            limit.cancel()
        if sys.stderr.isatty():
            print("\r" + " " * 72 + "\r", end="", file=sys.stderr, flush=True)
        if kills:
            say("  the replay was over before the server could be killed")
        if replay.returncode != 0 or summary is None or "lines" not in summary:
            raise Failure("the replay failed: some lines were not accepted" if replay.returncode == 1
                          else f"the replay ended with {replay.returncode}")
        return summary

    def end_feed(self):
        command = {"kind": "receive", "id": END_ID, "source": "demo", "item": END_ID, "location": "UK-DC",
                   "quantity": 1}
        request(self.server.port, "/v1/commands", json.dumps(command).encode())
        reports = []
        for child in self.subscribers:
            try:
                output = child.communicate(timeout=FOLLOW_SECONDS_MAX)[0]
            except subprocess.TimeoutExpired:
                raise Failure(f"a subscriber has not seen the end after {FOLLOW_SECONDS_MAX} s")
            if not output:
                raise Failure("a subscriber failed")
            reports.append(json.loads(output.strip().splitlines()[-1]))
        return reports

    def ledger_sums(self):
        sums = {}
        for cell in request(self.server.port, "/v1/figures")["figures"]:
            if cell["item"] != END_ID:
                sums[cell["item"]] = sums.get(cell["item"], 0) + int(cell["on_hand"])
        return sums

    def check(self, net, opening, reports):
        self.mismatches += compare("ledger", self.ledger_sums(), net, opening)
        for n, (path, report) in enumerate(zip(self.sums, reports)):
            with open(path, encoding="utf-8", newline="\n") as file:
                self.mismatches += compare(f"subscriber {n + 1}", read_sums(file), net, opening)
            self.mismatches += report["mismatches"] + report["gaps"]

    def year(self):
        lines, net, opening = read_expected(self.options.data, self.options.small)
        self.subscribe()
        loaded = self.run_small_program(
            [self.program("examples", "demo", "demo_replay"), "--port", str(self.server.port), "--opening",
             os.path.join(self.options.data, "expected", "net-by-sku.csv")], REPLAY_SECONDS_MAX)
        say(f"opening stock: {loaded['lines']:,} items received")
        say(f"playing {lines:,} invoice lines, eight sources at once, {SUBSCRIBERS} subscribers")
        played = self.replay(lines)
        if played["lines"] != lines:
            raise Failure(f"{played['lines']} lines were played, the file has {lines}")
        reports = self.end_feed()
        self.check(net, opening, reports)
        say(f"  lines        {lines:,} in {played['seconds']:.2f} s = {played['commands_per_s']:,.0f} commands/s, "
            f"each durable before its answer")
        if self.options.kill:
            say(f"  resumed      {played['requests'] - 8} requests, {played['replayed']:,} lines recognised and not "
                f"applied again")
        pace = (f"at {self.options.rate:,} commands/s" if self.options.rate else
                "at full speed, so mostly the wait in the queue")
        say(f"  latency      from flush completed to event read, {pace}:")
        for n, r in enumerate(reports):
            say(f"  subscriber {n + 1} {r['events']:,} events, p50 {r['p50_us'] / 1000:.2f} ms, "
                f"p99 {r['p99_us'] / 1000:.2f} ms, {r['gaps']} gaps, {r['mismatches']} wrong figures")
        equal = "ledger = each subscriber = expected" if self.mismatches == 0 else "NOT the same everywhere"
        say(f"  net out      {sum(net.values()):,} units of {len(net):,} items: {equal}")
        say(f"  mismatches   {self.mismatches}")

    def flash_sale(self):
        reserve = self.program("bench", "reserve")
        port = str(self.server.port)
        self.run_small_program([reserve, "--target", "onhand", "--port", port, "--work", "receive", "--items", "1",
                                "--stock", str(FLASH_UNITS), "--tag", "flash-stock"], FLASH_SECONDS_MAX)
        say(f"flash sale: {FLASH_UNITS:,} units, {FLASH_ATTEMPTS:,} attempts over {FLASH_CALLERS} connections")
        sold = self.run_small_program([reserve, "--target", "onhand", "--port", port, "--items", "1", "--callers",
                                       str(FLASH_CALLERS), "--total", str(FLASH_ATTEMPTS), "--tag", "flash"],
                                      FLASH_SECONDS_MAX)
        exact = sold["granted"] == FLASH_UNITS and sold["refused"] == FLASH_ATTEMPTS - FLASH_UNITS
        self.mismatches += 0 if exact else 1
        say(f"  granted      {sold['granted']:,}, refused {sold['refused']:,}: "
            f"{'exactly right' if exact else 'MISMATCH'}; {sold['ops_per_s']:,.0f} attempts/s, "
            f"p50 {sold['p50_us'] / 1000:.2f} ms, p99 {sold['p99_us'] / 1000:.2f} ms")

    def stay(self):
        address = f"http://127.0.0.1:{self.server.port}"
        sale = ('{"kind":"sale","id":"try-1","source":"me","item":"22578","location":"UK-DC","quantity":1}')
        say(f"\nthe server stays up at {address} until you press Ctrl-C. Three things to try:\n\n"
            f"  curl {address}/v1/stock/22578\n"
            f"  curl -N -H 'Accept: text/event-stream' '{address}/v1/feed?after=now'\n"
            f"  curl -H 'Content-Type: application/json' -d '{sale}' {address}/v1/commands\n\n"
            f"The last one sells a unit: the second one shows it at once, and sent twice it counts once.")
        try:
            self.server.process.wait()
        except KeyboardInterrupt:
            say("")

    def run(self):
        self.server.start()
        say(f"server: http://127.0.0.1:{self.server.port}")
        self.year()
        if not self.options.no_flash:
            self.flash_sale()
        return 0 if self.mismatches == 0 else 1


def main():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(description="a year of a real shop, and a flash sale")
    parser.add_argument("--build", default=os.path.join(root, "build"), help="build directory (default: build)")
    parser.add_argument("--onhand", help="the server (default: onhand in the build directory)")
    parser.add_argument("--data", default=os.path.join(root, "examples", "data", "online-retail"))
    parser.add_argument("--directory", help="where the server keeps its data (default: the build directory)")
    parser.add_argument("--small", type=int, metavar="N", help="play the first N lines only")
    parser.add_argument("--rate", type=int, help="commands per second of all sources together (default: no limit)")
    parser.add_argument("--kill", action="store_true", help="kill -9 the server twice during the replay")
    parser.add_argument("--no-flash", action="store_true", help="no flash sale")
    parser.add_argument("--no-stay", action="store_true", help="end also when there is a terminal")
    options = parser.parse_args()
    options.onhand = options.onhand or os.path.join(options.build, "onhand")
    if options.small is not None and options.small < 1:
        sys.exit("--small wants at least one line")
    for program in (options.onhand, os.path.join(options.build, "examples", "demo", "demo_replay"),
                    os.path.join(options.build, "examples", "demo", "demo_subscriber"),
                    os.path.join(options.build, "bench", "reserve")):
        if not os.path.exists(program):
            sys.exit(f"{program} is not there: build first")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped on this way out too
    directory = tempfile.mkdtemp(prefix="demo-", dir=options.directory or options.build)
    demo = Demo(options, directory)
    try:
        code = demo.run()
        if sys.stdout.isatty() and sys.stdin.isatty() and not options.no_stay:
            demo.stay()
        sys.exit(code)
    except Failure as failure:
        say(f"demo: {failure}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        demo.stop()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
