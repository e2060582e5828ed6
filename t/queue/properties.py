#!/usr/bin/env python3
"""The queue's invariants on random traces, with the real scripts on a private Redis and an injected clock.

usage: properties.py [--traces N] [--steps N] [--seed N] [--mutate NAME]

Numbers in brackets are those of the design's list of invariants. A failure prints the trace's seed; running with
--seed SEED --traces 1 repeats it. --mutate breaks the library on purpose: then a violation is the success.
"""
import argparse
import random
import struct
import sys

from draw import compute_shuffled_index
from faithful import ADMITTED, FIRST_MEMBER, LATE, WAITING, Faithful, check_order
from redis_server import Server

MUTATIONS = {
    "cap-off-by-one": ("local cap, st = q.cf.capacity, q.st", "local cap, st = q.cf.capacity + 1, q.st"),
    "rate-ignored": ("if t > q.us then break end", ""),
    "late-returner-last": ("local n = late and next_late(q, budget) or nil\n    if not n then\n      late = false",
                           "local n = next_in_line(q, budget) or late and next_late(q, budget) or nil\n"
                           "    if not n then\n      late = false"),
    "slot-not-handed-on": ("'hold_expired' or 'left', 1)\n  advance(q)", "'hold_expired' or 'left', 1)"),
    "calls-while-paused": ("if q.phase ~= PHASE.OPEN and q.phase ~= PHASE.DRAIN then return end\n  widen(q)",
                           "widen(q)"),
    "lease-kept-on-release": ("if call('ZREM', q.p .. 'l', member) == 1 then", "if true then"),
    "holder-forgotten": ("    call('SREM', q.p .. 'o', unpack(leases))\n", ""),
    "notice-ignored": ("elseif st[S] < st[E] then", "elseif true then"),
    "every-other-skipped": ("        st[S] = st[S] + 1\n        return st[S] - 1",
                            "        st[S] = st[S] + 2\n        return st[S] - 1"),
    "late-by-number": ("string.format('%d', max(q.us, last + 1)), ticket)", "n, ticket)"),
    "double-number": ("  q.st[TAIL] = n + 1\n  q.dirty = true\n  put_member(q, member, n, KIND.TICKET)",
                      "  put_member(q, member, n, KIND.TICKET)"),
}
OPENISH = (4, 8)  # phases in which tickets are called: open, drain
INVARIANTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 16)  # 12 is the unit test of the draw, 13 restore.py
LOBBY, RESOLVE = 1, 8


class Violation(Exception):
    pass


