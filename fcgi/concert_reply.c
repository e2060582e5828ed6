#include "concert_reply.h"

#include <stdio.h>

#include "base/banned.h"
#include "http/json.h"

static void write_row(struct strbuf *out, const struct concert *concert)
{
	json_integer(out, "id", concert->id.value);
	json_text(out, "title", concert->title);
	json_text(out, "artist", concert->artist);
	json_text(out, "place", concert->place);
	json_time(out, "dateTime", concert->date_time_ms);
	json_time(out, "reservationOpenAt", concert->open_at_ms);
	json_time(out, "reservationCloseAt", concert->close_at_ms);
	json_text(out, "status", concert->status);
	json_integer(out, "minPrice", concert->min_price);
	json_integer(out, "maxPrice", concert->max_price);
	json_integer(out, "availableSeats", concert->available_seats);
}

void reply_concert(struct strbuf *out, const struct concert *concert)
{
	json_open(out, NULL, '{');
	write_row(out, concert);
	json_close(out, '}');
}

static void write_grades(struct strbuf *out, const struct concert *concert)
{
	json_open(out, "grades", '[');
	for (size_t i = 0; i < concert->grade_count; i++) {
		const struct grade *grade = &concert->grades[i];
		json_open(out, NULL, '{');
		json_integer(out, "id", grade->id.value);
		json_text(out, "name", grade->name);
		json_integer(out, "price", grade->price);
		json_integer(out, "totalSeats", grade->total_seats);
		json_integer(out, "availableSeats", grade->available_seats);
		json_close(out, '}');
	}
	json_close(out, ']');
}

static void write_queue(struct strbuf *out, const struct queue_terms *queue)
{
	json_open(out, "queue", '{');
	json_text(out, "mode", queue->mode);
	json_integer(out, "ratePerSecond", queue->rate_per_second);
	json_integer(out, "capacity", queue->capacity);
	json_time(out, "lobbyAt", queue->lobby_at_ms);
	json_boolean(out, "paused", queue->paused);
	json_close(out, '}');
}

void reply_concert_detail(struct strbuf *out, const struct concert *concert)
{
	json_open(out, NULL, '{');
	write_row(out, concert);
	json_text(out, "description", concert->description);
	json_text(out, "currency", "KRW");
	json_integer(out, "totalSeats", concert->seat_count);
	write_grades(out, concert);
	json_integer(out, "maxTicketsPerMember", concert->max_tickets_per_member);
	json_integer(out, "holdSeconds", concert->hold_seconds);
	write_queue(out, &concert->queue);
	json_raw(out, "cancellation", concert->cancellation);
	json_integer(out, "version", concert->version);
	json_close(out, '}');
}

void reply_seat(struct strbuf *out, const struct seat *seat)
{
	json_open(out, NULL, '{');
	json_integer(out, "id", seat->id.value);
	json_integer(out, "concertId", seat->concert.value);
	json_text(out, "seatNumber", seat->number);
	json_text(out, "seatGrade", seat->grade);
	json_integer(out, "price", seat->price);
	json_text(out, "status", seat->state);
	json_close(out, '}');
}

/* FNV-1a: not secret, only different for different bodies. */
static uint64_t hash_of(const struct strbuf *body)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < body->length; i++)
		hash = (hash ^ (unsigned char)body->data[i]) * UINT64_C(0x100000001b3);
	return hash;
}

bool reply_etag(struct res *res, int64_t version, const char *if_none_match)
{
	char etag[64];
	unsigned long long hash = hash_of(&res->body);
	if (version)
		snprintf(etag, sizeof(etag), "\"%lld-%016llx\"", (long long)version, hash);
	else
		snprintf(etag, sizeof(etag), "\"%016llx\"", hash);
	return res_not_modified(res, if_none_match, etag);
}
