#include <openssl/sha.h>

#include "base/banned.h"
#include "queue/hash.h"

void hash_sha256(const void *text, size_t length, unsigned char hash[HASH_BYTES])
{
	SHA256(text, length, hash);
}
