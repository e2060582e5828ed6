/* Port: SHA-256. Adapter: hash_openssl.c. */
#ifndef CM_QUEUE_HASH_H
#define CM_QUEUE_HASH_H

#include <stddef.h>

enum { HASH_BYTES = 32 };

void hash_sha256(const void *text, size_t length, unsigned char hash[HASH_BYTES]);

#endif
