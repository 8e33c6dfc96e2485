/* The CRC-32 of a block, computed without any Python object. zlib.crc32 gives the same number, but
   calling it takes a memoryview and an int, and a program may have filled its memory. */
#ifndef CODETRACER_CHECKSUM_H
#define CODETRACER_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Fills the tables. Call it once, before `checksum`. */
void checksum_prepare(void);

uint32_t checksum(const unsigned char *bytes, size_t count);

#endif
