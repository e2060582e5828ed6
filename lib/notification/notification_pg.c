#include <string.h>

#include "notification/notification_store.h"
#include "pg/pg.h"

#include "base/banned.h"

#define COLUMNS "n.id, n.kind, n.reservation_id, n.concert_id, " PG_MS("n.created_at") ", " \
	PG_MS("n.read_at") ", n.payload ->> 'title', n.payload ->> 'place', n.payload ->> 'seats'," \
	" n.payload ->> 'concertMs', n.payload ->> 'amount', n.payload ->> 'fee'," \
	" n.payload ->> 'reason'"
enum { COLUMN_COUNT = 13 };

PG_STATEMENT(notification_add,
	"insert into cm.notification (member_id, event_id, reservation_id, concert_id, kind,"
	" email_status, email_next_at, payload)"
	" select m.id, $1, r.id, c.id, $4,"
	" case when $6 and m.deleted_at is null and ($5 or not m.notification_opt_out)"
	" then 'PENDING' else 'SKIPPED' end, now(),"
	" jsonb_build_object('title', c.title, 'place', c.place, 'concertMs', "
	PG_MS("c.date_time") ", 'amount', coalesce($7::jsonb ->> 'amount', r.amount::text),"
	" 'fee', coalesce($7::jsonb ->> 'fee', '0'), 'reason', coalesce($7::jsonb ->> 'reason',"
	" case when $4 in ('expired', 'cancelled') and c.status = 'CANCELLED'"
	" then 'concert-cancelled' end),"
	" 'seats', (select string_agg(s.grade_name || ' '"
	" || s.seat_number, ', ' order by s.position) from cm.reservation_seat s"
	" where s.reservation_id = r.id))"
	" from cm.member m join cm.reservation r on r.id = $3 join cm.concert c on c.id = r.concert_id"
	" where m.id = $2 on conflict (event_id, member_id, kind) do nothing");
PG_STATEMENT(notification_of_member,
	"select " COLUMNS " from cm.notification n where n.member_id = $1"
	" and ($2::bigint is null or n.id < $2) order by n.id desc limit $3");
PG_STATEMENT(notification_read,
	"update cm.notification set read_at = now() where id = any ($1) and member_id = $2"
	" and read_at is null");
PG_STATEMENT(notification_settings_of,
	"select notification_opt_out, language from cm.member where id = $1 and deleted_at is null");
PG_STATEMENT(notification_settings_change,
	"update cm.member set notification_opt_out = $2, language = $3, updated_at = now()"
	" where id = $1 and deleted_at is null");
PG_STATEMENT(notification_due,
	"with due as (update cm.notification set email_next_at = now() + $2 * interval '1 millisecond'"
	" where id in (select id from cm.notification where email_status = 'PENDING'"
	" and email_next_at <= now() order by email_next_at limit $1 for update skip locked)"
	" returning *)"
	" select " COLUMNS ", m.email, m.name, m.language, m.notification_opt_out,"
	" m.deleted_at is not null, n.email_attempts"
	" from due n join cm.member m on m.id = n.member_id order by n.id");
PG_STATEMENT(notification_end,
	"update cm.notification set email_status = $2, email_last_error = $3,"
	" email_attempts = email_attempts + case when $4 then 1 else 0 end,"
	" email_sent_at = case when $2 = 'SENT' then now() end,"
	" email_next_at = now() + $5 * interval '1 millisecond'"
	" where id = $1 and email_status = 'PENDING'");
PG_STATEMENT(notification_release,
	"update cm.notification set email_next_at = now() where id = any ($1)"
	" and email_status = 'PENDING'");

static void read_notice(const struct pg_rows *rows, int row, struct notification *ret_notice)
{
	*ret_notice = (struct notification){
		.id = pg_integer(rows, row, 0),
		.kind = pg_text(rows, row, 1),
		.reservation = { pg_integer(rows, row, 2) },
		.concert = { pg_integer(rows, row, 3) },
		.created_ms = pg_integer(rows, row, 4),
		.read_ms = pg_integer(rows, row, 5),
		.concert_title = pg_text(rows, row, 6),
		.place = pg_text(rows, row, 7),
		.seats = pg_text(rows, row, 8),
		.concert_ms = pg_integer(rows, row, 9),
		.amount = pg_integer(rows, row, 10),
		.fee = pg_integer(rows, row, 11),
		.reason = pg_text(rows, row, 12),
	};
}

