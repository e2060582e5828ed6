#include "queue/queue_beacon.h"

#include "base/banned.h"
#include "queue/queue_desk.h"

static enum fault untimely_source(struct ctx *ctx)
{
	return ctx_field_message(ctx, "beaconSource", "conflict",
		"is named once, for a lobby, before its first member",
		"대기실의 첫 입장 전에 한 번만 정할 수 있습니다");
}

static enum fault untimely_value(struct ctx *ctx)
{
	return ctx_field_message(ctx, "beacon", "conflict",
		"is given once, when its source was named and the lobby is closed",
		"출처를 미리 정한 뒤, 대기실이 닫히고 나서 한 번만 정할 수 있습니다");
}

enum fault queue_beacon_check(struct ctx *ctx, struct concert_id concert,
	const struct queue_change *change)
{
	const struct queue_record *record;
	struct queue_summary summary = { 0 };
	if (!change->beacon && !change->beacon_source)
		return FAULT_NONE;
	enum fault fault = queue_desk_refresh(ctx, concert, &record, &summary);
	if (fault)
		return fault;
	if (!record)
		return FAULT_DATABASE_AWAY;
	bool named = *record->beacon_source, begun = named || summary.tail > 0;
	bool lobby = record->lobby_ms || change->lobby_ms > 0;
	if (change->beacon_source && (!lobby || (begun && !change->reset)))
		return untimely_source(ctx);
	if (change->beacon && (!named || *record->beacon || change->reset
			|| summary.phase != QUEUE_PHASE_DRAWING))
		return untimely_value(ctx);
	return FAULT_NONE;
}

enum fault queue_beacon_store(struct ctx *ctx, struct concert_id concert,
	const struct queue_change *change)
{
	const struct queue_record *record;
	bool stored = true;
	enum fault fault = FAULT_NONE;
	if (change->beacon_source) {
		fault = queue_desk_refresh(ctx, concert, &record, NULL); /* makes the draw */
		if (!fault)
			fault = queue_beacon_name(ctx, concert, change->beacon_source, &stored);
		if (!fault && !stored)
			fault = untimely_source(ctx);
	}
	if (!fault && change->beacon) {
		fault = queue_beacon_give(ctx, concert, change->beacon, &stored);
		if (!fault && !stored)
			fault = untimely_value(ctx);
	}
	return fault;
}
