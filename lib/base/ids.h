/* Ids are one-member structs, so that a seat id cannot be passed for a concert id.
 * Valid ids are 1 to ID_MAX (2^53-1: what a JSON number carries exactly); 0 means none. */
#ifndef CM_BASE_IDS_H
#define CM_BASE_IDS_H

#include <stdint.h>

#define ID_MAX INT64_C(9007199254740991)

struct member_id { int64_t value; };
struct concert_id { int64_t value; };
struct grade_id { int64_t value; };
struct seat_id { int64_t value; };
struct reservation_id { int64_t value; };
struct payment_id { int64_t value; };
struct ticket_id { int64_t value; };

#endif
