#include "queue/queue_rules.h"

#include "base/banned.h"

enum { POLL_NEAR_MIN_S = 2, POLL_NEAR_MAX_S = 5, POLL_FAR_MAX_S = 60, POLL_LOBBY_MIN_S = 5,
	CEILING_TICKETS_PER_CALL = 4 };

const struct queue_setting_info queue_setting_table[QUEUE_SETTING_COUNT] = {
#define SETTING(symbol, name, initial, minimum, maximum, redis, unit) \
	[QUEUE_SETTING_##symbol] = { name, initial, minimum, maximum, redis, unit },
#include "queue/queue_setting.def"
#undef SETTING
};

static int64_t clamp(int64_t low, int64_t high, int64_t value)
{
	return value < low ? low : value > high ? high : value;
}

bool queue_awaits_beacon(const struct queue_record *record)
{
	return *record->beacon_source && !*record->beacon && !record->drawn;
}

int64_t queue_wait_s(int64_t ahead, int64_t speed_milli)
{
	if (ahead < 0 || speed_milli <= 0)
		return -1;
	return (ahead * 1000 + speed_milli - 1) / speed_milli;
}

/* The ceiling can't move faster than vmax, so half the way to it is always early enough. Numbers
 * in a gap belong to nobody: the frontier jumps over them, so they are no distance. Near the front
 * a burst of free places may reach anyone, so the pause stays within the shortest call window. */
static int64_t poll_waiting_s(const struct queue_answer *answer, int64_t rate)
{
	int64_t vmax = rate > 0 ? rate * CEILING_TICKETS_PER_CALL : 1;
	int64_t beyond = answer->ahead - (answer->ceiling - answer->serving);
	if (beyond >= 0)
		return clamp(POLL_NEAR_MAX_S, POLL_FAR_MAX_S, beyond / vmax / 2);
	int64_t wait_s = queue_wait_s(answer->ahead, answer->speed_milli);
	return wait_s < 0 ? POLL_NEAR_MAX_S : clamp(POLL_NEAR_MIN_S, POLL_NEAR_MAX_S, wait_s / 4);
}

int64_t queue_poll_s(const struct queue_answer *answer, int64_t rate)
{
	switch (answer->code) {
	case QUEUE_CODE_LOBBY:
		if (answer->phase == QUEUE_PHASE_DRAWING)
			return POLL_NEAR_MIN_S;
		return clamp(POLL_LOBBY_MIN_S, POLL_FAR_MAX_S,
			(answer->open_ms - answer->now_ms) / 10000);
	case QUEUE_CODE_WAITING:
		return poll_waiting_s(answer, rate);
	case QUEUE_CODE_LATE:
		return POLL_NEAR_MIN_S;
	default:
		return 0;
	}
}

static enum queue_status status_of(enum queue_code code)
{
	switch (code) {
	case QUEUE_CODE_LOBBY: return QUEUE_PRE_QUEUE;
	case QUEUE_CODE_WAITING:
	case QUEUE_CODE_LATE: return QUEUE_WAITING;
	case QUEUE_CODE_NO_GATE:
	case QUEUE_CODE_ADMITTED: return QUEUE_ADMITTED;
	case QUEUE_CODE_EXPIRED: return QUEUE_EXPIRED;
	case QUEUE_CODE_CLOSED: return QUEUE_CLOSED;
	case QUEUE_CODE_SOLD_OUT: return QUEUE_SOLD_OUT;
	default: return QUEUE_NOT_IN_QUEUE;
	}
}

void queue_place_from(const struct queue_answer *answer, int64_t rate, struct queue_place *place)
{
	bool lobby = answer->code == QUEUE_CODE_LOBBY;
	bool waiting = answer->code == QUEUE_CODE_WAITING || answer->code == QUEUE_CODE_LATE;
	*place = (struct queue_place) {
		.status = status_of(answer->code), .created = answer->created,
		.epoch = answer->epoch, .number = lobby ? -1 : answer->number,
		.lobby_index = lobby ? answer->number : -1,
		.position = waiting && answer->ahead >= 0 ? answer->ahead + 1 : 0,
		.wait_s = waiting ? queue_wait_s(answer->ahead, answer->speed_milli) : -1,
		.poll_s = queue_poll_s(answer, rate), .open_ms = lobby ? answer->open_ms : 0,
		.now_ms = answer->now_ms,
		.pass_expires_ms = answer->code == QUEUE_CODE_ADMITTED ? answer->lease_end_ms : 0,
	};
}

const char *queue_status_name(enum queue_status status)
{
	static const char *const names[] = { "NOT_IN_QUEUE", "PRE_QUEUE", "WAITING", "ADMITTED",
		"EXPIRED", "CLOSED", "SOLD_OUT" };
	return names[status];
}

const char *queue_phase_name(enum queue_phase phase)
{
	static const char *const names[] = { "none", "scheduled", "lobby", "drawing", "open",
		"paused", "returns", "soldout", "drain", "closed", "rebuild" };
	return phase <= QUEUE_PHASE_REBUILD ? names[phase] : "unknown";
}
