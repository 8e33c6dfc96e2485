/* Digests. The digest of an object's contents is a cheap hash of what is encoded: of its atoms, and the
   numbers of the objects that it refers to. An object with the digest that it had when it was written
   last is not encoded again. */
#ifndef CODETRACER_DIGESTS_H
#define CODETRACER_DIGESTS_H

#include <Python.h>

#include <stdint.h>
#include <string.h>

#include "internals.h"
#include "secrets.h"
#include "state.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

/* What a part of the contents is. Two parts of different kinds differ. */
#define DIGEST_INTEGER 0x1b873593a5c2f1d7u
#define DIGEST_TEXT 0x2545f4914f6cdd1du
#define DIGEST_FLOAT 0x3c6ef372fe94f82bu
#define DIGEST_BINARY 0x4528e638d01377bfu
#define DIGEST_TUPLE 0x510e527fade682d1u
#define DIGEST_SINGLE 0x6a09e667f3bcc909u
#define DIGEST_REFERENCE 0x7137449123ef65cdu
#define DIGEST_NAME 0x8f1bbcdc62c1d6a9u

static inline void
digest_add(Values *values, uint64_t kind, uint64_t word)
{
    uint64_t digest = (values->digest ^ kind ^ word) * 0xff51afd7ed558ccdu;
    values->digest = digest ^ digest >> 32;
}

/* Says that the digest does not tell all of the contents. Returns -1, without an exception, if they are
   only being compared. */
static inline int
digest_lose(Values *values)
{
    values->is_told = 0;
    return values->compares ? -1 : 0;
}

/* Adds bytes of which `length` are there, and as many as can be encoded are given. */
static inline void
digest_bytes(Values *values, uint64_t kind, const void *bytes, Py_ssize_t length)
{
    Py_ssize_t most = (Py_ssize_t)values->text + LOOKED_AHEAD;
    digest_add(values, kind, (uint64_t)length);
    digest_add(values, kind, hash_bytes(bytes, (size_t)(length < most ? length : most)));
}

/* Adds a str or an instance of a subclass. Returns as digest_lose. */
static inline int
digest_text(Values *values, PyObject *text)
{
    Py_ssize_t length = text_length(text);
    if (PyUnicode_CheckExact(text) && length <= values->text) {
        /* Hashing a long text would take long. */
        digest_add(values, DIGEST_TEXT, (uint64_t)text_hash(text));
        return 0;
    }
    if (!is_ascii(text)) {
        return digest_lose(values);
    }
    digest_bytes(values, DIGEST_TEXT, PyUnicode_AsUTF8AndSize(text, NULL), length);
    return 0;
}

/* Adds a value that is hidden: a text, a small int or None. The contents have no digest if it is another. */
static inline void
digest_hidden(Values *values, PyObject *value)
{
    int64_t number;
    if (PyUnicode_CheckExact(value)) {
        digest_text(values, value);
    }
    else if (PyLong_CheckExact(value) && small_integer(value, &number)) {
        digest_add(values, DIGEST_INTEGER, (uint64_t)number);
    }
    else if (value == Py_None) {
        digest_add(values, DIGEST_SINGLE, (uint64_t)(uintptr_t)value);
    }
    else {
        values->is_told = 0;
    }
}

static inline void
digest_float(Values *values, double number)
{
    uint64_t word;
    memcpy(&word, &number, sizeof(word));
    digest_add(values, DIGEST_FLOAT, word);
}

#pragma GCC visibility pop

#endif
