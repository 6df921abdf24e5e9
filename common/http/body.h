/* The bodies that our origin serves: a pure function of (seed, length), so that the origin that
   makes a body and the oracle that expects it need nothing from each other. */
#ifndef TVA_HTTP_BODY_H
#define TVA_HTTP_BODY_H

#include <stddef.h>
#include <stdint.h>

/* The longest body that the origin serves. */
#define BODY_BYTES_MAX (INT64_C(64) << 20)

/* Writes bytes offset .. offset + size - 1 of the body of `seed`; offset is a multiple of 8. A
   longer body of the same seed begins with the shorter one. */
void body_fill(void *buffer, size_t size, uint64_t seed, uint64_t offset);

/* The checksum of the body of `seed` that is `length` bytes long. */
uint64_t body_checksum(uint64_t seed, uint64_t length);

#endif
