/* Port: Unicode forms, so that the same password or address typed on another keyboard is the same
 * (macOS sends decomposed Hangul). Adapter: fold_unistring.c. Texts must be valid UTF-8. */
#ifndef CM_AUTH_FOLD_H
#define CM_AUTH_FOLD_H

#include "base/arena.h"

/* NFKC, in the arena. */
const char *fold_nfkc(struct arena *arena, const char *text);
/* NFKC in lower case: what addresses are compared by. */
const char *fold_lower(struct arena *arena, const char *text);

#endif