enum fault notification_store_add(struct ctx *ctx, const struct event *event, const char *kind,
	bool is_essential, bool has_mail)
{
	struct pg_rows rows;
	return pg_query(ctx, &rows, &notification_add, "iiitbbt", event->id, event->member.value,
		event->reservation.value, kind, (int)is_essential, (int)has_mail, event->payload);
}

enum fault notification_store_list(struct ctx *ctx, int64_t before_id, int64_t limit,
	struct notification_list *ret_list)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &notification_of_member, "iIi", ctx->member.value,
		before_id, limit + 1);
	if (fault)
		return fault;
	ret_list->count = (size_t)rows.count;
	ret_list->items = arena_array(ctx->arena, ret_list->count, sizeof(struct notification));
	for (int row = 0; row < rows.count; row++)
		read_notice(&rows, row, &ret_list->items[row]);
	return FAULT_NONE;
}

enum fault notification_store_read(struct ctx *ctx, const struct notification_list *list)
{
	struct pg_rows rows;
	size_t count = 0;
	int64_t *ids = arena_array(ctx->arena, list->count, sizeof(*ids));
	for (size_t i = 0; i < list->count; i++)
		if (!list->items[i].read_ms)
			ids[count++] = list->items[i].id;
	if (!count)
		return FAULT_NONE;
	return pg_query(ctx, &rows, &notification_read, "Ai", (const void *)ids, count,
		ctx->member.value);
}

enum fault notification_store_settings(struct ctx *ctx,
	struct notification_settings *ret_settings)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &notification_settings_of, "i", ctx->member.value);
	if (fault)
		return fault;
	if (!rows.count)
		return FAULT_MEMBER_NOT_FOUND;
	ret_settings->opt_out = pg_boolean(&rows, 0, 0);
	ret_settings->language = strcmp(pg_text(&rows, 0, 1), "en") == 0 ? LANGUAGE_EN
		: LANGUAGE_KO;
	return FAULT_NONE;
}

enum fault notification_store_set(struct ctx *ctx, const struct notification_settings *settings)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &notification_settings_change, "ibt",
		ctx->member.value, (int)settings->opt_out,
		settings->language == LANGUAGE_EN ? "en" : "ko");
	if (!fault && !pg_affected(&rows))
		return FAULT_MEMBER_NOT_FOUND;
	return fault;
}

enum fault notification_store_due(struct ctx *ctx, size_t limit, int64_t lease_ms,
	struct notification_mail **ret_mails, size_t *ret_count)
{
	struct pg_rows rows;
	enum fault fault = pg_query(ctx, &rows, &notification_due, "ii", (int64_t)limit, lease_ms);
	if (fault)
		return fault;
	*ret_count = (size_t)rows.count;
	*ret_mails = arena_array(ctx->arena, *ret_count, sizeof(**ret_mails));
	for (int row = 0; row < rows.count; row++) {
		struct notification_mail *mail = &(*ret_mails)[row];
		read_notice(&rows, row, &mail->notice);
		mail->address = pg_text(&rows, row, COLUMN_COUNT);
		mail->name = pg_text(&rows, row, COLUMN_COUNT + 1);
		mail->language = strcmp(pg_text(&rows, row, COLUMN_COUNT + 2), "en") == 0
			? LANGUAGE_EN : LANGUAGE_KO;
		mail->opt_out = pg_boolean(&rows, row, COLUMN_COUNT + 3);
		mail->is_gone = pg_boolean(&rows, row, COLUMN_COUNT + 4);
		mail->attempts = (int)pg_integer(&rows, row, COLUMN_COUNT + 5);
	}
	return FAULT_NONE;
}

enum fault notification_store_end(struct ctx *ctx, const struct notification_mail *mail,
	const struct notification_end *end)
{
	struct pg_rows rows;
	return pg_query(ctx, &rows, &notification_end, "ittbi", mail->notice.id, end->status,
		end->error, (int)end->counts, end->wait_ms);
}

enum fault notification_store_release(struct ctx *ctx, const struct notification_mail *mails,
	size_t count)
{
	struct pg_rows rows;
	int64_t *ids = arena_array(ctx->arena, count, sizeof(*ids));
	for (size_t i = 0; i < count; i++)
		ids[i] = mails[i].notice.id;
	return count ? pg_query(ctx, &rows, &notification_release, "A", (const void *)ids, count)
		: FAULT_NONE;
}
