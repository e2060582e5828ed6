#!/usr/bin/env python3
"""The queue's invariants on random traces in which Redis loses everything now and then: members show their tickets when
they come, the rebuild ends with a gap in the numbers, and what held before holds with it.

usage: gaps.py [--traces N] [--steps N] [--seed N] [--mutate NAME]
"""
import argparse
import sys

import properties
from properties import Trace, Violation
from faithful import ADMITTED, FIRST_MEMBER, LATE, WAITING, Faithful
from redis_server import Server

NONE, REBUILD, REBUILDING = 0, 12, 10
SLACK = 200000
MUTATIONS = {
    "gap-not-jumped": ("    local jump = #q.gaps > 0 and gap_end(q, st[S])\n", "    local jump = nil\n"),
    "gap-counts-as-people": ("    if to > q.gaps[i][1] then count = count - (to - q.gaps[i][1]) end\n", ""),
    "older-copy-believed": ("elseif is_behind(st, given) then", "elseif false then"),
    "older-place-kept": ("number > has then has = nil end", "false then has = nil end"),
    "no-gap": ("    st[TAIL] = st[TAIL] + SLACK\n", ""),
    "calls-in-rebuild": ("  if st[OPMODE] == MODE.REBUILD then return PHASE.REBUILD end\n", ""),
    "into-the-gap": ("      st[S], raw = jump, nil\n", "      st[S], raw = jump - 1, nil\n      return nil\n"),
    "ceiling-stays-behind": ("for _, i in ipairs { C, E, CS } do", "for _, i in ipairs { CS } do"),
    "near-is-by-number": ("ahead >= q.st[C] - q.st[S] + q.cf.A", "number >= q.st[C] + q.cf.A"),
}


