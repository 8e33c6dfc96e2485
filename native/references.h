/* References to objects, which have an identity and may change: which are known by which number, and
   which are to be looked at; values.py in Python. */
#ifndef CODETRACER_REFERENCES_H
#define CODETRACER_REFERENCES_H

#include <Python.h>

#include <stdint.h>

#include "state.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

/* An object that has been written. */
typedef struct Known {
    const void *object; /* NULL: free */
    const void *kind;
    uint64_t content; /* hash of what was written, 0 for nothing */
    uint64_t event;   /* the event that looked at it last */
    uint32_t number;
    int depth; /* how deep that event looked */
} Known;

/* An object that is to be looked at. */
typedef struct Queued {
    PyObject *object; /* owned */
    uint32_t number;
    int depth; /* how deep */
    int room;  /* how deep the limit would allow */
} Queued;

/* Returns what is known of an object, or the free place for it. */
static inline Known *
known_find(Values *values, const void *object)
{
    size_t mask = values->known_size - 1;
    size_t at = address_hash(object) & mask;
    while (values->known[at].object != NULL && values->known[at].object != object) {
        at = (at + 1) & mask;
    }
    return &values->known[at];
}

/* Makes room for one more; -1 with MemoryError. */
int known_make_room(Values *values);

/* Appends a reference to an object, which is queued, with a reference of the queue's own, where it is
   to be looked at. */
int encode_reference(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting);

/* Puts into the group that an object is known, but not looked at; nothing if it has been written. */
int write_unseen(Engine *engine, PyObject *object);

#pragma GCC visibility pop

#endif
