/* Keys, postings and rows of a segment; see index_builder.py. */
#include "segment.h"

#include <stdlib.h>
#include <string.h>

#include "_index_format.h"
#include "checksum.h"
#include "tables.h"

/* ---- memory */

int
make_room(void **items, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return 0;
    }
    size_t wanted = *room ? *room * 2 : 16;
    void *found = PyMem_Realloc(*items, wanted * size);
    if (found == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *items = found;
    *room = wanted;
    return 0;
}

int
impossible(const char *why)
{
    PyErr_SetString(PyExc_ValueError, why);
    return -1;
}

int
places_reset(Places *places, size_t count)
{
    size_t size = places->size ? places->size : 256;
    while (size < count * 2) {
        size *= 2;
    }
    if (size != places->size) {
        PyMem_Free(places->slots);
        places->size = 0;
        places->slots = PyMem_Malloc(size * sizeof(uint32_t));
        if (places->slots == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        places->size = size;
    }
    memset(places->slots, 0, size * sizeof(uint32_t));
    return 0;
}

/* ---- keys and postings */

static inline uint64_t
key_hash(uint32_t kind, uint64_t major, uint32_t minor)
{
    return mixed(major, (uint64_t)kind << 32 | minor);
}

/* Returns the slot of a key, where it is or would be. */
static inline uint32_t *
key_slot(const Segment *self, uint32_t kind, uint64_t major, uint32_t minor)
{
    size_t mask = self->key_places.size - 1;
    for (size_t at = key_hash(kind, major, minor) & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &self->key_places.slots[at];
        if (*slot == 0) {
            return slot;
        }
        const Key *key = &self->keys[*slot - 1];
        if (key->major == major && key->kind == kind && key->minor == minor) {
            return slot;
        }
    }
}

int
segment_note(Segment *self, uint32_t kind, uint64_t major, uint32_t minor, uint32_t last,
             uint32_t records, int set)
{
    if (!self->noting) {
        return 0;
    }
    uint32_t *slot = key_slot(self, kind, major, minor);
    if (*slot == 0) {
        if (self->key_count >= NONE - 1
            || make_room((void **)&self->keys, self->key_count, &self->key_room, sizeof(Key)) < 0) {
            return PyErr_Occurred() ? -1 : impossible("an index has no room for so many keys");
        }
        self->keys[self->key_count++] = (Key){major, kind, minor, NONE, NONE, 0};
        *slot = (uint32_t)self->key_count;
        if (self->key_count * 2 > self->key_places.size) {
            if (places_reset(&self->key_places, self->key_count * 2) < 0) {
                return -1;
            }
            for (size_t index = 0; index < self->key_count; index++) {
                const Key *key = &self->keys[index];
                *key_slot(self, key->kind, key->major, key->minor) = (uint32_t)index + 1;
            }
            slot = key_slot(self, kind, major, minor);
        }
    }
    Key *key = &self->keys[*slot - 1];
    if (key->last == NONE || self->links[key->last].block != self->block) {
        if (self->link_count >= NONE
            || make_room((void **)&self->links, self->link_count, &self->link_room, sizeof(Link))
                < 0) {
            return PyErr_Occurred() ? -1 : impossible("an index has no room for so many postings");
        }
        uint32_t index = (uint32_t)self->link_count++;
        self->links[index] = (Link){self->block, 0, 0, NONE};
        if (key->last == NONE) {
            key->first = index;
        }
        else {
            self->links[key->last].next = index;
        }
        key->last = index;
        key->rows++;
    }
    Link *link = &self->links[key->last];
    link->last = last;
    link->records = set ? records : link->records + records;
    return 0;
}

/* ---- the whole */

unsigned char *
segment_row(Buffer *rows, size_t size)
{
    if (buffer_reserve(rows, size) < 0) {
        return NULL;
    }
    rows->used += size;
    return rows->bytes + rows->used - size;
}

int
segment_begin(Segment *self)
{
    self->blocks = 0;
    self->rows_blocks.used = self->rows_threads.used = self->rows_frames.used = 0;
    self->rows_definitions.used = self->rows_calls.used = self->rows_objects.used = 0;
    self->key_count = self->link_count = 0;
    return places_reset(&self->key_places, 0);
}

static int
key_order(const void *one, const void *other)
{
    const Key *a = one, *b = other;
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->major != b->major) {
        return a->major < b->major ? -1 : 1;
    }
    return a->minor == b->minor ? 0 : a->minor < b->minor ? -1 : 1;
}

PyObject *
segment_bytes(Segment *self)
{
    qsort(self->keys, self->key_count, sizeof(Key), key_order);
    const Buffer *const sections[] = {&self->rows_blocks,      &self->rows_threads,
                                      &self->rows_frames,      &self->rows_definitions,
                                      &self->rows_calls,       &self->rows_objects};
    size_t size = SEGMENT_HEADER_SIZE + self->key_count * KEY_ROW_SIZE
        + self->link_count * POSTING_ROW_SIZE;
    for (size_t index = 0; index < sizeof(sections) / sizeof(*sections); index++) {
        size += sections[index]->used;
    }
    PyObject *made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (made == NULL) {
        return NULL;
    }
    unsigned char *start = (unsigned char *)PyBytes_AsString(made);
    unsigned char *to = start + SEGMENT_HEADER_SIZE;
    for (size_t index = 0; index < sizeof(sections) / sizeof(*sections); index++) {
        to = store_bytes(to, sections[index]->bytes, sections[index]->used);
    }
    unsigned char *postings = to + self->key_count * KEY_ROW_SIZE;
    uint32_t row = 0;
    for (size_t index = 0; index < self->key_count; index++, to += KEY_ROW_SIZE) {
        const Key *key = &self->keys[index];
        write_key_row(to, key->major, key->kind, key->minor, row, key->rows);
        row += key->rows;
        for (uint32_t link = key->first; link != NONE; link = self->links[link].next) {
            const Link *from = &self->links[link];
            write_posting_row(postings, from->block, from->last, from->records);
            postings += POSTING_ROW_SIZE;
        }
    }
    for (int summed = 0; summed < 2; summed++) {
        write_segment_header(start, SEGMENT_MAGIC, summed ? checksum(start, size) : 0,
                             self->block - self->blocks,
                             (uint32_t)(self->rows_blocks.used / BLOCK_ROW_SIZE),
                             (uint32_t)(self->rows_threads.used / THREAD_ROW_SIZE),
                             (uint32_t)(self->rows_frames.used / FRAME_ROW_SIZE),
                             (uint32_t)(self->rows_definitions.used / DEFINITION_ROW_SIZE),
                             (uint32_t)(self->rows_calls.used / CALL_ROW_SIZE),
                             (uint32_t)(self->rows_objects.used / OBJECT_ROW_SIZE),
                             (uint32_t)self->key_count, (uint32_t)self->link_count);
    }
    return made;
}

void
segment_free(Segment *self)
{
    PyMem_Free(self->keys);
    PyMem_Free(self->key_places.slots);
    PyMem_Free(self->links);
    buffer_free(&self->rows_blocks);
    buffer_free(&self->rows_threads);
    buffer_free(&self->rows_frames);
    buffer_free(&self->rows_definitions);
    buffer_free(&self->rows_calls);
    buffer_free(&self->rows_objects);
}
