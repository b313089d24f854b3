#!/usr/bin/env python3
"""
Goal: the order in which facts and counts arrive does not matter. A real shop's sales, told up to 30 days late around
weekly counts, end in the figures of the run in which all came in time; and what nobody told the books, goods stolen,
booked twice or delivered and never entered, is what the next count of exactly that cell finds, no more and no less. Until
then it is what an ERP that knows of it differs by, and explained by its documents.

Method: a simulated warehouse knows what is really there. Its sales and returns are invoice lines of
examples/data/online-retail; opening stock is what expected/net-by-sku.csv says was needed, less what was sold before;
deliveries, and orders that are committed, picked and shipped, are made up. Once a week each item that moves is counted,
in a window of ten minutes while sales go on. Who counts finds what is really there at the end of the window, with what
is on trolleys or without.

- Time. Everything is recorded within minutes, so how late something is, is which of those that occurred later came
  before it. The invoices of the file's last 38 days are moved, by whole seconds, so that they end an hour ago: nothing
  is older than the id window of 40 days, and nothing has a `seq`. RETAIL_WHOLE=1 plays the whole year;
  there everything has one, in the order of arrival, and what is older than the window is admitted by it.
- Arrival. Opening stock comes first, so that orders are granted. Half of the facts come at once, the others up to six
  hours or up to 30 days late; what happens to one order keeps its order. A count comes when it was made, one in twenty
  up to 30 days late.
- The ERP says each night what it has of some items, what is committed taken off, as of some minutes before. It knows what
  is really there: of thefts, by a figure that nobody wrote a document for, of what was sold once, and of deliveries which the
  books expect and have not received. Its policy is `report`. In order /v1/drift must have exactly the errors since the
  last count, each night: a theft unexplained, a document booked twice, an expectation that has not come. When facts are late,
  the books differ by those, too, so it says all nights again when everything is in, as another source, and the same must be found.
- Judged against the warehouse, for each run by itself: the figures of each cell, the variance and the uncertain units
  of each count after all corrections, stock as of random times on the axis `occurred`. In order nothing may be
  corrected at all. Then the runs are compared with each other: each figure of each cell, and the outside accounts of
  each item.

It can fail: test_a_fact_left_out_is_seen leaves single facts out, before and behind the last count, and wants to see
just that. What arrives is what `arrivals` makes of World.facts and World.counts; other statements go beside those.
"""
import bisect
import collections
import csv
import datetime
import json
import lzma
import os
import random
import time
import unittest
from urllib.parse import quote

from server import FolderCase

TIER = "check"

WHOLE = os.environ.get("RETAIL_WHOLE") == "1"
SEEDS = (1, 2, 3) if WHOLE else (1, 2)
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "data", "online-retail")
S, DAY = 1000000, 86400 * 1000000
WINDOW_DAYS = 40
MONTH_DAYS = 38      # of the file, when it is not the whole
LATE_DAYS = 30
STEP_US = S // 20    # between the lines of one minute, 1,114 at most
COUNT_US = 600 * S   # the window of a count
ERRORS = 40          # of each kind
ORDERS = 1500
DELIVERIES = 500
SPARE = 100000       # more opening stock of items that are stolen or ordered
OPEN_ERRORS = 10     # of each kind, behind the last count: no count finds them
ERP_ITEMS = 200      # of which the ERP tells each night, beside those where something goes wrong
MOMENTS = 300        # looked at on the axis `occurred`
LINES = 500          # of one request: behind a count all of it waits, and is decided again when what was read is stale
LOCATION = "UK-DC"
UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)