class GapTrace(Trace):
    without_seats = (*Trace.without_seats, REBUILDING)

    def __init__(self, client, seed):
        self.papers, self.wipes, self.returns, self.jumped = {}, 0, 0, 0
        super().__init__(client, seed)
        self.settings = ("clock", "gate", "lobby_at", "open_at", "capacity", "rate", "burst", "window", "lease", "lease_max",
                         "liveness", "late_grace", "buckets")

    def run(self, steps):
        for _ in range(3):
            super().run(steps // 8)
            self.keep()
            super().run(steps // 8)
            self.wipe()
            self.faithful += [Faithful(FIRST_MEMBER + len(self.faithful) + m, self.us + self.random.randrange(90 * 10**6))
                              for m in range(4)]
        super().run(steps // 4)

    def note(self, member, answer):
        if answer[0] in (WAITING, LATE, ADMITTED):
            self.papers[member] = (answer[3], answer[9])
        super().note(member, answer)

    def visit(self, name, member):
        """Clients show their ticket whenever they ask; nobody shows the one of a place that was given back."""
        answer = super().visit(name, member)
        if answer[0] in (NONE, REBUILD) and member in self.papers:
            number, lease_end = self.papers[member]
            answer = self.step(self.call("restore", member, 0, number, 1, lease_end if answer[0] == REBUILD else 0),
                               member=member)[0]
            self.expect(answer[0] == NONE or answer[3] == number, 13, "member %d had %d, has %s" % (
                member, number, answer[:5]))
        return answer

    def do_release(self):
        released = set(self.numbers)
        super().do_release()
        for member in released - set(self.numbers):
            self.papers.pop(member, None)

    def gaps(self, state):
        return [(state["gap%d_from" % i], state["gap%d_to" % i]) for i in range(1, int(state["gaps"]) + 1)]

    def nearer(self, number, state):
        return number - sum(max(0, min(end, number) - max(start, state["S"])) for start, end in self.gaps(state))

    def moved(self, before, after):
        """Without the numbers in gaps, which belong to nobody and are jumped as soon as the frontier gets there."""
        moved = after["S"] - before["S"]
        for start, end in self.gaps(after):
            self.expect(not start < after["S"] < end, 14, "the frontier stands in the gap %d-%d" % (start, end))
            if before["S"] <= start and after["S"] >= end:
                moved -= end - start
                self.jumped += 1
        return moved

    def check_late(self, before, after):
        """A lease that is put back is no call."""
        if int(before["state"]["phase"]) != REBUILDING:
            super().check_late(before, after)

    def keep(self):
        """A copy of what Redis has, which it may come back with."""
        names = self.r("KEYS", self.key + "*")
        self.copy = ({name: self.r.raw("DUMP", name) for name in names}, self.before["state"], self.released_calls)

    def come_back(self, tail, serving):
        """With the copy, if less was seen in it than the checkpoint knows; else with nothing."""
        copy, state, released = self.copy
        if self.random.random() < 0.5 or (state["tail"] >= tail and state["S"] >= serving):
            return 0
        self.r.pipeline([("RESTORE", name, 0, dump) for name, dump in copy.items()])
        self.returns, self.numbers, self.late_ahead = self.returns + 1, {}, {}   # who had left has the place of then
        return released

    def wipe(self):
        """The checkpoint is one of a little earlier; all that Redis had since, or at all, is gone."""
        state = self.before["state"]
        if state["N"] < 0 or state["tail"] == 0 or int(state["phase"]) in (3, REBUILDING):
            return
        lost = self.random.randrange(0, 5)
        tail, serving = (max(least, self.outside(state, int(state[name]), lost)) for name, least in (("tail", 1), ("S", 0)))
        serving = min(serving, tail)
        stored = self.r.pipeline([("FCALL_RO", "cm_queue_info", 1, self.key)])[0]
        settings = self.pairs(stored)
        given = [x for name in self.settings for x in (name, self.setting(name, settings[name]))]
        self.r.pipeline([("DEL", key) for key in self.r("KEYS", self.key + "*")])
        released = self.come_back(tail, serving)
        self.r.pipeline([
            ("FCALL", "cm_queue_configure", 1, self.key, 1, *given, "operator", 0,
             "checkpoint_gaps", " ".join("%d-%d" % gap for gap in self.gaps(state)), "checkpoint_tail", tail,
             "checkpoint_serving", serving, "checkpoint_lobby", int(state["N"]))])
        self.before, self.ahead, self.seen, self.stock = None, {}, {}, None
        self.shown, self.late_ahead, self.lost = {}, {}, self.us
        self.tat, self.released_calls, self.wipes = 0.0, released, self.wipes + 1
        self.step()
        self.expect(int(self.before["state"]["phase"]) == REBUILDING, 9, "not rebuilding")

    def outside(self, state, number, lost):
        """A little less, but never within a gap."""
        return number if any(start < number - lost < end for start, end in self.gaps(state)) else number - lost

    @staticmethod
    def setting(name, value):
        """Instants go in as milliseconds and come out as microseconds."""
        return int(float(value)) // 1000 if name in ("lobby_at", "open_at") else value


def run(args):
    with Server(change=MUTATIONS[args.mutate] if args.mutate else None) as server:
        client = server.client()
        checked, wipes, returns, beyond = {}, 0, 0, 0
        for seed in range(args.seed, args.seed + args.traces):
            trace = GapTrace(client, seed)
            try:
                trace.run(args.steps)
            except Violation as violation:
                print("violation with seed %d: %s" % (seed, violation))
                return 1
            wipes += trace.wipes
            returns += trace.returns
            beyond += trace.jumped
            for number, times in trace.checked.items():
                checked[number] = checked.get(number, 0) + times
            client("FLUSHDB")
        for number in sorted((*properties.INVARIANTS, 13)):
            print("invariant %d: held %d times" % (number, checked.get(number, 0)))
        print("%d traces of %d steps: %d losses, %d of them with an older copy left, the frontier jumped a gap %d times" % (
            args.traces, args.steps, wipes, returns, beyond))
        return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--traces", type=int, default=60)
    parser.add_argument("--steps", type=int, default=600)
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
