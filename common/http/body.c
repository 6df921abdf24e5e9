#include "http/body.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "http/checksum.h"
#include "workloads/random.h"

/* Eight bytes at a time: a body costs the origin less than sending it. */
void body_fill(void *buffer, size_t size, uint64_t seed, uint64_t offset) {
    assert(offset % sizeof(uint64_t) == 0);
    unsigned char *bytes = buffer;
    uint64_t number = offset / sizeof(uint64_t);
    for (size_t done = 0; done < size; done += sizeof(uint64_t), number++) {
        uint64_t word = htole64(random_at(seed, number));
        size_t rest = size - done;
        memcpy(bytes + done, &word, rest < sizeof word ? rest : sizeof word);
    }
}

uint64_t body_checksum(uint64_t seed, uint64_t length) {
    unsigned char piece[4096];
    uint64_t checksum = CHECKSUM_OF_NOTHING;
    for (uint64_t done = 0; done < length; done += sizeof piece) {
        uint64_t rest = length - done;
        size_t size = rest < sizeof piece ? (size_t)rest : sizeof piece;
        body_fill(piece, size, seed, done);
        checksum = checksum_add(checksum, piece, size);
    }
    return checksum;
}
