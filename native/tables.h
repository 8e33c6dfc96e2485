/* Growable bytes with the trace log's integers, and tables keyed by an address. Hand-written. */
#ifndef CODETRACER_TABLES_H
#define CODETRACER_TABLES_H

#include <Python.h>

#include <stdint.h>
#include <string.h>

typedef struct {
    unsigned char *bytes;
    size_t used;
    size_t size;
} Buffer;

/* Makes room for `more` bytes; -1 with MemoryError. */
static inline int
buffer_reserve(Buffer *buffer, size_t more)
{
    if (buffer->used + more <= buffer->size) {
        return 0;
    }
    size_t size = buffer->size ? buffer->size : 256;
    while (size < buffer->used + more) {
        size *= 2;
    }
    unsigned char *bytes = PyMem_Realloc(buffer->bytes, size);
    if (bytes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    buffer->bytes = bytes;
    buffer->size = size;
    return 0;
}

static inline int
put_bytes(Buffer *buffer, const void *bytes, size_t count)
{
    if (count == 0) {
        /* Perhaps a buffer that has never held anything. */
        return 0;
    }
    if (buffer_reserve(buffer, count) < 0) {
        return -1;
    }
    memcpy(buffer->bytes + buffer->used, bytes, count);
    buffer->used += count;
    return 0;
}

static inline int
put_byte(Buffer *buffer, unsigned int byte)
{
    if (buffer_reserve(buffer, 1) < 0) {
        return -1;
    }
    buffer->bytes[buffer->used++] = (unsigned char)byte;
    return 0;
}

static inline int
put_uint(Buffer *buffer, uint64_t number)
{
    if (buffer_reserve(buffer, 10) < 0) {
        return -1;
    }
    unsigned char *to = buffer->bytes + buffer->used;
    while (number >= 0x80) {
        *to++ = (unsigned char)(number | 0x80);
        number >>= 7;
    }
    *to++ = (unsigned char)number;
    buffer->used = (size_t)(to - buffer->bytes);
    return 0;
}

static inline int
put_sint(Buffer *buffer, int64_t number)
{
    uint64_t twice = (uint64_t)number << 1;
    return put_uint(buffer, number >= 0 ? twice : ~twice);
}

static inline int
put_text(Buffer *buffer, const char *text, size_t count)
{
    return put_uint(buffer, count) < 0 ? -1 : put_bytes(buffer, text, count);
}

static inline void
buffer_free(Buffer *buffer)
{
    PyMem_Free(buffer->bytes);
    memset(buffer, 0, sizeof(*buffer));
}

/* A hash of bytes; 0 is kept for "nothing yet". */
static inline uint64_t
hash_bytes(const unsigned char *bytes, size_t count)
{
    uint64_t hash = 0x9e3779b97f4a7c15u ^ count;
    while (count >= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        hash = (hash ^ word) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
        bytes += 8;
        count -= 8;
    }
    uint64_t word = 0;
    memcpy(&word, bytes, count);
    hash = (hash ^ word) * 0xc4ceb9fe1a85ec53u;
    hash ^= hash >> 29;
    return hash ? hash : 1;
}

/* From an address to something; values are never NULL. */
typedef struct {
    const void *key;
    void *value;
} Slot;

typedef struct {
    Slot *slots;
    size_t size;   /* a power of 2, or 0 */
    size_t filled; /* slots that have or had a key */
} Table;

#define TABLE_REMOVED ((const void *)1)

static inline size_t
address_hash(const void *key)
{
    uint64_t hash = (uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15u;
    return (size_t)(hash >> 24);
}

static inline void *
table_get(const Table *table, const void *key)
{
    if (table->size == 0) {
        return NULL;
    }
    size_t mask = table->size - 1;
    for (size_t at = address_hash(key) & mask;; at = (at + 1) & mask) {
        const Slot *slot = &table->slots[at];
        if (slot->key == key) {
            return slot->value;
        }
        if (slot->key == NULL) {
            return NULL;
        }
    }
}

static inline int
table_grow(Table *table)
{
    Table old = *table;
    size_t live = 0;
    for (size_t at = 0; at < old.size; at++) {
        live += old.slots[at].key != NULL && old.slots[at].key != TABLE_REMOVED;
    }
    size_t size = 64;
    while (size < live * 2) {
        size *= 2;
    }
    Slot *slots = PyMem_Calloc(size, sizeof(Slot));
    if (slots == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    table->slots = slots;
    table->size = size;
    table->filled = live;
    for (size_t from = 0; from < old.size; from++) {
        const void *key = old.slots[from].key;
        if (key == NULL || key == TABLE_REMOVED) {
            continue;
        }
        size_t at = address_hash(key) & (size - 1);
        while (slots[at].key != NULL) {
            at = (at + 1) & (size - 1);
        }
        slots[at] = old.slots[from];
    }
    PyMem_Free(old.slots);
    return 0;
}

/* Sets what `key` stands for; returns what it stood for, or NULL. `failed` is set on MemoryError. */
static inline void *
table_set(Table *table, const void *key, void *value, int *failed)
{
    *failed = 0;
    if (table->filled * 4 >= table->size * 3 && table_grow(table) < 0) {
        *failed = 1;
        return NULL;
    }
    size_t mask = table->size - 1;
    Slot *removed = NULL;
    for (size_t at = address_hash(key) & mask;; at = (at + 1) & mask) {
        Slot *slot = &table->slots[at];
        if (slot->key == key) {
            void *before = slot->value;
            slot->value = value;
            return before;
        }
        if (slot->key == TABLE_REMOVED && removed == NULL) {
            removed = slot;
        }
        if (slot->key == NULL) {
            if (removed != NULL) {
                slot = removed;
            }
            else {
                table->filled++;
            }
            slot->key = key;
            slot->value = value;
            return NULL;
        }
    }
}

/* Takes `key` out; returns what it stood for, or NULL. */
static inline void *
table_take(Table *table, const void *key)
{
    if (table->size == 0) {
        return NULL;
    }
    size_t mask = table->size - 1;
    for (size_t at = address_hash(key) & mask;; at = (at + 1) & mask) {
        Slot *slot = &table->slots[at];
        if (slot->key == key) {
            void *value = slot->value;
            slot->key = TABLE_REMOVED;
            slot->value = NULL;
            return value;
        }
        if (slot->key == NULL) {
            return NULL;
        }
    }
}

static inline void
table_free(Table *table)
{
    PyMem_Free(table->slots);
    memset(table, 0, sizeof(*table));
}

#endif
