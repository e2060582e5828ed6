#!/usr/bin/env python3
"""Single stories of the queue with the real scripts on a private Redis and a clock of our own.

usage: cases.py [NAME ...]     (all)
"""
import struct
import sys

from redis_server import Server

NONE, LOBBY, WAITING, LATE, ADMITTED, EXPIRED, CLOSED, SOLD_OUT, RESOLVE, EPOCH, UNCONFIGURED = range(11)
OPEN, PAUSED, PHASE_CLOSED, REBUILD = 4, 5, 9, 10
DAY = 86400 * 10**6


class Queue:
    """One concert's queue. Its clock, in us, starts at Redis' own, so that Redis expires nothing early."""

    def __init__(self, client, concert, **settings):
        self.client, self.key, self.epoch = client, "cq:{%d}" % concert, 1
        seconds, us = client("TIME")
        self.start = self.us = int(seconds) * 10**6 + int(us)
        self.configure(**{"gate": 1, "capacity": 1, "rate": 100, **settings})

    def fcall(self, name, *args):
        if self.client("EXISTS", self.key + ":f"):
            self.client("SETRANGE", self.key + ":f", 0, struct.pack("<d", self.us))
        return self.client("FCALL", "cm_queue_" + name, 1, self.key, *args)

    def configure(self, **settings):
        pairs = [item for pair in settings.items() for item in pair]
        return self.client("FCALL", "cm_queue_configure", 1, self.key, self.epoch, "clock", self.us, *pairs)

    def join(self, member):
        return self.fcall("join", member, -1)

    def status(self, member):
        return self.fcall("status", member, -1)

    def now(self, **settings):
        return self.configure(**settings)

    def wait(self, seconds):
        self.us += int(seconds * 10**6)

    def restore(self, member, number, kind=1):
        return self.fcall("restore", member, self.epoch, number, kind, 0)

    def info(self, name):
        flat = self.client("FCALL_RO", "cm_queue_info", 1, self.key)
        return float(dict(zip(flat[::2], flat[1::2]))[name])

    def checkpoint(self):
        """What the worker stores and brings back."""
        answer = self.now()
        return {"checkpoint_serving": answer[4], "checkpoint_tail": answer[7], "checkpoint_lobby": answer[8],
                "checkpoint_gaps": answer[23]}

    def copy(self):
        return {name: self.client.raw("DUMP", name) for name in self.client("KEYS", self.key + "*")}

    def go_back(self, copy):
        """Redis comes back with what it had then."""
        self.client("FLUSHDB")
        for name, dump in copy.items():
            self.client("RESTORE", name, 0, dump)

    def lose(self):
        self.client("FLUSHDB")

    def ms(self, seconds=0):
        return self.us // 1000 + seconds * 1000


def expect(got, wanted, text):
    if got != wanted:
        raise AssertionError("%s: got %s, wanted %s" % (text, got, wanted))


def grace_after_loss(client):
    """Numbers far behind a lost frontier are not called before all who wait, but only within the grace."""
    queue = Queue(client, 1, late_grace=300000, rebuild=90000)
    queue.lose()
    queue.configure(checkpoint_tail=100, checkpoint_serving=50, checkpoint_lobby=0, gate=1, capacity=1, rate=100,
                    late_grace=300000, rebuild=90000)
    queue.wait(250)
    expect(queue.restore(7, 7)[0] in (LATE, ADMITTED), True, "within the grace")
    queue.wait(51)
    expect(queue.restore(8, 8)[0], EXPIRED, "after the grace")
    expect(queue.restore(60, 60)[0], WAITING, "who waits still does")


