/* References to objects. An object with an identity is written once, and referred to by its number; a
   queue holds the objects whose contents have yet to be written. values.py is the same in Python. */
#ifndef CODETRACER_REFERENCES_H
#define CODETRACER_REFERENCES_H

#include <Python.h>

#include <stdint.h>

#include "state.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

/* An object that has been written, and therefore has a number. */
typedef struct Known {
    const void *object; /* NULL: this place is free */
    const void *kind;
    uint64_t content; /* hash of the written contents; 0: none */
    uint64_t digest;  /* of the written contents; 0: it does not tell all of them */
    uint64_t event;   /* the last event that looked at its contents */
    uint32_t number;
    int levels; /* how many levels of objects that event took for new */
    int depth; /* how many levels deep that event looked, or an earlier one that is still trusted */
    int is_shallow; /* whether the objects in the written contents were not looked at */
    Py_ssize_t items;  /* of a list, the number of items that it had at that event */
    Py_ssize_t before; /* how many items of a list that event found that were there at an earlier one */
    uint64_t grown;    /* the event in which a list has only got more items at its end */
} Known;

/* An object whose contents are to be encoded. */
typedef struct Queued {
    PyObject *object; /* owned */
    uint32_t number;
    int depth; /* how many levels deep to look */
    int room;  /* how many levels the limit would allow */
    int levels; /* how many levels of objects, from this one on, may be new */
} Queued;

/* Returns the place of a known object, or the free place for a new one. */
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

/* Returns whether any object may have changed since an event. */
static inline int
in_doubt(const Values *values, uint64_t event)
{
    return event < values->doubted;
}

/* From now on, no object is trusted that was looked at before this event. */
static inline void
values_doubt(Values *values)
{
    values->doubted = values->event;
}

/* Returns whether the current event has looked as closely at an object already. */
static inline int
is_done(const Values *values, const Known *known, int depth, int levels)
{
    return known->event == values->event && known->depth >= depth && known->levels >= levels;
}

/* Returns whether the current event has to look at an object. */
static inline int
must_look(const Values *values, const Known *known, int depth, int levels)
{
    return known->depth < depth || in_doubt(values, known->event)
           || levels > (known->event == values->event ? known->levels : 0);
}

/* Queues an object whose contents are to be encoded. Returns -1 with MemoryError. */
int queue_object(Values *values, PyObject *object, uint32_t number, int depth, int room, int levels);

/* Makes room for one more object. Returns -1 with MemoryError. */
int known_make_room(Values *values);

/* Appends a reference to an object. If its contents are to be encoded, also queues the object; the
   queue then owns a reference to it. If contents are only compared (`values->compares`), appends nothing, and
   returns -1 without an exception where they must be encoded. */
int encode_reference(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting);

/* Appends to the group that an object exists, without its contents, unless it has been written. */
int write_unseen(Engine *engine, PyObject *object);

#pragma GCC visibility pop

#endif