class Trace:
    without_seats = (7, 9, 2, 3)  # phases there may be: sold out, closed, lobby, drawing

    def __init__(self, client, seed):
        self.r, self.seed, self.random = client, seed, random.Random(seed)
        rnd = self.random
        self.key = "cq:{%d}" % (seed % 1000003 + 1)
        self.us = 10**15 + rnd.randrange(10**12)
        self.capacity, self.rate = rnd.choice((1, 2, 5, 20)), rnd.choice((1, 2, 5, 20, 50))
        self.burst = rnd.choice((0, 1, 3))
        self.members = rnd.choice((8, 30, 60))
        self.lobby = rnd.random() < 0.4
        self.drawn_seed = rnd.randbytes(32)
        self.checked, self.faithful, self.speed, self.cached = {}, [], 0, None
        self.shown, self.lost = {}, 0  # ahead as the summary has it; when Redis lost everything
        self.ahead, self.late_ahead, self.numbers, self.given, self.before = {}, {}, {}, set(), None
        self.tat, self.released_calls, self.stock = 0.0, 0, None
        self.opening = self.us // 1000 + 30000
        settings = ["gate", 1, "capacity", self.capacity, "rate", self.rate, "burst", self.burst,
                    "window", rnd.choice((8000, 10000)), "lease", rnd.choice((5000, 60000)), "lease_max", 90000,
                    "liveness", 45000, "late_grace", rnd.choice((20000, 300000)), "buckets", 16, "operator", 0]
        if self.lobby:
            settings += ["lobby_at", self.us // 1000 - 1, "open_at", self.opening]
        self.r.pipeline([("DEL", self.key, self.key + ":f"),
                         ("FCALL", "cm_queue_configure", 1, self.key, 0, "clock", self.us, *settings)])
        self.iv = 1e6 / self.rate
        self.bt = self.iv * ((self.burst or max(1, self.rate)) - 1)
        if rnd.random() < 0.5:
            self.add_faithful()

    def add_faithful(self):
        """Some who come as told, half of the times behind a crowd that joins and goes home."""
        crowd = self.random.choice((0, 0, 300, 1200))
        self.r.pipeline([self.clock()] + [self.call("join", 2 * FIRST_MEMBER + m, 0) for m in range(crowd)])
        first = FIRST_MEMBER + len(self.faithful)
        self.faithful += [Faithful(first + m, self.us + self.random.randrange(60 * 10**6)) for m in range(4)]

    def clock(self):
        return ("SETRANGE", self.key + ":f", 0, struct.pack("<d", self.us))

    def call(self, name, *args):
        return ("FCALL", "cm_queue_" + name, 1, self.key, *args)

    def looks(self):
        p = self.key + ":e1:"
        return [("FCALL_RO", "cm_queue_info", 1, self.key), ("ZRANGE", p + "c", 0, -1), ("HGETALL", p + "g"),
                ("ZRANGE", p + "w", 0, -1), ("HGETALL", p + "n"), ("ZRANGE", p + "l", 0, -1), ("SMEMBERS", p + "o")]

    @staticmethod
    def pairs(flat):
        return dict(zip(flat[::2], flat[1::2]))

    def look(self, replies):
        info, calls, grants, late, counters, leases, holders = replies
        state = {name: float(value) for name, value in self.pairs(info).items()}
        return {"state": state, "calls": set(map(int, calls)),
                "grants": {m: int(g.split(":")[0]) for m, g in self.pairs(grants).items()},
                "late": list(map(int, late)), "leases": set(leases), "holders": set(holders),
                "count": {n: int(v) for n, v in self.pairs(counters).items()}}

    def fail(self, number, text):
        raise Violation("[%s] %s" % (number, text))

    def expect(self, condition, number, text, counts=1):
        self.checked[number] = self.checked.get(number, 0) + counts
        if not condition:
            self.fail(number, text)

    # what holds after every step

    def check(self, after, released_call):
        before = self.before or after
        s, t, c = before["state"], after["state"], after["count"]
        size = len(after["calls"]) + len(after["leases"])
        self.expect(size <= self.capacity, 1, "%d inside, capacity %d" % (size, self.capacity))
        for name in ("tail", "S", "E", "C", "hw", "epoch"):
            self.expect(t[name] >= s[name], 3, "%s fell from %s to %s" % (name, s[name], t[name]))
        self.check_rate(before["count"], c)
        new = c.get("called", 0) - before["count"].get("called", 0)
        seekers = size - len(after["holders"])
        self.expect(new == 0 or t["free"] < 0 or seekers <= 2 * t["free"], 1,
                    "%d called, %d look for %d seats" % (new, seekers, t["free"]))
        self.expect(new == 0 or int(t["phase"]) in OPENISH, 9, "%d calls in phase %d" % (new, t["phase"]))
        check_order(self, before, after)
        self.released_calls += released_call
        self.expect(c.get("called", 0) == c.get("claimed", 0) + c.get("noshow", 0) + len(after["calls"])
                    + self.released_calls, 10, "calls and what became of them differ: %s" % c)
        for member, ticket in after["grants"].items():
            self.expect(ticket < t["S"], 10, "member %s has a lease before ticket %d was called" % (member, ticket))
        self.expect(set(after["grants"]) == after["leases"], 10, "leases without a grant")
        self.expect(after["holders"] <= after["leases"], 10, "who holds seats has no lease")
        self.check_late(before, after)
        self.expect(self.moved(s, t) <= 4096, 14, "S jumped by %d to %s" % (t["S"] - s["S"], t))
        if self.stock == (0, 0):
            self.expect(int(t["phase"]) in self.without_seats, 15, "phase %d without seats" % t["phase"])

    @staticmethod
    def nearer(number, state):
        """The number without those between S and it that belong to nobody."""
        return number

    @staticmethod
    def moved(before, after):
        """Tickets the frontier moved over."""
        return after["S"] - before["S"]

    def check_rate(self, before, after):
        for _ in range(after.get("noshow", 0) - before.get("noshow", 0)):
            self.tat -= self.iv
        for _ in range(after.get("called", 0) - before.get("called", 0)):
            start = max(self.tat, self.us - self.bt)
            self.expect(start <= self.us + 1, 2, "called %.0f us too early" % (start - self.us))
            self.tat = start + self.iv

    def check_late(self, before, after):
        served = [n for n in after["calls"] | set(after["grants"].values()) if n >= before["state"]["S"]]
        if not served:
            return
        for n in before["late"]:
            present = self.seen.get(n, 0) and self.us // 10**6 - self.seen[n] <= 45
            self.expect(n not in after["late"] or not present, 11,
                        "late ticket %d waits while %s are called" % (n, served))

    # steps

    def run(self, steps):
        self.seen = {}
        actions = (["join"] * 6 + ["status"] * 10 + ["release"] * 3 + ["now"] * 3 + ["wait"] * 3 + ["extend", "operate",
                   "stock", "twice"])
        self.step()
        for _ in range(steps):
            self.pass_time(self.random.choice((0, 1000, 100000, 700000, 2000000)))
            getattr(self, "do_" + self.random.choice(actions))()

    def pass_time(self, us):
        """Until then those who come as told have come."""
        until = self.us + us
        while True:
            due = min((f for f in self.faithful if not f.gone and f.due <= until), key=lambda f: f.due, default=None)
            if not due:
                break
            self.us = max(self.us, int(due.due))
            due.come(self)
        self.us = until

    def step(self, *commands, member=None, released=False):
        replies = self.r.pipeline([self.clock(), *commands, *self.looks()])[1:]
        answers, after = replies[:len(commands)], self.look(replies[len(commands):])
        # whoever bought with the turn of another place keeps this one: no number is answered
        was_called = released and self.before is not None and answers[0][3] in self.before["calls"] - after["calls"]
        self.check(after, int(was_called))
        self.late_ahead = {n: ahead for n, ahead in self.late_ahead.items() if n in after["late"]}
        self.before = after
        if member is not None:
            self.note(member, answers[0])
        return answers

    def note(self, member, answer):
        code, number, ahead = answer[0], answer[3], answer[4]
        if answer[13] == 1 and code != LOBBY:
            self.expect(number not in self.given, 4, "number %d was given twice" % number)
            self.given.add(number)
        if code in (WAITING, LATE, ADMITTED):
            if self.numbers.get(member, number) != number and answer[13] == 0:
                self.fail(4, "member %d had %d, now %d" % (member, self.numbers[member], number))
            self.numbers[member] = number
            if self.seen.get(number, 0) != self.us // 10**6 and code != ADMITTED:
                self.seen[number] = self.us // 10**6
        if code == WAITING:
            self.expect(ahead <= self.ahead.get(number, ahead), 3, "ahead of %d rose to %d" % (number, ahead))
            self.ahead[number] = ahead
        if code == LATE:
            self.expect(ahead <= self.late_ahead.get(number, ahead), 3, "ahead of late %d rose to %d" % (number, ahead))
            self.late_ahead[number] = ahead

    def resolve(self, answer):
        return compute_shuffled_index(answer[3], answer[12], self.drawn_seed)

    def visit(self, name, member):
        answer = self.step(self.call(name, member, 0), member=member)[0]
        if answer[0] == RESOLVE:
            extra = ("tag", self.resolve(answer)) if name == "join" else (self.resolve(answer),)
            answer = self.step(self.call(name, member, 0, *extra), member=member)[0]
        return answer

    def pick(self):
        return self.random.randrange(1, self.members + 1)

    def do_join(self):
        self.visit("join", self.pick())

    def do_status(self):
        self.visit("status", self.pick())

    def do_twice(self):
        member = self.pick()
        first = self.visit("join", member)
        tail = self.before["state"]["tail"]
        again = self.visit("join", member)
        if first[0] in (LOBBY, WAITING, LATE, ADMITTED):
            self.expect((again[3], self.before["state"]["tail"]) == (first[3], tail), 4,
                        "joining again: %s then %s" % (first[:5], again[:5]))

    def look_once(self):
        answer = self.step(self.call("now", 0))[0]
        if answer[2] in (3, 6, 7) and answer[8] > 0 and answer[9] == 0:   # drawing, or no seat is free
            self.step(self.call("reveal", 0, self.drawn_seed.hex(), answer[8], answer[27]))

    def do_now(self):
        self.look_once()
        self.fixpoint(5)

    def summary(self):
        """The state as nginx' cache gives it: fresh for up to 2 s, and for 4 more while a new one is made."""
        age = self.us - self.cached["us"] if self.cached else None
        given = self.cached if age is not None and age <= 6 * 10**6 else None
        if age is None or age > 2 * 10**6:
            self.look_once()
            self.cached = {**self.before["state"], "us": self.us}
        return given or self.cached

    def fixpoint(self, number):
        called = self.before["count"].get("called", 0)
        self.step(self.call("now", 0))
        again = self.before["count"].get("called", 0)
        self.expect(again == called, number, "a second look at one instant called %d" % (again - called))

    def do_release(self):
        member, why = self.pick(), self.random.choice(("leave", "done", "expire_hold"))
        self.step(self.call("release", member, 0, why), released=True)
        self.numbers.pop(member, None)
        left = self.r("FCALL_RO", "cm_queue_verify", 1, self.key, member)
        self.expect(left[0] == 0, 16, "%d ms of a lease after release" % left[0])
        self.fixpoint(6)

    def do_extend(self):
        self.step(self.call("extend", self.pick(), self.us // 1000 + self.random.randrange(200000)))

    def do_wait(self):
        self.pass_time(self.random.choice((3, 6, 11, 50, 130)) * 10**6)
        self.do_now()

    def do_operate(self):
        mode = self.random.choice((0, 0, 0, 1, 2))
        self.step(self.call("configure", 0, "clock", self.us, "operator", mode))

    def do_stock(self):
        self.stock = self.random.choice(((100, 0), (100, 5), (1, 3), (0, 3), (0, 0), (100, 0)))
        self.step(self.call("now", 0, "clock", self.us, "free", self.stock[0], "held", self.stock[1]))


def bounded_work(client):
    """[14] A crowd that went home is passed over in bounded parts."""
    trace = Trace(client, 77)
    trace.lobby = False
    trace.r.pipeline([("DEL", trace.key), trace.clock(),
                      trace.call("configure", 0, "clock", trace.us, "lobby_at", 0, "open_at", 0, "step", 100000,
                                 "rate", 10000, "capacity", 1)])
    trace.r.pipeline([trace.call("join", m, 0) for m in range(1, 20001)])
    trace.us += 60 * 10**6
    trace.r.pipeline([trace.clock(), trace.call("release", 1, 0, "leave")])
    at = float(trace.pairs(trace.r("FCALL_RO", "cm_queue_info", 1, trace.key))["S"])
    for _ in range(60):
        trace.us += 10 * 10**6
        state = trace.pairs(trace.r.pipeline([trace.clock(), trace.call("now", 0),
                                              ("FCALL_RO", "cm_queue_info", 1, trace.key)])[2])
        serving = float(state["S"])
        if serving - at > 4096:
            raise Violation("[14] S jumped by %d" % (serving - at))
        at = serving
    if at < 20000:
        raise Violation("[8] the frontier stopped at %d of 20000" % at)


def run(args):
    with Server(change=MUTATIONS[args.mutate] if args.mutate else None) as server:
        client = server.client()
        seen, checked, seed = {}, {}, args.seed
        try:
            for seed in range(args.seed, args.seed + args.traces):
                trace = Trace(client, seed)
                trace.run(args.steps)
                for name, value in trace.before["count"].items():
                    seen[name] = seen.get(name, 0) + value
                for number, times in trace.checked.items():
                    checked[number] = checked.get(number, 0) + times
                client("FLUSHDB")
            if not args.mutate:
                bounded_work(client)
        except Violation as violation:
            print("violation with seed %d: %s" % (seed, violation))
            return 1
        for number in INVARIANTS:
            print("invariant %d: held %d times" % (number, checked.get(number, 0)))
        print("%d traces of %d steps from seed %d: %s" % (
            args.traces, args.steps, args.seed, ", ".join("%s %d" % item for item in sorted(seen.items()))))
        return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--traces", type=int, default=200)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutate", choices=sorted(MUTATIONS))
    args = parser.parse_args()
    failed = run(args)
    if args.mutate:
        print("%s %s" % ("caught:" if failed else "NOT CAUGHT:", args.mutate))
        return int(not failed)
    return failed


if __name__ == "__main__":
    sys.exit(main())
