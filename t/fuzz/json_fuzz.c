/* The JSON gate: what it lets through, cJSON must read whole;
 * what is read keeps the table's bounds. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "http/json.h"

#include "base/banned.h"

const char *const fuzz_seeds[] = {
	"{\"concertId\":802,\"seatId\":665}",
	"{\"name\":\"\xea\xb9\x80\\ud55c\\uae00\",\"ok\":true,\"when\":\"2026-12-24T19:00:00+09:00\"}",
	"{\"seatIds\":[1,2,3],\"concertId\":9007199254740991,\"ok\":null}",
	"{\"parts\":[{\"a\":[[[[-1.5e+3]]]]},{}],\"name\":\"x\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
	"[]", "{}", "0", "", NULL};

struct input {
	int64_t concert, seat, when;
	const char *name;
	bool ok;
	struct id_list seats;
	const struct cJSON *parts;
};

static const struct field fields[] = {
	{"concertId", FIELD_ID, offsetof(struct input, concert), false, 0, 0, NULL},
	{"seatId", FIELD_INTEGER, offsetof(struct input, seat), false, -5, 1000, NULL},
	{"name", FIELD_TEXT, offsetof(struct input, name), false, 1, 20, NULL},
	{"ok", FIELD_BOOLEAN, offsetof(struct input, ok), false, 0, 0, NULL},
	{"when", FIELD_TIME, offsetof(struct input, when), false, 0, 0, NULL},
	{"seatIds", FIELD_ID_LIST, offsetof(struct input, seats), false, 1, 4, NULL},
	{"parts", FIELD_JSON, offsetof(struct input, parts), false, 0, 10, NULL},
};

static void check_values(const struct input *input)
{
	PROPERTY(input->concert >= 0 && input->concert <= 9007199254740991);
	PROPERTY(input->seat >= -5 && input->seat <= 1000);
	PROPERTY(input->seats.count <= 4);
	for (size_t i = 0; i < input->seats.count; i++)
		for (size_t j = 0; j < i; j++)
			PROPERTY(input->seats.ids[i] != input->seats.ids[j]);
	if (input->name) {
		size_t length = strlen(input->name);
		PROPERTY(length && str_is_utf8(input->name, length));
		PROPERTY(str_characters(input->name) <= 20);
		PROPERTY(!strpbrk(input->name, "\n\r\t\b\f"));
	}
}

void fuzz_one(struct ctx *ctx, const char *bytes, size_t length)
{
	struct req req = {.method = METHOD_POST, .path = "/", .query = "", .body = bytes,
			  .body_length = length, .content_type = "application/json"};
	struct input input = {0};
	bool passed = json_check(ctx, bytes, length) == FAULT_NONE;
	if (passed) {
		const char *end = NULL;
		cJSON *tree = cJSON_ParseWithLengthOpts(bytes, length, &end, 0);
		PROPERTY(tree != NULL);
		PROPERTY(strspn(end, " \t\r\n") == (size_t)(bytes + length - end));
		cJSON_Delete(tree);
		PROPERTY(str_is_utf8(bytes, length));
	}
	if (json_read(ctx, &req, fields, FIELD_COUNT(fields), &input) == FAULT_NONE) {
		PROPERTY(passed || length == 0); /* no body reads as an empty object */
		check_values(&input);
	}
}
