"""
What the stories share: short commands in the words of the story, and a look at everything a command may have changed.

Each story has names of its own (items, holds, channels, documents), so that many of them share one server; locations
are the same ones for all. A line is (location, quantity) of the story's item, or (location, quantity, item).
After each story the feed is held against the answers and the figures: see check_feed.
"""
import datetime
import time

from server import ServerCase

TODAY = datetime.datetime.now(datetime.timezone.utc).date()  # of all stories, also of one that is told over midnight
OWN = ("hold", "transfer", "expectation", "channel")  # names that are the story's own
ATTENDANT = ("oversold", "discrepancy", "low_stock", "out_of_stock", "back_in_stock")  # events that follow another
CLAIM_OPEN = ("held", "committed", "picked", "backordered")


def day(days):
    """The day so many days from today, as documents give it."""
    return (TODAY + datetime.timedelta(days)).isoformat()


def instant(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime(
        "%Y-%m-%dT%H:%M:%S.%fZ")


class Storyteller:
    """Tells one story to one server; case is the test that asserts."""

    def __init__(self, case, server, prefix):
        self.case, self.server, self.prefix = case, server, prefix
        self.begin = self.mark = server.position()
        self.count = 0
        self.positions = {}  # id: position of its answer
        self.documents = set()  # paths of transfers and expectations spoken of

    # ---- words ----

    def own(self, name):
        return "%s/%s" % (self.prefix, name)

    def short(self, name):
        return name.removeprefix(self.prefix + "/")

    def line(self, place, quantity, item="item", **more):
        row = {"item": self.own(item), "quantity": quantity, **more}
        return row if place is None else {**row, "location": place}

    def command(self, kind, *lines, **fields):
        """kind: its name, or an object with more members, for those whose names mean something else here."""
        self.count += 1
        command = {"kind": kind, "source": self.prefix, "id": str(self.count)}
        if isinstance(kind, dict):
            command.update(kind)
        for name, value in fields.items():
            command[name] = self.own(value) if name in OWN or name == "item" else value
        if lines:
            command["lines"] = [self.line(*line) if isinstance(line, tuple) else line for line in lines]
        for name, path in (("transfer", "transfers"), ("expectation", "expectations")):
            if name in command:
                self.documents.add("/v1/%s/%s" % (path, command[name].replace("/", "%2F")))
        if "at" in command:
            self.documents.add("/v1/expectations/" + command["hold"].replace("/", "%2F"))
        return command

    # ---- telling ----

    def do(self, kind, *lines, **fields):
        """A command that is accepted; its answer."""
        command = self.command(kind, *lines, **fields)
        response = self.server.send(**command)
        self.case.assertEqual(response.status, 200, "%r: %r" % (command, response))
        answer = response.json()
        self.case.assertFalse(answer["replayed"])
        self.positions[command["id"]] = answer["position"]
        self.last = command
        return answer

    def no(self, code, kind, *lines, cells=None, at=None, **fields):
        """A command that is refused, with the field (at) and the short cells; it changes nothing. The problem."""
        command = self.command(kind, *lines, **fields)
        before = self.state()
        response = self.server.send(**command)
        problem = response.json()
        self.case.assertEqual((response.status, problem.get("code")), (409, code), "%r: %r" % (command, response))
        self.case.assertEqual(response.head["content-type"], "application/problem+json")
        self.case.assertEqual(problem["outcome"], "refused")
        self.case.assertEqual(problem.get("field"), at)
        self.case.assertEqual([(row["location"], row["asked"], row["free"], *self.item_of(row))
                               for row in problem.get("cells", [])], cells or [])
        self.case.assertEqual(self.state(), before, "a refused %s changed something" % kind)
        self.last = command
        return problem

    def item_of(self, row):
        """An item is told only where it is not the story's main one."""
        return () if row["item"] == self.own("item") else (self.short(row["item"]),)

    def again(self):
        """The last command, sent again: its answer is the first one."""
        response = self.server.send(**self.last)
        answer = response.json()
        self.case.assertTrue(answer["replayed"])
        if self.last["id"] in self.positions:
            self.case.assertEqual(answer["position"], self.positions[self.last["id"]])
        return answer

    # ---- looking ----

    def cell(self, place, version, item="item", **figures):
        cell = self.server.cell(self.own(item).replace("/", "%2F"), place)
        self.case.assertEqual({name: cell[name] for name in figures} | {"version": cell["version"]},
                              figures | {"version": version}, "%s at %s" % (item, place))

    def hold(self, name, state, *lines):
        """lines: (location, counters that are not 0)."""
        hold = self.server.get("/v1/holds/" + self.own(name).replace("/", "%2F")).json()
        told = [(row["location"], {word: units for word, units in row.items()
                                   if word not in ("item", "location") and units != 0}, *self.item_of(row))
                for row in hold["lines"]]
        self.case.assertEqual((hold["state"], sorted(told, key=str)), (state, sorted(lines, key=str)), name)
        return hold

    def free(self, place, channel=None, item="item"):
        """What a request could have now: asked without doing it."""
        fields = {} if channel is None else {"channel": channel}
        command = self.command("hold", (place, 10 ** 9, item), hold="never", dry_run=True, **fields)
        problem = self.server.send(**command).json()
        self.case.assertEqual((problem["code"], problem["dry_run"]), ("insufficient_stock", True))
        return problem["cells"][0]["free"]

    def atp(self, place, at=None, **query):
        text = "".join("&%s=%s" % pair for pair in query.items()) + ("&at=" + at if at else "")
        path = "/v1/atp/%s?location=%s%s" % (self.own("item").replace("/", "%2F"), place, text)
        answer = self.server.get(path).json()
        return (answer["atp"], answer["earliest"]) if query else answer["atp"]

    def ats(self, channel, item="item"):
        """What the channel's window shows."""
        name, channel = [self.own(name).replace("/", "%2F") for name in (item, channel)]
        answer = self.server.get("/v1/availability?channel=%s&item=%s" % (channel, name)).json()
        return answer["items"][0]["ats"]

    def events(self, after=None, query=""):
        return self.server.events("&item=%s/*%s" % (self.prefix, query), after or self.begin)

    def words(self, event):
        """receive 10 DC; of a claim: commit 5 DC O1."""
        words = [event["type"], str(event["quantity"]), event["location"], *self.item_of(event)]
        return " ".join(words + ([self.short(event["hold"])] if "hold" in event else []))

    def told(self, *wanted):
        """The events since the last time this was asked, in words."""
        events = self.events(self.mark)
        self.case.assertEqual([self.words(event) for event in events if "location" in event], list(wanted))
        if events:
            self.mark = events[-1]["position"]
        return events

    def quota(self, place, channel, item="item"):
        """What the channel has left there: as the last event that touched it says."""
        return [event["quota"]["units"] for event in self.events()
                if "quota" in event and event["quota"]["channel"] == self.own(channel) and
                (event["item"], event["location"]) == (self.own(item), place)][-1]

    def holds(self):
        holds, cursor = [], ""
        while cursor is not None:
            page = self.server.get("/v1/holds?limit=1000" + ("&cursor=" + cursor if cursor else "")).json()
            holds += [row for row in page["holds"] if row["hold"].startswith(self.prefix + "/")]
            cursor = page["next"]
        for hold in holds:
            hold.pop("position")  # of the log
        return holds

    def state(self):
        """Everything there is of the story: cells with their versions, claims, documents, and how many events."""
        cells, _ = self.server.figures("?item=%s/*" % self.prefix)
        documents = {path: self.server.get(path).json() for path in sorted(self.documents)}
        for document in documents.values():
            document.pop("position", None)  # of the log
        return cells, self.holds(), documents, len(self.events())

    def wait_for(self, words, seconds=60):
        """Until the feed says so."""
        end = time.monotonic() + seconds
        while words not in [self.words(event) for event in self.events(self.mark) if "location" in event]:
            self.case.assertLess(time.monotonic(), end, "no event '%s'" % words)
            time.sleep(0.02)

    # ---- in the end ----

    def check_feed(self):
        """
        The feed tells the whole story: versions of each cell without a gap, each event's figures those before it and
        its delta, parts of a command together and in order, an answer's position that of its last event, and the last
        figures those that are read. And what is claimed in the cells is what the claims say.
        """
        case, cells, parts, last = self.case, {}, None, {}
        for event in self.events(query="&include=refused"):
            key = event["source"], event["id"]
            if parts is not None and parts[0] == key and parts[1] < parts[2]:
                case.assertEqual(event["part"], [parts[1] + 1, parts[2]])
            parts = key, *event["part"]
            if event["source"] == self.prefix:
                last[event["id"]] = event["position"]
            if "location" not in event:
                continue
            cell = event["item"], event["location"]
            before = cells.get(cell, {"version": 0})
            case.assertEqual(event["version"], before["version"] + 1, event)
            for name, units in event["figures"].items():
                if name in ("conditions", "unavailable", "oversold"):
                    continue
                case.assertEqual(units, before.get(name, 0) + event["delta"].get(name, 0), "%s of %r" % (name, event))
            if event["type"] in ATTENDANT:
                case.assertEqual(event["delta"], {})
            if "claim" in event:
                claim = event["claim"]
                case.assertEqual(claim["granted"], sum(claim[name] for name in
                                                       ("consumed", "released", "expired", "held", "committed")), event)
            cells[cell] = {**event["figures"], "version": event["version"]}
        case.assertEqual({id: position for id, position in last.items() if id in self.positions},
                         {id: position for id, position in self.positions.items() if id in last})
        figures, _ = self.server.figures("?item=%s/*" % self.prefix)
        claimed = {}
        for hold in self.holds():
            for row in hold["lines"]:
                sums = claimed.setdefault((row["item"], row["location"]), dict.fromkeys(CLAIM_OPEN, 0))
                for name in CLAIM_OPEN:
                    sums[name] += row[name]
        case.assertEqual(set(figures), set(cells))
        for key, cell in figures.items():
            case.assertEqual({name: cell[name] for name in cells[key]}, cells[key])
            case.assertEqual({name: cell[name] for name in CLAIM_OPEN},
                             claimed.get(key, dict.fromkeys(CLAIM_OPEN, 0)), key)


class Story(ServerCase):
    """A case of stories on one server: self.s tells the present one."""

    def setUp(self):
        self.s = Storyteller(self, self.server, self._testMethodName.removeprefix("test_"))

    def tearDown(self):
        if self._outcome.success:
            self.s.check_feed()
