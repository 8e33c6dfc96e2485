/* Goes through the records of a log, and notes in a segment what they are about. It follows threads and
   frames, and keeps no values. */
#ifndef CODETRACER_WALK_H
#define CODETRACER_WALK_H

#include <Python.h>

#include <stddef.h>
#include <stdint.h>

#include "segment.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

typedef struct {
    int64_t line;
    uint64_t namespace;
    uint64_t variables;
    uint64_t names_count;
    uint32_t *names;
    int in_task, suspends;
} Code;

typedef struct {
    uint64_t number, began, step, task;
    int64_t line;
    uint32_t code;
    uint32_t born;
    uint32_t touched; /* the number of a block, plus 1 */
    uint32_t thread;  /* whose stack it is on, or NONE */
    int ended, resumable, lost;
} Frame;

typedef struct {
    Frame **stack;
    size_t depth, room;
    uint64_t task;
    /* The rows of its stack as the segment has them, and its task there. */
    unsigned char *written;
    size_t written_depth, written_room;
    uint64_t written_task;
} Thread;

/* A local variable that has records in the current block. */
typedef struct {
    Frame *frame;
    uint32_t variable, last, records;
} Pending;

typedef struct {
    Segment segment;
    uint64_t offset; /* of the current block's records in the log */
    uint32_t at;     /* where in them the current record is */
    uint64_t steps, calls, objects, time;
    uint64_t old_objects; /* `objects` before the block */
    uint32_t raises, outputs;
    uint64_t sources; /* how many there are */
    Code *codes;
    size_t code_count, code_room;
    PyObject *names; /* the number of each global name, by its UTF-8 */
    Thread *threads;
    size_t thread_count, thread_room;
    uint32_t thread; /* which runs, or NONE */
    Table resumable;
    Frame **touched; /* of which the block has a record */
    size_t touched_count, touched_room;
    Pending *pending;
    size_t pending_count, pending_room;
    Places pending_places;
    Buffer new_objects;
} Walk;

/* -1 with an exception. */
int walk_begin(Walk *self);

/* Goes through a block. With an exception it returns -1, and the walk cannot go on. */
int walk_block(Walk *self, const unsigned char *bytes, size_t size, uint64_t offset, uint32_t crc);

/* Returns a new reference to the segment of the blocks since the last one, and begins the next; NULL with an
   exception.

   `next_offset` is where the records of the next block begin in the log. */
PyObject *walk_segment(Walk *self, uint64_t next_offset);

void walk_free(Walk *self);

#pragma GCC visibility pop

#endif