def text_of(us):
    return (EPOCH + datetime.timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def invoices():
    """(time, item, units that leave, invoice) of each line of the file."""
    rows, minute, nth = [], None, 0
    with lzma.open(os.path.join(DATA, "online-retail.csv.xz"), "rt", encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for row in reader:
            nth = nth + 1 if row[4] == minute else 0
            if nth == 0:
                minute = row[4]
                us = int(datetime.datetime.fromisoformat(minute).replace(tzinfo=UTC).timestamp()) * S
            rows.append((us + nth * STEP_US, row[1], int(row[3]), row[0]))
    return rows


class World:
    """What really happened, and what the books are told of it. What of that comes late: `arrivals`."""

    def __init__(self, rows, days, every_days=7, orders=ORDERS, deliveries=DELIVERIES, errors=ERRORS, open_errors=OPEN_ERRORS):
        rng = random.Random(20111209)
        with open(os.path.join(DATA, "expected", "net-by-sku.csv"), encoding="utf-8", newline="") as file:
            there = {row["sku"]: int(row["opening_needed_to_never_go_negative"]) for row in csv.DictReader(file)}
        first = rows[-1][0] - days * DAY
        shift = (int(time.time()) - 3600) * S - rows[-1][0] // S * S
        self.begin, self.end, self.shift = first + shift, rows[-1][0] + shift, shift
        self.facts = []    # (time, chain of what keeps its order or None, command)
        self.counts = []   # (end of the window, command)
        self.expected = {} # id of a count: variance, uncertain
        self.moves = {}    # item: [(time, units really there, units on the shelf)]
        self.stock = {}    # the same, summed
        self.told = {}     # item: [(time, difference of the books to what is there)], by errors that nobody told
        self.claimed = {}  # item: [(time, units that become committed)]
        self.errors = []   # (item, time, kind, units by which the books are short, document or expectation)
        self.nights = self.when_told(days)
        sold = []
        for us, item, units, invoice in rows:
            if us < first:
                there[item] -= units
            else:
                sold.append((us + shift, item, units, invoice))
        items = sorted({row[1] for row in sold})
        self.items = items
        troubled = [rng.choice(items) for _ in range(3 * errors)]
        ordered = rng.sample(items, min(len(items), 200))
        rest = sorted({*items} - {*troubled})
        still_wrong = rng.sample(rest, min(len(rest), 3 * open_errors))
        self.of_erp = sorted({*troubled, *still_wrong, *rng.sample(items, min(len(items), ERP_ITEMS))})
        for item in {*troubled, *ordered, *still_wrong}:
            there[item] += SPARE
        for item in items:
            if there[item]:
                self.book(self.begin, "receive", item, there[item])
        lines = collections.Counter()
        for us, item, units, invoice in sold:
            lines[invoice] += 1
            self.book(us, "sale" if units > 0 else "return", item, abs(units), document=invoice, line=str(lines[invoice]))
        for _ in range(deliveries):
            self.book(self.moment(rng), "receive", rng.choice(items), rng.randrange(1, 200))
        for n in range(orders):
            self.order(rng, "order-%d" % n, rng.choice(ordered), rng.randrange(1, 12))
        ends = self.stocktakings(rng, days, every_days)
        self.injected = self.go_wrong(rng, troubled, ends)
        for n, item in enumerate(still_wrong):
            self.wrong(n, item, rng.randrange(1, 50), rng.randrange(ends[item][-1] + S, self.end))
        self.count_all(rng, ends)
        self.facts.sort(key=lambda fact: fact[0])

    def moment(self, rng):
        return rng.randrange(self.begin + 3600 * S, self.end)

    def really(self, us, item, units, shelf=None):
        self.moves.setdefault(item, []).append((us, units, units if shelf is None else shelf))

    def book(self, us, kind, item, quantity, chain=None, **more):
        """It happens and the books are told."""
        self.really(us, item, quantity if kind in ("receive", "return") else -quantity)
        self.tell(us, kind, item, quantity, chain, **more)

    def tell(self, us, kind, item, quantity, chain=None, **more):
        self.facts.append((us, chain, {
            "kind": kind, "source": "shop", "id": str(len(self.facts)), "occurred_at": text_of(us),
            "lines": [{"item": item, "location": LOCATION, "quantity": quantity}], **more}))

    def order(self, rng, name, item, units):
        """Committed, picked half an hour later, shipped hours later; a few are on the trolley still."""
        us = self.moment(rng)
        self.claimed.setdefault(item, []).append((us, units))
        self.tell(us, "commit", item, units, name, hold=name)
        us += rng.randrange(1800 * S)
        if us < self.end:
            self.really(us, item, 0, -units)
            self.tell(us, "pick", item, units, name, hold=name)
        us += rng.randrange(2 * DAY)
        if us < self.end:
            self.really(us, item, -units, 0)
            self.claimed[item].append((us, -units))
            self.tell(us, "ship", item, units, name, hold=name)

    def stocktakings(self, rng, days, every_days):
        """item: ends of its windows, each between 11 and 15 o'clock in the shop."""
        ends = {}
        for k in range(every_days, days, every_days):
            noon = (self.begin - self.shift + k * DAY) // DAY * DAY + self.shift + 11 * 3600 * S
            for item in self.items:
                ends.setdefault(item, []).append(noon + rng.randrange(4 * 3600 * S))
        return ends

    def go_wrong(self, rng, items, ends):
        """Errors that the next count has to find, one of a cell between two counts: [(kind, item, units, time)]."""
        found, used = [], set()
        for n, item in enumerate(items):
            us = rng.randrange(self.begin + S, ends[item][-1])
            place = (item, bisect.bisect_left(ends[item], us))
            night = bisect.bisect_left(self.nights, us)  # that the ERP has of it
            if place in used or night == len(self.nights) or self.nights[night] >= ends[item][place[1]]:
                continue
            used.add(place)
            found.append(self.wrong(n, item, rng.randrange(1, 50), us))
        return found

    def wrong(self, n, item, units, us):
        """One error of the kind of this number."""
        name = "wrong-%d" % len(self.errors)
        kind = ("theft", "double booking", "missed delivery")[n % 3]
        short = units
        if kind == "theft":
            self.really(us, item, -units)
            short = -units
        elif kind == "double booking":
            self.book(us, "sale", item, units, document=name, line="1")
            self.tell(us, "sale", item, units, document=name, line="1")
        else:
            self.really(us, item, units)
            self.tell(self.begin, "expect", item, units, expectation=name, direction="in", due=text_of(us))
        self.told.setdefault(item, []).append((us, -short))
        self.errors.append((item, us, kind, short, name))
        return (kind, item, units, us)

    def count_all(self, rng, ends):
        for item, moves in self.moves.items():
            moves.sort()
            really, shelf, self.stock[item] = 0, 0, []
            for us, units, units_on_shelf in moves:
                really, shelf = really + units, shelf + units_on_shelf
                self.stock[item].append((us, really, shelf))
        for item, mine in ends.items():
            before = self.begin - 1
            for to in mine:
                picked, begin = rng.random() < 0.3, to - COUNT_US
                number = "count-%d" % len(self.counts)
                self.counts.append((to, {
                    "kind": "count", "source": "stocktaking", "id": number, "counted_from": text_of(begin),
                    "counted_to": text_of(to), "includes_picked": picked, "item": item, "location": LOCATION,
                    "quantity": self.there(item, to, 1 if picked else 2)}))
                variance = -sum(units for us, units in self.told.get(item, []) if before < us <= to)
                self.expected[number] = [variance, 0, begin, to, picked]
                before = to
        self.counted = ends
        windows = {(row[1]["item"], row[0]): row[1]["id"] for row in self.counts}
        for us, _, command in self.facts:
            line, kind = command["lines"][0], command["kind"]
            if kind in ("commit", "expect"):
                continue
            n = bisect.bisect_left(ends[line["item"]], us)
            if n == len(ends[line["item"]]):
                continue
            row = self.expected[windows[line["item"], ends[line["item"]][n]]]
            if row[2] < us and (kind not in ("pick", "ship") or row[4] == (kind == "ship")):
                row[1] += line["quantity"]

    def there(self, item, us, column=1):
        """Really there, at the end of this microsecond; column 2: on the shelf."""
        n = bisect.bisect_left(self.stock[item], (us + 1,))
        return self.stock[item][n - 1][column] if n else 0

    def when_told(self, days):
        """As of when the ERP tells what it has: each night, and at last when all is over; some minutes ago by then."""
        rng = random.Random(7)
        three = [(self.begin - self.shift + k * DAY) // DAY * DAY + self.shift + 3 * 3600 * S
                 for k in range(1, days + 1, 7 if WHOLE else 1)]
        return [us - rng.randrange(60 * S, 900 * S) for us in three if us < self.end] + [self.end + S]

    def told_by_erp(self, source, night):
        """Its snapshot: what is really there, less what is committed."""
        us = self.nights[night]
        return {"kind": "snapshot", "source": source, "id": "night-%d" % night, "seen": {"time": text_of(us)},
                "measure": "available", "contains": "committed",
                "lines": [{"item": item, "location": LOCATION, "quantity": self.there(item, us) - sum(
                    units for at, units in self.claimed.get(item, []) if at <= us)} for item in self.of_erp]}

    def drift(self, us):
        """item: the error that the ERP knows of and the books do not, as of then."""
        drift = {}
        for error in self.errors:
            counted = [to for to in self.counted[error[0]] if to <= us]
            if (counted[-1] if counted else 0) < error[1] <= us:
                drift[error[0]] = error
        return drift

    def in_books(self, item, us):
        """What the books have to say on the axis `occurred`: what is there, and what is untold since the last count."""
        counted = [to for to in self.counted[item] if to <= us]
        since = counted[-1] if counted else self.begin - 1
        return self.there(item, us) + sum(units for at, units in self.told.get(item, []) if since < at <= us)


class Night(collections.namedtuple("Night", "number")):
    """Where the ERP tells what it has."""


def arrivals(world, seed=None):
    """The commands in the order in which they arrive: as all occurred, or with lateness by a seed."""
    rng = random.Random(seed)
    rows, chains = [], {}

    def lateness():
        dice = rng.random() if seed is not None else 0
        return 0 if dice < 0.5 else rng.randrange(DAY // 4) if dice < 0.75 else rng.randrange(LATE_DAYS * DAY)
    for us, chain, command in world.facts:
        at = us if us == world.begin else us + lateness()
        if chain is not None:
            chains[chain] = at = max(at, chains.get(chain, 0))
        rows.append((at, 0, len(rows), command))
    for night, us in enumerate(world.nights):
        rows.append((us + 900 * S, 2, night, Night(night)))
    for to, command in world.counts:
        late = rng.randrange(LATE_DAYS * DAY) if seed is not None and rng.random() < 0.05 else 0
        rows.append((to + late, 1, len(rows), command))
    return [row[3] for row in sorted(rows, key=lambda row: row[:3])]


def differences(one, other):
    return [(key, one.get(key), other.get(key)) for key in one.keys() | other.keys() if one.get(key) != other.get(key)]


class Run:
    """What a server says after all has arrived."""

    def __init__(self, name, server, commands, ordered, nightly=None):
        self.name, self.server, self.ordered = name, server, ordered
        self.sent, seconds, part = 0, 0, []
        for command in commands + [None]:
            night = isinstance(command, Night)
            if part and (command is None or night or len(part) == LINES):
                seconds += self.send(part)
                part = []
            if night and nightly is not None:
                nightly(self, command.number)
            elif command is not None and not night:
                part.append(command)
        reading = time.monotonic()
        self.read_feed()
        self.cells = {}
        for (item, _), cell in server.figures()[0].items():
            del cell["version"], cell["position"]
            self.cells[item] = cell
        print("note: %s: %d commands in %.1f s = %.0f/s, %d counts, %d corrections, %d contradictions; feed in %.1f s"
              % (name, len(commands), seconds, len(commands) / seconds, len(self.counts), self.corrections,
                 self.contradictions, time.monotonic() - reading), flush=True)

    def send(self, commands):
        """How many seconds it took."""
        body = b"".join(json.dumps({**command, "seq": n} if self.ordered else command).encode() + b"\n"
                        for n, command in enumerate(commands, self.sent + 1))
        self.sent += len(commands)
        start = time.monotonic()
        rows = self.server.stream(body, "?answers=errors").lines()
        bad = [row for row in rows if "progress" not in row and "summary" not in row]
        if bad or rows[-1]["summary"]["accepted"] != len(commands):
            raise AssertionError((rows[-1], bad[:5]))
        return time.monotonic() - start

    def drift(self, source):
        """item: difference, and what it is made of."""
        rows, query = [], "&limit=100"
        while query:
            page = self.server.get("/v1/drift?explain=true&source=" + source + query).json()
            rows += page["drift"]
            query = page["next"] and "&limit=100&cursor=" + page["next"]
        return {row["item"]: (row["difference"], row["explain"][0]["sum"]) for row in rows}

    def read_feed(self):
        """The last word of each count, and the outside accounts of each item."""
        self.counts, self.accounts, self.corrections, self.contradictions = {}, {}, 0, 0
        ids, after = {}, None
        while True:
            page = self.server.get("/v1/feed?limit=10000" + (after and "&after=" + after or "")).json()
            for event in page["events"]:
                if event["type"] == "count":
                    ids[event["position"]] = event["id"]
                self.corrections += event["type"] == "correction"
                self.contradictions += event["type"] in ("discrepancy", "oversold")
                if "count" in event:
                    count = event["count"]
                    self.counts[ids[count["position"]]] = (count["variance"], count["uncertain"])
                if "account" in event:
                    key = (event["item"], event["account"])
                    self.accounts[key] = self.accounts.get(key, 0) - event["delta"].get("on_hand", 0)
            if page["next"] == after:
                break
            after = page["next"]
        self.accounts = {key: units for key, units in self.accounts.items() if units}

    def as_of(self, item, us):
        answer = self.server.get("/v1/stock/%s/%s?axis=occurred&as_of=%s" % (
            quote(item, safe=""), LOCATION, quote(text_of(us))))
        if answer.status != 200:
            raise AssertionError(answer)
        return answer.json()["on_hand"]


class Retail(FolderCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = invoices()

    def play(self, name, commands, ordered=WHOLE, nightly=None):
        folder = os.path.join(self.folder, name.replace(" ", "-"))
        os.mkdir(folder)
        server = self.start("--id-window", str(WINDOW_DAYS * 86400), folder=folder)
        for source in ("erp", "erp-later"):
            server.request("PUT", "/v1/sources/" + source, b'{"snapshot_policy":"report"}')
        return Run(name, server, commands, ordered, nightly)

    def judge_drift(self, world, run, source, night):
        """All that an ERP that knows what is there differs by, and what that is made of."""
        found = run.drift(source)
        wanted = {item: error for item, error in world.drift(world.nights[night]).items() if item in world.of_erp}
        self.assertEqual({item: row[0] for item, row in found.items()},
                         {item: error[3] for item, error in wanted.items()}, (run.name, night))
        for item, (difference, leaves) in found.items():
            _, us, kind, _, name = wanted[item]
            self.assertEqual(sum(leaf["value"] for leaf in leaves), difference)
            whys = [(leaf["why"], leaf.get("document") or leaf.get("expectation")) for leaf in leaves]
            if kind == "theft":
                self.shown[name].add(whys == [("unexplained", None)])
            else:
                names = [error[4] for error in world.errors if error[0] == item and error[2:4] == (kind, difference)]
                why = "twice" if kind == "double booking" else "not_here"
                self.assertIn(whys, [[(why, name)] for name in names], (run.name, item, night, leaves))
                self.shown[name].add(True)

    def told_at_last(self, world, run):
        """When everything is in, all nights again; what they found."""
        seconds, began = 0, time.monotonic()
        for night in range(len(world.nights)):
            seconds += run.send([world.told_by_erp("erp-later", night)])
            self.judge_drift(world, run, "erp-later", night)
        print("note: %s: %d nights told again in %.1f s, explained in %.1f s" % (
            run.name, len(world.nights), seconds, time.monotonic() - began - seconds), flush=True)
        return run.drift("erp-later")

    def judge(self, world, run):
        """A run alone against what really happened: what it says that is wrong, in words."""
        wrong = []
        for item in world.items:
            found, wanted = run.cells[item]["on_hand"], world.in_books(item, world.end)
            if found != wanted:
                wrong.append("%s: %d on hand, %d are there" % (item, found, wanted))
        for number, (variance, uncertain, *_) in world.expected.items():
            if run.counts[number] != (variance, uncertain):
                wrong.append("%s: variance, uncertain %s, not %s" % (number, run.counts[number], (variance, uncertain)))
        return wrong

    def judge_past(self, world, runs):
        rng, slow = random.Random(11), []
        for run in runs:
            if run.server.wire is not None:  # the first ones have not been asked for a while
                run.server.wire.close()
                run.server.wire = None
        for n in range(MOMENTS):
            item = rng.choice(world.items) if n % 2 else rng.choice(world.injected)[1]
            us = rng.randrange(world.begin, world.end)
            if n % 5 == 0:  # the very end of a window, and just before it
                us = rng.choice(world.counted[item]) - n % 2
            for run in runs:
                begin = time.monotonic()
                self.assertEqual(run.as_of(item, us), world.in_books(item, us), (run.name, item, text_of(us)))
                slow.append(time.monotonic() - begin)
        slow.sort()
        print("note: as of, occurred: p50 %.1f ms, most %.1f ms" % (1000 * slow[len(slow) // 2], 1000 * slow[-1]),
              flush=True)

    def judge_shown(self, world):
        """Each error was in drift, with its documents; of a theft there are none, but a sale can be as large."""
        self.assertEqual(set(self.shown), {error[4] for error in world.errors})
        thefts = [True in self.shown[error[4]] for error in world.errors if error[2] == "theft"]
        print("note: %d errors, of %d thefts %d unexplained" % (len(self.shown), len(thefts), sum(thefts)), flush=True)
        self.assertGreater(sum(thefts), len(thefts) * 2 // 3)

    def test_the_order_of_arrival_does_not_matter(self):
        rows = self.rows
        world = World(rows, (rows[-1][0] - rows[0][0]) // DAY + 1 if WHOLE else MONTH_DAYS)
        found = [row for row in world.expected.values() if row[0] != 0]
        self.assertEqual(len(found), len(world.injected))
        print("note: %d facts, %d items, %d counts, %d errors; %d units moved while counted" % (
            len(world.facts), len(world.items), len(world.counts), len(found),
            sum(row[1] for row in world.expected.values())))
        self.shown = collections.defaultdict(set)

        def nightly(run, night):
            run.send([world.told_by_erp("erp", night)])
            self.judge_drift(world, run, "erp", night)
        runs = [self.play("in order", arrivals(world), nightly=nightly)]
        self.assertEqual(runs[0].corrections, 0)
        self.judge_shown(world)
        at_last = {item: error[3] for item, error in world.drift(world.nights[-1]).items()}
        self.assertEqual(len(at_last), 3 * OPEN_ERRORS)
        for seed in SEEDS:
            runs.append(self.play("shuffled %d" % seed, arrivals(world, seed),
                                  nightly=lambda run, night: run.send([world.told_by_erp("erp", night)])))
            self.assertGreater(runs[-1].corrections, len(world.facts) // 20)
            self.shown.clear()
            last = self.told_at_last(world, runs[-1])
            self.judge_shown(world)
            self.assertEqual({item: row[0] for item, row in last.items()}, at_last)
        for run in runs:
            self.assertEqual(self.judge(world, run), [], run.name)
            self.assertEqual(differences(run.cells, runs[0].cells), [], run.name)
            self.assertEqual(differences(run.accounts, runs[0].accounts), [], run.name)
        self.judge_past(world, runs)
        for run in runs:
            run.server.stop()

    def test_a_fact_left_out_is_seen(self):
        """Three days, two counts. One fact less: the count behind it says so, or what is there at the end."""
        world = World(self.rows, 3, every_days=1, orders=50, deliveries=20, errors=5)
        commands = arrivals(world, 1)
        self.assertEqual(self.judge(world, self.play("small", commands, False)), [])
        for late in (False, True):
            command = next(command for us, _, command in world.facts
                           if command["kind"] == "sale" and us > world.begin + DAY // 2 and
                           (us > world.counted[command["lines"][0]["item"]][-1]) == late)
            less = [other for other in commands if other is not command]
            wrong = self.judge(world, self.play("small, less %s" % command["id"], less, False))
            self.assertEqual(len(wrong), 1, wrong)
            self.assertIn(command["lines"][0]["item"] + ":" if late else "count-", wrong[0])


if __name__ == "__main__":
    unittest.main()
