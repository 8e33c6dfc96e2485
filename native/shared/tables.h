/* Buffers that grow, which hold the trace log's integers and bytes, and tables whose keys are
   addresses. Hand-written. */
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

/* Makes room for `more` bytes. Returns -1 with MemoryError. */
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
        /* The buffer may never have had any memory. */
        return 0;
    }
    if (buffer_reserve(buffer, count) < 0) {
        return -1;
    }
    memcpy(buffer->bytes + buffer->used, bytes, count);
    buffer->used += count;
    return 0;
}

/* Write the log's numbers and bytes into memory that has room for them. Each returns the end. */
static inline unsigned char *
store_uint(unsigned char *to, uint64_t number)
{
    while (number >= 0x80) {
        *to++ = (unsigned char)(number | 0x80);
        number >>= 7;
    }
    *to++ = (unsigned char)number;
    return to;
}

static inline unsigned char *
store_sint(unsigned char *to, int64_t number)
{
    uint64_t twice = (uint64_t)number << 1;
    return store_uint(to, number >= 0 ? twice : ~twice);
}

static inline unsigned char *
store_f64(unsigned char *to, double number)
{
    /* The machines that CPython runs on are little-endian; hatch_build.py refuses others. */
    memcpy(to, &number, 8);
    return to + 8;
}

static inline unsigned char *
store_bytes(unsigned char *to, const void *bytes, size_t count)
{
    if (count > 0) {
        memcpy(to, bytes, count);
    }
    return to + count;
}

static inline int
put_uint(Buffer *buffer, uint64_t number)
{
    if (buffer_reserve(buffer, 10) < 0) {
        return -1;
    }
    unsigned char *end = store_uint(buffer->bytes + buffer->used, number);
    buffer->used = (size_t)(end - buffer->bytes);
    return 0;
}

static inline void
buffer_free(Buffer *buffer)
{
    PyMem_Free(buffer->bytes);
    memset(buffer, 0, sizeof(*buffer));
}

/* Returns a hash of bytes, which is never 0: 0 stands for "nothing yet". */
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

/* Maps addresses to values, which are never NULL. */
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

/* Sets the value of a key. Returns the old value, or NULL. Sets `failed` on MemoryError. */
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

/* Removes a key. Returns its value, or NULL. */
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

/* A table of pieces of memory, each of which begins with its key, an address. It takes half the memory
   of a Table. A slot has a piece's address, and in its low bits, which are 0 there, some of the key's
   hash. */
typedef struct {
    uintptr_t *slots;
    size_t size;   /* a power of 2, or 0 */
    size_t filled; /* slots that have or had a piece */
} Keyed;

#define KEYED_BITS ((uintptr_t)7)
#define KEYED_REMOVED ((uintptr_t)1)

static inline void *
keyed_at(const Keyed *keyed, size_t at)
{
    return (void *)(keyed->slots[at] & ~KEYED_BITS);
}

/* Finds the slot that has the key, or the free slot that ends the search. */
static inline size_t
keyed_find(const Keyed *keyed, const void *key)
{
    size_t hash = address_hash(key);
    size_t mask = keyed->size - 1;
    uintptr_t bits = (uintptr_t)(hash >> 32) & KEYED_BITS;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        uintptr_t slot = keyed->slots[at];
        if (slot == 0
            || ((slot & KEYED_BITS) == bits && slot > KEYED_BITS
                && *(const void **)keyed_at(keyed, at) == key)) {
            return at;
        }
    }
}

static inline void *
keyed_get(const Keyed *keyed, const void *key)
{
    return keyed->size == 0 ? NULL : keyed_at(keyed, keyed_find(keyed, key));
}

/* Inserts a piece whose key the table does not have. */
static inline void
keyed_put(Keyed *keyed, void *piece)
{
    size_t hash = address_hash(*(const void **)piece);
    size_t mask = keyed->size - 1;
    size_t at = hash & mask;
    while (keyed->slots[at] > KEYED_BITS) {
        at = (at + 1) & mask;
    }
    keyed->filled += keyed->slots[at] == 0;
    keyed->slots[at] = (uintptr_t)piece | ((uintptr_t)(hash >> 32) & KEYED_BITS);
}

static inline int
keyed_grow(Keyed *keyed)
{
    Keyed old = *keyed;
    size_t live = 0;
    for (size_t at = 0; at < old.size; at++) {
        live += old.slots[at] > KEYED_BITS;
    }
    size_t size = 64;
    while (size < live * 2) {
        size *= 2;
    }
    uintptr_t *slots = PyMem_Calloc(size, sizeof(uintptr_t));
    if (slots == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    keyed->slots = slots;
    keyed->size = size;
    keyed->filled = 0;
    for (size_t from = 0; from < old.size; from++) {
        if (old.slots[from] > KEYED_BITS) {
            keyed_put(keyed, keyed_at(&old, from));
        }
    }
    PyMem_Free(old.slots);
    return 0;
}

/* Removes the piece with a key. Returns it, or NULL. */
static inline void *
keyed_take(Keyed *keyed, const void *key)
{
    if (keyed->size == 0) {
        return NULL;
    }
    size_t at = keyed_find(keyed, key);
    void *piece = keyed_at(keyed, at);
    if (piece != NULL) {
        keyed->slots[at] = KEYED_REMOVED;
    }
    return piece;
}

/* Inserts a piece. Returns the piece that had its key, or NULL. Sets `failed` on MemoryError. */
static inline void *
keyed_set(Keyed *keyed, void *piece, int *failed)
{
    *failed = keyed->filled * 4 >= keyed->size * 3 && keyed_grow(keyed) < 0;
    if (*failed) {
        return NULL;
    }
    void *before = keyed_take(keyed, *(const void **)piece);
    keyed_put(keyed, piece);
    return before;
}

static inline void
keyed_free(Keyed *keyed)
{
    PyMem_Free(keyed->slots);
    memset(keyed, 0, sizeof(*keyed));
}

#endif
