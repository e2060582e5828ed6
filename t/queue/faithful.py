"""Clients that follow the client rule through a trace: invariants 7 and 8 are about them."""
import client_rule

WAITING, LATE, ADMITTED, EXPIRED, CLOSED, SOLD_OUT = 2, 3, 4, 5, 6, 7
REBUILD = 10  # phase
FIRST_MEMBER = 1000001


class Faithful:
    """Joins at .due and comes when the rule says so, until it is admitted or the queue has ended."""

    def __init__(self, member, due):
        self.member, self.due, self.number, self.called, self.gone = member, due, None, False, False
        self.asked = due

    def come(self, trace):
        state = trace.summary()
        self.check_position(trace, state)
        lost = int(state["phase"]) == REBUILD
        if self.number is None or (lost and self.number >= state["tail"]) or client_rule.due(
                trace.nearer(self.number, state), state["S"], state["C"], (state["us"] - self.asked) / 1e6, lost):
            self.asked = trace.us
            self.take(trace, trace.visit("join" if self.number is None else "status", self.member))
        if self.number is None:     # lobby: once more at the opening, spread over the notice
            wait = 5 if trace.us // 1000 > trace.opening else (trace.opening - trace.us // 1000) / 1000 + \
                trace.random.uniform(0, 8)
            self.due = trace.us + wait * 1e6
        elif self.number >= state["tail"]:  # a summary older than the number may lack a gap
            self.due = trace.us + 2e6
        else:
            self.due = trace.us + 1e6 * client_rule.pause(
                trace.nearer(self.number, state), state["S"], state["C"], trace.speed, 4 * trace.rate, trace.random)

    def check_position(self, trace, state):
        """[3] What members are shown while they wait, from summaries alone."""
        if self.number is not None and self.number < state["tail"] and state["us"] > trace.lost:
            ahead = max(0, trace.nearer(self.number, state) - state["S"])
            shown = trace.shown.get(self.number, ahead)
            trace.expect(ahead <= shown, 3, "%d is shown %d ahead after %d" % (self.number, ahead, shown))
            trace.shown[self.number] = ahead

    def take(self, trace, answer):
        code = answer[0]
        trace.speed = max(0, answer[7]) / 1000
        if code in (WAITING, LATE, ADMITTED):
            self.number = answer[3]
        call_was_lost = code == LATE and self.called and trace.lost   # then it is the next to be called again
        trace.expect(call_was_lost or code not in (LATE, EXPIRED), 8, "member %d with number %s came as told and was passed over (%d)" % (
            self.member, self.number, code))
        self.gone = code in (ADMITTED, CLOSED, SOLD_OUT)


def check_order(trace, before, after):
    """[7] Of those who come as told, the called have lower numbers than the waiting."""
    called = after["calls"] | set(after["grants"].values())
    waiting = [f for f in trace.faithful if f.number is not None and not f.called and not f.gone]
    new = [f for f in waiting if f.number in called]
    for f in new:
        f.called = True
    passed = [w.number for w in waiting if not w.called and any(w.number < f.number for f in new)]
    trace.expect(not passed, 7, "%s called before %s" % ([f.number for f in new], passed), counts=len(new))
