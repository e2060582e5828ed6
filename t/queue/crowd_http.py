#!/usr/bin/env python3
"""Members going through the queue over HTTP, each as told by pollAfterSeconds; then the history is held against the
promises: never more than K inside, called in the order of the numbers and not faster than the rate, everyone served
who stayed, the absent passed over.

usage: crowd_http.py BASE_URL REDIS_SOCKET CONCERT --members N --capacity K --rate R   (CM_TOKEN_KEYS in the environment)
"""
import argparse
import asyncio
import json
import random
import re
import sys
import threading
import time
from urllib.parse import urlsplit

from redis_server import Client
from access_token import access_token


class Crowd:
    def __init__(self, args):
        self.args, self.random = args, random.Random(args.seed)
        self.address = urlsplit(args.base)
        self.gate = asyncio.Semaphore(64)
        self.inside, self.most, self.served, self.answers, self.numbers, self.errors = 0, 0, [], {}, {}, []

    async def ask(self, method, path, token, headers=""):
        async with self.gate:
            reader, writer = await asyncio.open_connection(self.address.hostname, self.address.port)
            writer.write(("%s %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: Bearer %s\r\n"
                          "%sContent-Length: 0\r\n\r\n" % (method, path, token, headers)).encode())
            data = await reader.read()
            writer.close()
        head, _, body = data.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        self.answers[status] = self.answers.get(status, 0) + 1
        return status, json.loads(body) if body else {}

    async def member(self, member, absent):
        token = access_token(member)
        path = "/concert/%d/queue" % self.args.concert
        await asyncio.sleep(self.random.random() * self.args.arrive)
        status, place = await self.ask("POST", path, token)
        while status in (429, 503):
            await asyncio.sleep(1)
            status, place = await self.ask("POST", path, token)
        self.numbers[member] = place.get("ticketNumber")
        if absent and place["status"] != "ADMITTED":
            return
        while place.get("status") == "WAITING" or status in (429, 503):
            await asyncio.sleep((place.get("pollAfterSeconds") or 1) * self.random.uniform(0.85, 1.15))
            status, place = await self.ask("GET", path + "/status", token)
        if place.get("status") != "ADMITTED":
            self.errors.append((member, status, place))
            return
        self.inside += 1
        self.most = max(self.most, self.inside)
        await asyncio.sleep(self.random.random() * self.args.stay * 2)
        self.inside -= 1
        await self.ask("DELETE", path, token)
        self.served.append(member)


def watch(path, concert, calls, most, ready):
    """Every call as Redis makes it, and the most leases and calls there ever were."""
    client = Client(path)
    client.send([("MONITOR",)])
    client.file.readline()
    ready.set()
    key = "cq:{%d}:" % concert
    held = {"c": set(), "l": set()}
    pattern = re.compile(r'^\+([0-9.]+) \[\d+ lua\] "(ZADD|ZREM)" "%se\d+:([cl])" (.*)' % re.escape(key))
    for line in client.file:
        found = pattern.match(line.decode(errors="replace"))
        if not found:
            continue
        at, verb, kind, rest = found.groups()
        words = re.findall(r'"([^"]*)"', rest)
        if verb == "ZADD":
            held[kind].add(words[1])
            if kind == "c":
                calls.append((float(at), int(words[1])))
        else:
            held[kind].difference_update(words)
        most[0] = max(most[0], len(held["l"]) + len(held["c"]))


def check(crowd, calls, most, args, absent):
    good = True

    def expect(condition, text):
        nonlocal good
        good &= bool(condition)
        print("%s: %s" % ("ok" if condition else "FAILED", text))

    present = [m for m in crowd.numbers if m not in absent]
    theirs = {crowd.numbers[m] for m in present}
    expect(not crowd.errors, "no odd answers %s %s" % (crowd.answers, crowd.errors[:3]))
    expect(len([m for m in crowd.served if m not in absent]) == len(present), "everyone who stayed was served: %d of %d"
           % (len(crowd.served), len(present)))
    expect(len(set(crowd.numbers.values())) == args.members, "every number was given once")
    expect(most[0] <= args.capacity, "at most %d inside by Redis' own record (capacity %d)" % (most[0], args.capacity))
    expect(crowd.most <= args.capacity, "at most %d inside as the clients saw it" % crowd.most)
    order = [n for _, n in calls]
    late = [n for i, n in enumerate(order) if i and n < max(order[:i])]
    expect(not [n for n in late if n in theirs], "called in the order of the numbers (%d calls, %d late returners)"
           % (len(order), len(late)))
    worst = max((count_within(calls, i) for i in range(len(calls))), default=0)
    expect(worst <= 2 * args.rate + 1, "at most %d calls in any second (rate %d and a burst of as many)" % (worst, args.rate))
    return good


def count_within(calls, first):
    last = first
    while last < len(calls) and calls[last][0] < calls[first][0] + 1:
        last += 1
    return last - first


async def play(crowd, args, absent):
    start = time.time()
    await asyncio.gather(*(crowd.member(m, m in absent) for m in range(10001, 10001 + args.members)))
    print("# %d members in %.1f s, %s" % (args.members, time.time() - start, crowd.answers))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("base")
    parser.add_argument("redis")
    parser.add_argument("concert", type=int)
    parser.add_argument("--members", type=int, default=2000)
    parser.add_argument("--capacity", type=int, default=50)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--arrive", type=float, default=5)
    parser.add_argument("--stay", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    calls, most, ready = [], [0], threading.Event()
    threading.Thread(target=watch, args=(args.redis, args.concert, calls, most, ready), daemon=True).start()
    ready.wait()
    crowd = Crowd(args)
    absent = set(crowd.random.sample(range(10001, 10001 + args.members), args.members // 20))
    asyncio.run(play(crowd, args, absent))
    time.sleep(0.2)
    return 0 if check(crowd, calls, most, args, absent) else 1


if __name__ == "__main__":
    sys.exit(main())