def holders_do_not_fill_the_house(client):
    """Those who hold seats leave the free ones to others."""
    queue = Queue(client, 1, capacity=500, free=15, held=0)
    for member in range(1, 7):
        expect(queue.join(member)[0], ADMITTED, "one of six")
    queue.now(free=3, held=0)
    expect(queue.join(7)[0], WAITING, "six look for three seats, so the seventh waits")
    for member in range(1, 7):
        queue.fcall("extend", member, queue.ms(600))
    queue.now(free=3, held=12)
    expect([queue.status(7)[0]] + [queue.join(m)[0] for m in range(8, 14)], [ADMITTED] * 6 + [WAITING],
           "six hold twelve seats: six more may look for the three")
    queue.fcall("release", 1, -1, "leave")
    expect(queue.status(13)[0], WAITING, "a holder who goes frees no seat")
    queue.wait(700)
    queue.now()
    expect(client("EXISTS", queue.key + ":e1:o"), 0, "nobody holds after the turns have ended")


def closed_long_ago(client):
    """Who asks after a concert that closed days ago is told so, also when Redis has forgotten it."""
    queue = Queue(client, 1, close_at=0)
    queue.join(1)
    queue.configure(close_at=queue.ms(-2 * 86400))
    expect([queue.status(1)[0], queue.status(2)[0], queue.join(3)[0]], [ADMITTED, NONE, CLOSED], "closed")
    expect(queue.now()[2], PHASE_CLOSED, "the phase")
    queue.lose()
    queue.configure(gate=1, close_at=queue.ms(-2 * 86400), checkpoint_tail=1, checkpoint_serving=1, checkpoint_lobby=0)
    expect(queue.now()[2], PHASE_CLOSED, "not to be rebuilt either")
    expect(queue.join(4)[0], CLOSED, "joining")


def opening_put_off(client):
    """Nobody is called before an opening that was moved after some had joined; numbers stay."""
    queue = Queue(client, 1, capacity=1)
    expect([queue.join(1)[0], queue.join(2)[0]], [ADMITTED, WAITING], "open")
    opening = queue.ms(60)
    queue.configure(open_at=opening)
    queue.fcall("release", 1, -1, "leave")
    expect(queue.status(2)[:5], [WAITING, 1, PAUSED, 1, 0], "put off: the next one waits")
    expect(queue.join(3)[:4], [WAITING, 1, PAUSED, 2], "one may still join")
    answer = queue.now()
    expect((answer[2], answer[17]), (PAUSED, opening), "the summary")
    queue.wait(61)
    expect(queue.status(2)[0], ADMITTED, "at the new opening")


