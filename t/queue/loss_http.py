#!/usr/bin/env python3
"""Redis lost under members of a real queue, through nginx and the workers: killed while they join and started again,
then emptied while they wait. Prints ok: or FAILED: lines.

usage: loss_http.py BASE_URL REDIS_SOCKET CONCERT --members N --capacity K --pid FILE --up COMMAND --database URL
       (CM_TOKEN_KEYS in the environment)
"""
import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import threading

from access_token import access_token
from crowd_http import Crowd, watch
from redis_server import Client

FIRST = 30001


class Members(Crowd):
    def __init__(self, args):
        super().__init__(args)
        self.path = "/concert/%d/queue" % args.concert
        self.tokens = {m: access_token(m) for m in range(FIRST, FIRST + args.members)}
        self.places, self.good = {}, True

    def expect(self, condition, text):
        self.good &= bool(condition)
        print("%s: %s" % ("ok" if condition else "FAILED", text), flush=True)

    async def place(self, method, rest, member, show=True):
        """An answer with a place; whatever is lost meanwhile, it is asked for again. Papers are shown each time."""
        while True:
            old = self.places.get(member, {}) if show else {}
            papers = "".join("X-Queue-%s: %s\r\n" % (name.capitalize(), old[name]) for name in ("ticket", "pass") if old.get(name))
            try:
                status, place = await self.ask(method, self.path + rest, self.tokens[member], papers)
            except (OSError, ValueError, IndexError):
                status = 0
            if status in (200, 201):
                return place
            await asyncio.sleep(0.1)

    async def join(self, member):
        await asyncio.sleep(self.random.random() * 3)
        self.places[member] = await self.place("POST", "", member)

    async def kill_when(self, count):
        while len(self.places) < count:
            await asyncio.sleep(0.01)
        with open(self.args.pid, encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGKILL)
        before = len(self.places)
        await asyncio.to_thread(subprocess.run, self.args.up, shell=True, check=True, stdout=subprocess.DEVNULL)
        return before

    async def killed(self):
        *_, before = await asyncio.gather(*map(self.join, self.tokens), self.kill_when(self.args.members // 3))
        self.expect(0 < before < self.args.members, "killed when %d of %d had joined" % (before, self.args.members))
        numbers = {m: p["ticketNumber"] for m, p in self.places.items()}
        self.expect(len(set(numbers.values())) == len(numbers), "no number was given twice")
        again = {m: (await self.place("GET", "/status", m, show=False)) for m in numbers}
        lost = [m for m in numbers if again[m]["ticketNumber"] != numbers[m]]
        self.expect(not lost, "no acknowledged join is lost, without showing anything (%d)" % len(lost))
        self.places.update(again)

    async def checkpoint(self):
        query = "select max(tail) from cm.queue_checkpoint where concert_id = %d" % self.args.concert
        while not subprocess.run(["psql", "-XqAtd", self.args.database, "-c", query], capture_output=True,
                                 check=True).stdout.strip().isdigit():
            await self.ask("GET", self.path + "/now", self.tokens[FIRST])
            await asyncio.sleep(0.5)

    async def emptied(self):
        await self.checkpoint()
        Client(self.args.redis)("FLUSHDB")
        calls, most, ready = [], [0], threading.Event()
        threading.Thread(target=watch, args=(self.args.redis, self.args.concert, calls, most, ready), daemon=True).start()
        ready.wait()
        old = dict(self.places)
        shown = list(self.tokens)
        self.random.shuffle(shown)
        for m, place in zip(shown, await asyncio.gather(*(self.place("GET", "/status", m) for m in shown))):
            self.places[m] = place
        changed = [m for m in shown if self.places[m]["ticketNumber"] != old[m]["ticketNumber"]]
        self.expect(not changed, "emptied: who shows the ticket has the same number (%d changed)" % len(changed))
        out = [m for m in shown if old[m]["status"] == "ADMITTED" and self.places[m]["status"] != "ADMITTED"]
        self.expect(not out and sum(p["status"] == "ADMITTED" for p in old.values()) == self.args.capacity,
                    "the %d inside are inside again" % self.args.capacity)
        await asyncio.gather(*map(self.served_once, shown))
        order = [n for _, n in calls]
        self.expect(len(self.served) == len(shown) and not self.errors, "all are served after it %s" % self.errors[:3])
        self.expect(order == sorted(order) and len(order) == len(shown) - self.args.capacity,
                    "in the order of the numbers, each called once: %d calls" % len(order))
        self.expect(0 < most[0] <= self.args.capacity, "at most %d inside by Redis' own record" % most[0])

    async def served_once(self, member):
        place = self.places[member]
        while place["status"] == "WAITING":
            await asyncio.sleep(place["pollAfterSeconds"] * random.uniform(0.85, 1.15))
            place = self.places[member] = await self.place("GET", "/status", member)
        if place["status"] != "ADMITTED":
            self.errors.append((member, place))
            return
        await asyncio.sleep(0.2)
        await self.ask("DELETE", self.path, self.tokens[member])
        place = await self.place("GET", "/status", member)
        if place["status"] != "NOT_IN_QUEUE":
            self.errors.append((member, "again", place))
        self.served.append(member)


async def play(members):
    await members.killed()
    await members.emptied()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("base")
    parser.add_argument("redis")
    parser.add_argument("concert", type=int)
    for name in ("--pid", "--up", "--database"):
        parser.add_argument(name, required=True)
    for name, value in (("--members", 300), ("--capacity", 20), ("--seed", 1)):
        parser.add_argument(name, type=int, default=value)
    members = Members(parser.parse_args())
    asyncio.run(play(members))
    return 0 if members.good else 1


if __name__ == "__main__":
    sys.exit(main())
