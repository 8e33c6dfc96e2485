/* Keeps the contents of objects that were written lately, so that only changes have to be written.
   contents.py is the same in Python, and gives the reasons. */
#ifndef CODETRACER_CONTENTS_H
#define CODETRACER_CONTENTS_H

#include <stdint.h>

#include "_trace_fields.h"
#include "state.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

/* Appends to `to` the record `whole` of the object with a number, or shorter records of what is new in its
   content `now`, which is NULL if it is not written in parts. Returns -1 with MemoryError. */
int contents_put(Contents *contents, Buffer *to, uint32_t number, const Buffer *whole, const ObjectRecord *now);

/* Notes that so many bytes of records were written. */
void contents_passed(Contents *contents, size_t size);

/* The content of each object is written as a whole when it changes next. */
void contents_forget(Contents *contents);

void contents_free(Contents *contents);

#pragma GCC visibility pop

#endif
