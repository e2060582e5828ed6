/* How concerts and seats look in JSON. */
#ifndef CM_FCGI_CONCERT_REPLY_H
#define CM_FCGI_CONCERT_REPLY_H

#include "base/str.h"
#include "concert/concert.h"

/* A list's row; detail adds what GET /concert/{id} has besides. */
void reply_concert(struct strbuf *out, const struct concert *concert);
void reply_concert_detail(struct strbuf *out, const struct concert *concert);
void reply_seat(struct strbuf *out, const struct seat *seat);

#endif
