/* The segment of an index that is being made: what records are about, and the rows of its sections. */
#ifndef CODETRACER_SEGMENT_H
#define CODETRACER_SEGMENT_H

#include <Python.h>

#include <stdint.h>

#include "tables.h"

#pragma GCC visibility push(hidden)

/* Numbers of items by a hash; 0 for none, else the number plus 1. */
typedef struct {
    uint32_t *slots;
    size_t size; /* a power of 2, or 0 */
} Places;

/* What records are about, with its postings in a chain. */
typedef struct {
    uint64_t major;
    uint32_t kind, minor;
    uint32_t first, last; /* of its links */
    uint32_t rows;
} Key;

/* A posting, and the number of the key's next one. */
typedef struct {
    uint32_t block, last, records, next;
} Link;

typedef struct {
    uint32_t block;  /* the number of the current block */
    uint32_t blocks; /* how many the segment covers */
    int noting;      /* whether it is to cover the current block */
    Key *keys;
    size_t key_count, key_room;
    Places key_places;
    Link *links;
    size_t link_count, link_room;
    Buffer rows_blocks, rows_threads, rows_frames, rows_definitions, rows_calls, rows_objects;
} Segment;

/* No item of a list. */
#define NONE UINT32_MAX

/* Makes room for one more item of an array; -1 with MemoryError. */
int make_room(void **items, size_t count, size_t *room, size_t size);

/* Raises a ValueError; returns -1. */
int impossible(const char *why);

/* A hash of two numbers. */
static inline uint64_t
mixed(uint64_t first, uint64_t second)
{
    uint64_t hash = (first ^ second * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
    return hash ^ hash >> 32;
}

/* Makes room for `count` items, and forgets those that are there; -1 with MemoryError. */
int places_reset(Places *places, size_t count);

/* Notes records about a key in the current block: where the last one is, and `records` more of them, or
   with `set` so many in all. */
int segment_note(Segment *self, uint32_t kind, uint64_t major, uint32_t minor, uint32_t last,
                 uint32_t records, int set);

/* Makes room for a row; returns where it is to be written, or NULL with MemoryError. */
unsigned char *segment_row(Buffer *rows, size_t size);

/* Begins a segment after the blocks that the last one covers. */
int segment_begin(Segment *self);

/* Returns the bytes of the whole segment, a new reference, or NULL with an exception. */
PyObject *segment_bytes(Segment *self);

void segment_free(Segment *self);

#pragma GCC visibility pop

#endif
