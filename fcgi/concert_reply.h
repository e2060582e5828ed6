/* How concerts and seats look in JSON. */
#ifndef CM_FCGI_CONCERT_REPLY_H
#define CM_FCGI_CONCERT_REPLY_H

#include "base/str.h"
#include "concert/concert.h"
#include "http/res.h"

/* A list's row; detail adds what GET /concert/{id} has besides. */
void reply_concert(struct strbuf *out, const struct concert *concert);
void reply_concert_detail(struct strbuf *out, const struct concert *concert);
void reply_seat(struct strbuf *out, const struct seat *seat);

/* Sets a strong ETag of the body as it is, after "<version>-" when version isn't 0. True: the
 * caller has it already, and the reply is a 304. */
bool reply_etag(struct res *res, int64_t version, const char *if_none_match);

#endif
