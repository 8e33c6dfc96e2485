/* CRC-32 (IEEE 802.3, reflected), which takes eight bytes per step. */
#include "checksum.h"

#include <string.h>

#define POLYNOMIAL 0xEDB88320u
#define AT_ONCE 8

/* [n][byte]: the effect of `byte` on the sum if n more bytes follow it in the same step. */
static uint32_t sums[AT_ONCE][256];

void
checksum_prepare(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t sum = byte;
        for (int bit = 0; bit < 8; bit++) {
            sum = sum & 1 ? sum >> 1 ^ POLYNOMIAL : sum >> 1;
        }
        sums[0][byte] = sum;
    }
    for (int more = 1; more < AT_ONCE; more++) {
        for (int byte = 0; byte < 256; byte++) {
            uint32_t sum = sums[more - 1][byte];
            sums[more][byte] = sum >> 8 ^ sums[0][sum & 255];
        }
    }
}

uint32_t
checksum(const unsigned char *bytes, size_t count)
{
    uint32_t sum = UINT32_MAX;
    for (; count >= AT_ONCE; bytes += AT_ONCE, count -= AT_ONCE) {
        uint32_t next = sum;
        sum = 0;
        for (int at = 0; at < AT_ONCE; at++) {
            uint32_t byte = bytes[at] ^ (at < 4 ? next >> 8 * at & 255 : 0);
            sum ^= sums[AT_ONCE - 1 - at][byte];
        }
    }
    for (; count > 0; bytes++, count--) {
        sum = sum >> 8 ^ sums[0][(sum ^ *bytes) & 255];
    }
    return ~sum;
}
