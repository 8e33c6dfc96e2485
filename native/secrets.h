/* The secrets that are known, and where they are hidden; see codetracer/runtime/secrets.py, which says
   why. Hand-written. */
#ifndef CODETRACER_SECRETS_H
#define CODETRACER_SECRETS_H

#include "tables.h"

#define LOOKED_AHEAD 256 /* as in secrets.py */
#define CLEAN_SLOTS 256

#pragma GCC visibility push(hidden)

typedef struct Engine Engine;

/* One of the texts that are told again anywhere; there is nothing of it but hashes. */
typedef struct {
    uint64_t digest;   /* of the bytes that are compared */
    uint32_t window;   /* hash of the first bytes */
    uint32_t pieces[3]; /* hashes of four of them, from each of the first three on */
    uint32_t compared; /* how many bytes that is */
    uint32_t length;   /* of the whole */
    uint32_t next;     /* another one of the same place, counted from 1; 0 for none */
} Secret;

typedef struct {
    size_t start;
    size_t end;
} Span;

typedef struct {
    Span *all;
    size_t used;
    size_t size;
} Spans;

typedef struct {
    PyObject *parts; /* callable: what is to be remembered of a text; NULL: nothing is hidden */
    PyObject *urls;  /* callable: where secrets stand in a text's URLs */
    uint64_t key[3];
    Secret *known;
    size_t count;
    size_t size;
    unsigned char *sieve; /* by hash of any four of the first bytes: whether a secret has these */
    unsigned int sieve_shift; /* 32 less the binary logarithm of its size */
    uint32_t *places; /* by hash of the first bytes: a secret, counted from 1 */
    size_t places_size; /* a power of 2, or 0 */
    uint64_t *asked; /* hashes of texts of which `parts` has been asked */
    size_t asked_used;
    size_t asked_size; /* a power of 2, or 0 */
    uint64_t clean[CLEAN_SLOTS]; /* hashes of texts whose URLs have no secrets */
    size_t masked; /* how many secrets were known when the last group was written */
} Secrets;

int secrets_prepare(void);

/* Begins to hide what these say. */
int secrets_set(Engine *engine, PyObject *parts, PyObject *urls);
void secrets_free(Secrets *secrets);

/* Remembers the texts of a value that is secret; `depth` says in how many containers it is. */
int secrets_learn(Engine *engine, PyObject *value, int depth);

/* Puts a text with placeholders where it has secrets; 0 if it has none, and nothing was put.
   `bytes` are its first, with LOOKED_AHEAD behind the `kept` ones that are to be written; `total` is
   how long it is, in what its limit counts. */
int secrets_put(Engine *engine, Buffer *to, const char *bytes, size_t count, size_t kept,
                Py_ssize_t total, int is_text);

/* Returns bytes with placeholders where they have secrets. */
PyObject *secrets_clean(Engine *engine, PyObject *data);

/* Finds the next secret that stands at `*at` or behind; NULL if there is none, or none is known. */
const Secret *secrets_next(const Secrets *secrets, const unsigned char *bytes, size_t count,
                           size_t *at);

/* Tells whether a character of UTF-8 goes on there that began before. */
static inline int
is_continued(const void *bytes, size_t at)
{
    return (((const unsigned char *)bytes)[at] & 0xc0) == 0x80;
}

/* Puts asterisks over secrets in the group that became known after it was begun: in its texts alone.
   See masks.c. */
void secrets_mask(Engine *engine);

/* Tells whether there may be anything to hide in a text of so many bytes. */
static inline int
secrets_wanted(const Secrets *secrets, size_t count)
{
    return secrets->parts != NULL && count >= 6;
}

#pragma GCC visibility pop

#endif
