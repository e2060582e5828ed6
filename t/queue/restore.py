#!/usr/bin/env python3
"""What the queue is after Redis lost it.

usage: restore.py wipe|kill
  wipe  20,000 waiting, some inside; everything is deleted; all show their tickets
  kill  joins from several connections while redis-server is killed with SIGKILL and started again
"""
import random
import struct
import sys
import threading
import time

from redis_server import RedisError, Server

KEY = "cq:{1}"
ADMITTED, WAITING, LATE, UNCONFIGURED = 4, 2, 3, 10
CAPACITY = 50


def fail(text):
    print("failed: " + text)
    sys.exit(1)


class Queue:
    def __init__(self, client):
        self.client, self.us = client, 10**15

    def clock(self):
        return ("SETRANGE", KEY + ":f", 0, struct.pack("<d", self.us))

    def many(self, *commands):
        return self.client.pipeline([self.clock(), *commands])[1:]

    def call(self, name, *args):
        return ("FCALL", "cm_queue_" + name, 1, KEY, *args)

    def configure(self, *more):
        self.client(*self.call("configure", 1, "clock", self.us, "capacity", CAPACITY, "rate", 100, "lease", 60000,
                               "lobby_at", 0, "open_at", 0, *more))

    def inside(self):
        return self.client("ZCARD", KEY + ":e1:l") + self.client("ZCARD", KEY + ":e1:c")


def join_all(queue, members):
    places = {}
    for member, answer in zip(members, queue.many(*[queue.call("join", m, 1) for m in members])):
        places[member] = answer
    for _ in range(5):
        queue.us += 10**6
        for member, answer in zip(members[:200], queue.many(*[queue.call("status", m, 1) for m in members[:200]])):
            places[member] = answer
    return places


def touch_before_rebuild(queue, member):
    """A payment, a scrape or a visit may come before whoever knows of the loss: they make no empty queue."""
    for name, *args in (("release", member, 0, "done"), ("now", 0), ("join", member, 0), ("status", member, -1)):
        code = queue.client(*queue.call(name, *args))[0]
        if code != UNCONFIGURED:
            fail("%s of a lost queue answers %d" % (name, code))
    if queue.client("EXISTS", KEY):
        fail("an empty queue was made of a lost one")


def wipe():
    with Server() as server:
        queue = Queue(server.client())
        queue.configure()
        members = random.Random(4).sample(range(1, 10**6), 20000)
        places = join_all(queue, members)
        admitted = {m for m, a in places.items() if a[0] == ADMITTED}
        if len(admitted) != CAPACITY:
            fail("%d inside before the loss" % len(admitted))
        now = queue.many(queue.call("now", 1))[0]
        queue.client("FLUSHDB")
        touch_before_rebuild(queue, members[0])
        queue.us += 2 * 10**6
        # the checkpoint is some seconds old: it knows fewer numbers and an earlier frontier
        queue.configure("checkpoint_tail", now[7] - 300, "checkpoint_serving", 10, "checkpoint_lobby", 0)
        if queue.many(queue.call("join", 5 * 10**6, 1))[0][0] != 12:
            fail("a new member could join while the queue was rebuilt")
        if queue.many(queue.call("status", members[7000], 1))[0][0] != 12:
            fail("an unknown member isn't told that the queue is being rebuilt")
        shown = members[:]
        random.Random(5).shuffle(shown)
        restored = {}
        for m, answer in zip(shown, queue.many(*[queue.call("restore", m, 1, places[m][3], 1, places[m][9])
                                                 for m in shown])):
            restored[m] = answer
            if answer[3] != places[m][3]:
                fail("member %d had %d, has %d" % (m, places[m][3], answer[3]))
        for m in admitted:
            if restored[m][0] != ADMITTED:
                fail("member %d was inside and isn't: %s" % (m, restored[m]))
        if queue.inside() != CAPACITY:
            fail("%d inside after the restore" % queue.inside())
        serve(queue, members, places, admitted)


def serve(queue, members, places, admitted):
    """The rebuild ends; those inside leave one by one, others are admitted in the order of their numbers."""
    order, inside = [], sorted(admitted)
    queue.us += 90 * 10**6
    waiting = [m for m in members if m not in admitted]
    gone = set()
    for _ in range(40):
        queue.us += 10**6
        for m in inside[:20]:
            queue.many(queue.call("release", m, 1, "done"))
            gone.add(m)
        inside = inside[20:]
        for m, answer in zip(waiting[:1500], queue.many(*[queue.call("status", m, 1) for m in waiting[:1500]])):
            if answer[0] == ADMITTED and m not in order:
                if m in gone or m in admitted:
                    fail("member %d was admitted twice" % m)
                order.append(m)
                inside.append(m)
        if queue.inside() > CAPACITY:
            fail("%d inside" % queue.inside())
    numbers = [places[m][3] for m in order]
    if numbers != sorted(numbers) or len(numbers) < 500:
        fail("admitted %d, in order: %s" % (len(numbers), numbers == sorted(numbers)))
    fresh = queue.many(queue.call("join", 5 * 10**6, 1))[0]
    if fresh[3] < 20000 or fresh[4] > 20000:
        fail("a new number overlaps an old one or the gap counts as people: %s" % fresh)
    print("20000 restored, %d admitted afterwards in order" % len(numbers))


def joiner(server, first, answers, stop):
    client, member = None, first
    while not stop.is_set():
        try:
            client = client or server.client()
            answer = client("FCALL", "cm_queue_join", 1, KEY, member, 0)
            answers[member] = answer[3]
            member += 1
        except (OSError, ConnectionError, ValueError, RedisError):
            client = None
            time.sleep(0.01)


def kill():
    with Server("--appendonly", "yes", "--appendfsync", "everysec") as server:
        server.client()("FCALL", "cm_queue_configure", 1, KEY, 1, "gate", 1)
        answers, stop = {}, threading.Event()
        threads = [threading.Thread(target=joiner, args=(server, i * 10**6 + 1, answers, stop), daemon=True) for i in range(4)]
        for thread in threads:
            thread.start()
        for round_number in range(3):
            before = len(answers)
            while len(answers) < before + 1000:
                time.sleep(0.01)
            server.kill()
            server.start()
        stop.set()
        for thread in threads:
            thread.join()
        client = server.client()
        lost = [m for m, n in answers.items() if client("FCALL", "cm_queue_status", 1, KEY, m, 0)[3] != n]
        if lost:
            fail("%d of %d acknowledged joins are lost or changed" % (len(lost), len(answers)))
        if len(set(answers.values())) != len(answers):
            fail("a number was given twice")
        print("%d joins, killed 3 times, none lost" % len(answers))


if __name__ == "__main__":
    {"wipe": wipe, "kill": kill}[sys.argv[1]]()
