/* The secrets that are known, and where they are hidden; codetracer/runtime/secrets.py in Python, which
   says why. */
#ifndef CODETRACER_SECRETS_H
#define CODETRACER_SECRETS_H

#include <Python.h>

#include <stdint.h>

#include "state.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

#define LOOKED_AHEAD 256 /* as in secrets.py */

/* One of the texts that are told again anywhere; there is nothing of it but hashes. */
typedef struct Secret {
    uint64_t digest;   /* of the bytes that are compared */
    uint32_t window;   /* hash of the first bytes */
    uint32_t pieces[3]; /* hashes of four of them, from each of the first three on */
    uint32_t compared; /* how many bytes that is */
    uint32_t length;   /* of the whole */
    uint32_t next;     /* another one of the same place, counted from 1; 0 for none */
} Secret;

/* -1 with an exception. */
int secrets_prepare(void);

/* Begins to hide what these say; takes references of its own. */
int secrets_set(Engine *engine, PyObject *parts, PyObject *urls);
/* Frees what it has, and gives up no reference: engine.c does. */
void secrets_free(Secrets *secrets);

/* Remembers the texts of a value that is secret; `depth` says in how many containers it is. */
int secrets_learn(Engine *engine, PyObject *value, int depth);

/* Puts a text with placeholders where it has secrets; 0 if it has none, and nothing was put.
   `bytes` are its first, with LOOKED_AHEAD behind the `kept` ones that are to be written; `total` is
   how long it is, in what its limit counts. */
int secrets_put(Engine *engine, Buffer *to, const char *bytes, size_t count, size_t kept,
                Py_ssize_t total, int is_text);

/* Returns a new reference to bytes with placeholders where they have secrets. */
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

/* Tells whether there may be anything to hide in a text of so many bytes. */
static inline int
secrets_wanted(const Secrets *secrets, size_t count)
{
    return secrets->parts != NULL && count >= 6;
}

#pragma GCC visibility pop

#endif
