/* Remembers the hashes of secrets, and replaces secrets in texts. codetracer/runtime/secrets.py is the
   same in Python, and gives the reasons. */
#ifndef CODETRACER_SECRETS_H
#define CODETRACER_SECRETS_H

#include <Python.h>

#include <stdint.h>

#include "state.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

#define LOOKED_AHEAD 256 /* as in secret_forms.py */

/* A secret text that is replaced wherever it appears. Only hashes of it are kept. */
typedef struct Secret {
    uint64_t digest;   /* of the bytes that are compared */
    uint32_t window;   /* hash of the first bytes */
    uint32_t pieces[3]; /* hashes of four bytes, from the first, second and third byte on */
    uint32_t compared; /* the number of bytes that are compared */
    uint32_t length;   /* the number of bytes of the whole text */
    uint32_t next;     /* the next secret with the same place, counted from 1; 0: none */
} Secret;

/* From now on hides the secrets that these two callables find. Keeps new references to them. */
int secrets_set(Engine *engine, PyObject *parts, PyObject *urls);
/* Frees the memory of the secrets. engine.c releases the references to Python objects. */
void secrets_free(Secrets *secrets);

/* Remembers the texts in a secret value, which is nested in `depth` containers. */
int secrets_learn(Engine *engine, PyObject *value, int depth);

/* Appends a text with placeholders in place of its secrets. Returns 0, and appends nothing, if it has
   no secret. `bytes` are its first bytes: the `kept` ones that are to be written, and up to
   LOOKED_AHEAD more. `total` is its length, in characters of a str or in bytes, as its limit counts. */
int secrets_put(Engine *engine, Buffer *to, const char *bytes, size_t count, size_t kept,
                Py_ssize_t total, int is_text);

/* Returns a new reference to bytes with placeholders in place of their secrets. */
PyObject *secrets_clean(Engine *engine, PyObject *data);

/* Finds the next secret at or after `*at`, and sets `*at` to its position; NULL if there is none. */
const Secret *secrets_next(const Secrets *secrets, const unsigned char *bytes, size_t count,
                           size_t *at);

/* Tells whether a character of UTF-8 goes on there that began before. */
static inline int
is_continued(const void *bytes, size_t at)
{
    return (((const unsigned char *)bytes)[at] & 0xc0) == 0x80;
}

/* Returns whether a text of `count` bytes may have a secret. */
static inline int
secrets_wanted(const Secrets *secrets, size_t count)
{
    return secrets->parts != NULL && count >= 6;
}

#pragma GCC visibility pop

#endif
