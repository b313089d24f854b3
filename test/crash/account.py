"""
The books of a crash test, kept from what was sent, independent of the server's: each decision of the feed is judged
again by a few plain rules, and its figures are compared.
"""
import json

from load import HOT

SHOWN_MAX = 5


class Account:
    def __init__(self, senders):
        self.commands = {sender.source: sender.commands for sender in senders}
        self.figures = {}  # item: [on hand, held, committed]
        self.holds = {}    # name: [state, item, quantity]
        self.decided = {}  # (source, number): (accepted, position)
        self.counts = {"lost": 0, "doubled": 0, "oversold": 0, "wrong": 0}
        self.shown = []

    def flag(self, what, text):
        self.counts[what] += 1
        if len(self.shown) < SHOWN_MAX:
            self.shown.append("%s: %s" % (what, text))

    def cell(self, item):
        return self.figures.setdefault(item, [0, 0, 0])

    def judge(self, command):
        """Is it accepted? Then its figures are changed."""
        cell = self.cell(command.item)
        if command.kind == "receive":
            cell[0] += command.quantity
            return True
        if command.kind == "sale":
            cell[0] -= command.quantity
            return True
        if command.kind == "hold" or not command.hold:
            if cell[0] - cell[1] - cell[2] < command.quantity:
                return False
            if command.kind == "hold":
                cell[1] += command.quantity
                self.holds[command.hold] = ["held", command.item, command.quantity]
            else:
                cell[0] -= command.quantity
            return True
        hold = self.holds.get(command.hold)
        if hold is None or hold[0] not in ("held", "committed"):
            return False
        cell[1 if hold[0] == "held" else 2] -= command.quantity
        if command.kind == "commit":
            cell[2] += command.quantity
        elif command.kind == "ship":
            cell[0] -= command.quantity
        hold[0] = "committed" if command.kind == "commit" else "ended"
        return True

    def expire(self, event):
        hold = self.holds.get(event["hold"])
        if hold is None or hold[0] != "held" or hold[2] != event["quantity"]:
            self.flag("wrong", "expired, but was not held: %r" % event)
            return
        self.cell(hold[1])[1] -= hold[2]
        hold[0] = "ended"

    def take(self, events):
        """One decision."""
        first, last = events[0], events[-1]
        if first["source"] == "@ledger":
            if first["type"] == "expire":
                self.expire(first)
            elif first["type"] != "config":
                self.flag("wrong", "nobody asked for it: %r" % first)
                return
        else:
            key = (first["source"], int(first["id"]))
            if key in self.decided:
                self.flag("doubled", "%s %d at %s and %s" % (*key, self.decided[key][1], last["position"]))
                return
            commands = self.commands.get(key[0], ())
            if key[1] >= len(commands):
                self.flag("wrong", "nobody sent it: %r" % first)
                return
            accepted = first["type"] != "refused"
            self.decided[key] = (accepted, last["position"])
            if accepted != self.judge(commands[key[1]]):
                self.flag("oversold" if accepted else "wrong", "%s, by the books it is not: %r" %
                          ("accepted" if accepted else "refused", first))
        for event in events:
            if event["type"] in ("refused", "config"):
                continue
            figures = event["figures"]
            if event["item"] in HOT and (figures["available"] < 0 or event["type"] in ("oversold", "discrepancy")):
                self.flag("oversold", "%r" % event)
            if [figures["on_hand"], figures["held"], figures["committed"]] != self.cell(event["item"]):
                self.flag("wrong", "the books say %r: %r" % (self.cell(event["item"]), event))

    def take_all(self, blocks):
        """The feed, as its stream has it. Numbers and parts must have no gap."""
        open_events, number = [], 0
        for block in blocks:
            event = json.loads(block[block.index(b"\ndata: ") + 7:])
            number += 1
            if event["seq"] != number:
                self.flag("lost" if event["seq"] > number else "doubled",
                          "event %d where %d was due" % (event["seq"], number))
                number = event["seq"]
            open_events.append(event)
            if event["part"][0] != len(open_events):
                self.flag("wrong", "a decision lacks parts: %r" % event)
            if event["part"][0] == event["part"][1]:
                self.take(open_events)
                open_events = []
        if open_events:
            self.flag("lost", "the last decision lacks parts: %r" % open_events[-1])

    def compare_answers(self, senders):
        """Each answer against what was decided."""
        for sender in senders:
            for number, outcome in enumerate(sender.outcomes):
                if outcome is not None and self.decided.get((sender.source, number)) != outcome:
                    self.flag("lost", "%s %d: answered %r, decided %r" %
                              (sender.source, number, outcome, self.decided.get((sender.source, number))))

    def compare_figures(self, figures):
        """Against GET /v1/figures: {(item, location): figures}."""
        theirs = {item: [cell["on_hand"], cell["held"], cell["committed"]] for (item, _), cell in figures.items()}
        for item in set(theirs) | set(self.figures):
            if theirs.get(item) != self.cell(item):
                self.flag("wrong", "%s: the books say %r, the server %r" % (item, self.cell(item), theirs.get(item)))
