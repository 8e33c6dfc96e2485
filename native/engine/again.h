/* Leaves values out of a group of records that the block has already. `LogWriter._shortened` in writer.py
   does the same in Python. Plain C. */
#ifndef CODETRACER_AGAIN_H
#define CODETRACER_AGAIN_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

#define PLACES (1 << 14) /* a power of 2, at least twice MOST_NOTED */

/* Where a block has which values. */
typedef struct {
    uint32_t block; /* the block's number */
    uint32_t noted;
    uint32_t slots[PLACES]; /* half of a value's hash, and its place; 0: none */
} Again;

/* Begins to note the values of another block. */
void again_begin(Again *again, uint32_t block);

/* Copies a group to where it belongs in a block, without its first byte. Returns how many bytes it takes
   there.
   block: the block's records.
   before: how many bytes of them there are. */
size_t again_copy(Again *again, unsigned char *block, size_t before, const unsigned char *bytes,
                  size_t count);

#pragma GCC visibility pop

#endif
