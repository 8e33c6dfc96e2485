/* Bytes that somebody else keeps. */
#ifndef CODETRACER_SPANS_H
#define CODETRACER_SPANS_H

#include <stddef.h>
#include <stdint.h>

/* A text, bytes, or an encoded value; borrowed. */
typedef struct {
    const void *bytes;
    size_t size;
} Bytes;

/* Several encoded values, texts or attributes, one after the other; borrowed. */
typedef struct {
    uint64_t count;
    const void *bytes;
    size_t size;
} Several;

#endif