def closing_moved(client):
    """A closing moved later takes along all that was stored before, in bounded parts."""
    queue = Queue(client, 1, capacity=4, buckets=2048, close_at=0)
    queue.configure(close_at=queue.ms(3600))
    for member in range(1, 300):
        queue.join(member)
    queue.now()
    queue.wait(20)
    for member in range(1, 300, 7):
        queue.status(member)
    for close in (queue.ms(30 * 86400), queue.ms(3600), 0):
        queue.configure(close_at=close)
        for _ in range(4):
            queue.now()
        wanted = {close // 1000 + 86400} if close else {-1}
        ends = {}
        for key in client("KEYS", "*"):
            ends.setdefault(client("EXPIRETIME", key), []).append(key)
        expect({end for end in ends if end not in wanted}, set(), "the ends of life, wanted %s: %s" % (
            wanted, {end: keys[:5] for end, keys in ends.items()}))
    expect(len(client("KEYS", "*")) > 200, True, "enough keys to tell")


def late_position(client):
    """A late one's position only falls, also when a lower number returns after it."""
    queue = Queue(client, 1, rate=1, burst=1, window=8000, lease=5000, late_grace=300000, liveness=20000)
    for member in range(1, 7):
        queue.join(member)
    for _ in range(12):     # the first one's turn ends; the others do not come, 6 does
        queue.wait(5)
        queue.status(6)
    expect(queue.status(6)[0] in (ADMITTED, EXPIRED), True, "all before the last are passed over")
    queue.configure(operator=1)
    first = queue.status(4)
    expect((first[0], first[4]), (LATE, 0), "a late one")
    expect(queue.status(2)[:5:4], [LATE, 1], "a lower number that returns later")
    expect(queue.status(4)[:5:4], [LATE, 0], "moves nobody back")
    queue.configure(operator=0)
    queue.wait(6)
    expect(queue.status(4)[0], ADMITTED, "and the first to return is called first")


def reset_with_fewer_buckets(client):
    """A reset sweeps all of the use before, also where the next one expects fewer members."""
    queue = Queue(client, 1, buckets=8192)
    for member in range(0, 8192, 64):
        queue.join(member)
    for queue.epoch in (2, 3):     # the first sweep was not made
        queue.configure(buckets=1024)
    for old in (1, 2):
        following = [0]
        while True:
            following = queue.fcall("sweep", old, following[0], 1024)
            if following == [0]:
                break
    expect(client("KEYS", "*:e[12]:*"), [], "what is left")


def bought_with_another_place(client):
    """Paying for what was held with an earlier place leaves the present one; with its own turn it ends it."""
    queue = Queue(client, 1, lease=5000)
    queue.join(1)
    queue.fcall("release", 1, -1, "leave")
    queue.join(2)
    place = queue.join(1)
    expect(place[:4:3], [WAITING, 2], "who left waits again")
    queue.fcall("release", 1, 0, "done")
    expect(queue.status(1)[:4:3], [WAITING, 2], "and goes on waiting after paying for the old hold")
    queue.epoch = 2
    queue.configure()
    queue.join(3)
    queue.join(2)
    queue.fcall("release", 2, 0, "done")
    expect(queue.status(2)[:4:3], [WAITING, 1], "paying for a hold of before a reset")
    queue.fcall("release", 3, 0, "done")
    expect([queue.status(3)[0], queue.status(2)[0]], [NONE, ADMITTED], "with its own turn it makes room")
    queue.wait(6)
    expect(queue.status(2)[0], EXPIRED, "the turn is over")
    queue.fcall("release", 2, 0, "done")
    expect(queue.status(2)[0], NONE, "bought at the last moment")


def hold_given_back(client):
    """A turn that a hold has extended is as long as before when the hold is given back."""
    queue = Queue(client, 1, lease=60000, lease_max=900000, free=1, held=0, overbook=1, capacity=2)
    first = queue.join(1)[9]
    queue.join(2)
    expect(queue.fcall("extend", 1, queue.ms(600)), [queue.ms(600)], "extended")
    queue.wait(10)
    queue.fcall("release", 1, -1, "give_back", queue.ms())
    expect(queue.status(1)[:10:9], [ADMITTED, first], "given back within the turn")
    expect(queue.status(2)[0], WAITING, "the seat is looked for again")
    queue.fcall("extend", 1, queue.ms(600))
    queue.wait(100)
    queue.fcall("release", 1, -1, "give_back", queue.ms(-200))
    expect(queue.status(1)[0], ADMITTED, "a hold of an earlier turn changes nothing")
    queue.fcall("release", 1, -1, "give_back", queue.ms())
    expect(queue.status(1)[:10:9], [ADMITTED, queue.ms(10)], "given back later: a window to choose again")
    queue.wait(11)
    expect([queue.status(1)[0], queue.status(2)[0]], [EXPIRED, ADMITTED], "then the next one is called")


def lost_twice(client):
    """The numbers that belong to nobody since the first loss do not become people with the second."""
    queue = Queue(client, 1, rebuild=1000)
    for member in range(1, 5):
        queue.join(member)
    before = queue.checkpoint()
    queue.lose()
    queue.configure(gate=1, capacity=1, rate=100, rebuild=1000, **before)
    queue.wait(2)
    number, ahead = queue.join(5)[3:5]
    expect((number, ahead), (200004, 3), "whoever joins after the loss")
    before = queue.checkpoint()
    queue.lose()
    queue.configure(gate=1, capacity=1, rate=100, rebuild=1000, **before)
    expect(queue.restore(5, number)[3:5], [number, 3], "is no further back after the next one")
    queue.wait(2)
    expect(queue.join(6)[3:5], [400005, 4], "nor is whoever joins then")


def older_copy(client):
    """Redis comes back with what it had a while ago: no number is given twice, those who were called come first."""
    queue = Queue(client, 1, rebuild=60000, lease=600000)
    queue.join(1)
    queue.join(2)
    copy = queue.copy()
    for member in (3, 4, 5):
        queue.join(member)
    queue.fcall("release", 1, -1, "leave")
    lease_end = queue.status(2)[9]
    before = queue.checkpoint()
    queue.go_back(copy)
    queue.configure(**before)
    expect([queue.join(9)[0], queue.info("tail"), queue.info("S")], [12, 5, 2], "it is put together again")
    expect(queue.fcall("restore", 2, 1, 1, 1, lease_end)[0], LATE, "the one inside as far as Redis knows fills it")
    queue.fcall("release", 1, -1, "leave")
    expect(queue.fcall("restore", 2, 1, 1, 1, lease_end)[0], ADMITTED, "whoever was inside comes in with the pass")
    queue.wait(61)
    expect(queue.join(9)[3], 200005, "a newcomer's number is nobody's")
    expect([queue.restore(member, member - 1)[3] for member in (3, 4, 5)], [2, 3, 4], "the lost ones have theirs")
    queue.configure(**queue.checkpoint())
    expect(queue.info("phase"), OPEN, "and it goes on")


def older_copy_of_a_lobby(client):
    """The last joins of a lobby are lost after its draw: the draw stands."""
    queue = Queue(client, 1, rebuild=1000, lobby_at=1)
    opening = queue.ms(60)
    queue.configure(lobby_at=1, open_at=opening)
    queue.join(1)
    queue.join(2)
    copy = queue.copy()
    queue.join(3)
    queue.wait(61)
    answer = queue.now()
    seed, transcript = "ab" * 32, answer[27]
    queue.fcall("reveal", 1, seed, 3, transcript)
    before = queue.checkpoint()
    expect((answer[8], queue.info("phase")), (3, OPEN), "three were drawn")
    queue.go_back(copy)
    queue.configure(**before)
    queue.wait(2)
    queue.now()
    expect((queue.info("phase"), queue.info("N")), (3, 3), "to be drawn again, all three of them")
    expect(queue.fcall("reveal", 1, seed, 3, transcript), [NONE, 1], "the draw that was stored")
    expect([queue.status(1)[0], queue.restore(3, 2, 0)[0]], [RESOLVE, RESOLVE], "all have their places")


def lobby_place_given_again(client):
    """A place of a lost lobby that was given again is nobody else's any more."""
    queue = Queue(client, 1, rebuild=1000, lobby_at=1)
    settings = {"gate": 1, "lobby_at": 1, "open_at": queue.ms(600), "rebuild": 1000}
    queue.configure(**settings)
    for member in (1, 2):
        queue.join(member)
    before = queue.checkpoint()
    queue.join(3)
    queue.join(4)
    queue.lose()
    queue.configure(**settings, **before)
    expect(queue.restore(3, 2, 0)[:4:3], [LOBBY, 2], "while it is put together a place comes back")
    queue.wait(2)
    expect(queue.join(5)[:4:3], [LOBBY, 3], "then newcomers have the next ones")
    expect(queue.restore(4, 3, 0)[0], NONE, "of which one was somebody's who comes now")
    expect([queue.restore(2, 1, 0)[3], queue.join(4)[3]], [1, 4], "and takes a new one; the older ones stand")


def paused_while_it_drains(client):
    """A pause opens no door that was closed."""
    queue = Queue(client, 1)
    expect([queue.join(1)[0], queue.join(2)[0]], [ADMITTED, WAITING], "open")
    queue.configure(operator=5)
    queue.fcall("release", 1, -1, "leave")
    expect([queue.join(3)[0], queue.status(2)[0]], [CLOSED, WAITING], "nobody comes in, nobody is called")
    queue.configure(operator=2)
    expect([queue.join(3)[0], queue.status(2)[0]], [CLOSED, ADMITTED], "then the rest is served")


def no_longer_than_the_longest(client):
    """A turn ends at the longest there is, also where the settings give each turn more."""
    queue = Queue(client, 1, lease=3000000, lease_max=60000)
    expect(queue.join(1)[9], queue.ms(60), "claimed")
    queue.fcall("extend", 1, queue.ms(600))
    queue.fcall("release", 1, -1, "give_back", queue.ms(1))
    expect(queue.status(1)[9], queue.ms(60), "extended and given back")


def pass_of_another_place(client):
    """The pass of a place that was left opens nothing for the one taken since."""
    queue = Queue(client, 1, rate=1, burst=1, liveness=20000)
    lease_end = queue.join(1)[9]
    queue.fcall("release", 1, -1, "leave")
    number = queue.join(1)[3]
    queue.wait(60)                  # called, and did not come
    queue.now()
    queue.wait(9)
    queue.now()
    queue.wait(2)
    queue.configure(operator=1)
    expect((number, queue.info("S"), queue.info("leases"), queue.info("calls")), (1, 2, 0, 0), "passed")
    queue.fcall("restore", 1, 1, 0, 1, lease_end)
    expect(queue.info("leases"), 0, "with the pass of the first place")
    queue.fcall("restore", 1, 1, number, 1, lease_end)
    expect(queue.info("leases"), 1, "with one of its own")


def bought_after_a_loss(client):
    """A turn that a pass brought back began before the hold of before the loss: what ends the hold ends it."""
    settings = {"gate": 1, "capacity": 2, "rate": 100, "rebuild": 1000, "lease": 60000, "lease_max": 900000}
    queue = Queue(client, 1, **settings)
    ends = [queue.join(member)[9] for member in (1, 2)]
    queue.join(3)
    queue.wait(1)
    held = queue.ms()
    before = queue.checkpoint()
    queue.lose()
    queue.wait(5)
    queue.configure(**settings, **before)
    for member in (1, 2):
        expect(queue.fcall("restore", member, 1, member - 1, 1, ends[member - 1])[0], ADMITTED, "inside again")
    queue.restore(3, 2)
    queue.wait(2)
    queue.fcall("release", 1, 0, "done", held)
    expect([queue.status(1)[0], queue.status(3)[0]], [NONE, ADMITTED], "bought: the next one has the slot")
    expect(queue.fcall("extend", 2, queue.ms(600)), [queue.ms(600)], "a hold still lets the turn last")
    queue.fcall("release", 2, 0, "expire_hold", held)
    expect(queue.status(2)[0], EXPIRED, "a hold of before the loss ran out, and the turn with it")


def late_ones_gone(client):
    """Thousands who came late and went again are dropped in parts, and nobody is called before those left of them."""
    queue = Queue(client, 1, rate=10000, step=100000, late_grace=3600000)
    for member in range(2001):
        queue.join(member)
    for _ in range(10):
        queue.wait(60)
        queue.now()
    queue.fcall("release", 0, -1, "leave")
    queue.configure(operator=1)
    expect({queue.status(member)[0] for member in range(1, 2001)}, {LATE}, "passed, and back")
    queue.wait(60)
    queue.status(2000)
    left = [queue.info("late")]
    queue.configure(operator=0)
    left.append(queue.info("late"))
    while queue.status(2000)[0] == LATE:
        left.append(queue.info("late"))
    expect(max(a - b for a, b in zip(left, left[1:])) <= 512, True, "a part each time: %s" % left)
    expect(len(left) > 3, True, "and all in the end")


CASES = [late_ones_gone, bought_after_a_loss, paused_while_it_drains, no_longer_than_the_longest, pass_of_another_place, lost_twice, older_copy, older_copy_of_a_lobby, lobby_place_given_again, grace_after_loss, holders_do_not_fill_the_house, closed_long_ago, opening_put_off,
         closing_moved, late_position, reset_with_fewer_buckets,
         bought_with_another_place, hold_given_back]


def main():
    chosen = [case for case in CASES if case.__name__ in sys.argv[1:] or not sys.argv[1:]]
    failed = 0
    with Server() as server:
        for case in chosen:
            client = server.client()
            client("FLUSHDB")
            try:
                case(client)
                print("ok %s" % case.__name__)
            except AssertionError as error:
                failed += 1
                print("failed %s: %s" % (case.__name__, error))
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
