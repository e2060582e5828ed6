#!/usr/bin/env python3
"""Redis' clock steps back by a minute: nothing ends early and time stands still; `rebase` takes the times along."""
import struct
import sys

from redis_server import Server

KEY, BACK = "cq:{1}", 60 * 10**6
WAITING, LATE, ADMITTED, EXPIRED = 2, 3, 4, 5


class Queue:
    def __init__(self, client):
        self.client, self.us = client, 10**15
        client("FCALL", "cm_queue_configure", 1, KEY, 1, "clock", self.us, "lobby_at", 0, "open_at", 0, "capacity", 90,
               "rate", 2, "burst", 1, "lease", 100000, "late_grace", 30000)

    def call(self, name, *args):
        clock = ("SETRANGE", KEY + ":f", 0, struct.pack("<d", self.us))
        return self.client.pipeline([clock, ("FCALL", "cm_queue_" + name, 1, KEY, *args)])[1]

    def info(self):
        flat = self.call("info")
        return dict(zip(flat[::2], map(float, flat[1::2])))

    def pass_time(self, seconds, members):
        answers = {}
        for _ in range(2 * seconds):
            self.us += 500000
            for m in members:
                answers[m] = self.call("status", m, 1)
        return answers

    def lease_left(self, member):
        return self.call("verify", member)[0]

    def deadlines(self):
        calls = self.client("ZRANGE", KEY + ":e1:c", 0, -1, "WITHSCORES")
        return {n: int(at) - self.us // 1000 for n, at in zip(calls[::2], calls[1::2])}

    def called(self):
        return int(self.client("HGET", KEY + ":e1:n", "called"))


def expect(condition, text):
    if not condition:
        print("failed: " + text)
        sys.exit(1)


def main():
    with Server() as server:
        queue = Queue(server.client())
        for m in range(1, 101):
            queue.call("join", m, 1)
        queue.pass_time(6, range(1, 101))
        for m in range(1, 101):     # up to where the frontier is, and one more to be called
            queue.call("status", m, 1)
        queue.us += 500000
        queue.call("now", 1)
        before = {m: queue.lease_left(m) for m in range(1, 13)}
        deadlines, called = queue.deadlines(), queue.called()
        expect(before[1] > 0 and deadlines, "somebody is inside and somebody called: %s %s" % (before, deadlines))

        queue.us -= BACK
        expect(queue.call("now", 1)[22] == BACK // 1000, "the step is told")
        expect(queue.lease_left(1) == before[1], "a turn is as long as it was")
        queue.pass_time(5, range(20, 40))
        expect(queue.called() == called and queue.lease_left(1) == before[1], "time stands still")
        queue.us -= 5 * 10**6
        expect(queue.call("admin", 1, "rebase")[0] == 0, "rebase")
        expect(queue.call("now", 1)[22] == 0, "the clock is right again")
        after = {m: queue.lease_left(m) for m in range(1, 13)}
        expect(after == before, "turns last as long as before: %s %s" % (before, after))
        now = queue.deadlines()
        expect(deadlines.items() <= now.items(), "calls as well: %s %s" % (deadlines, now))
        extended = queue.call("extend", 1, queue.us // 1000 + 10**7)[0] - queue.us // 1000
        expect(extended <= 900000, "the longest turn counts from its claim: %d" % extended)
        answers = queue.pass_time(10, range(13, 60))
        expect(18 <= queue.called() - called <= 22, "20 are called in 10 s: %d" % (queue.called() - called))
        expect(answers[20][0] == ADMITTED and 0 < queue.info()["speed"] < 4, "speed is known: %s" % queue.info())
        called = queue.called()
        expect(queue.call("admin", 1, "rebase")[0] == 0 and queue.lease_left(1) > 0, "again")
        expect(queue.called() == called, "without a step it does nothing")
        queue.pass_time(100, ())
        queue.call("now", 1)
        expect(queue.lease_left(2) == 0, "turns end")
        print("stepped back %d s and rebased" % (BACK // 10**6))


if __name__ == "__main__":
    main()
