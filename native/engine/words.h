/* Calls the program's formatters, which describe objects in the program's words. See
   codetracer/runtime/formatting.py. */
#ifndef CODETRACER_WORDS_H
#define CODETRACER_WORDS_H

#include <Python.h>

#include "plans.h"
#include "state.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

/* The result of a formatter for an object. */
typedef struct {
    int are_there;
    int failed;
    PyObject *text; /* owned: the description, or why the formatter failed; NULL: hidden */
} Words;

/* Calls a formatter, which runs code of the program. Release `words` with words_end. */
int words_ask(Engine *engine, Plan *plan, PyObject *formatter, PyObject *object, Words *words);

/* Appends the words to a record. */
int words_put(Engine *engine, Buffer *to, const Words *words);

/* Releases the references in `words`. */
void words_end(Words *words);

#pragma GCC visibility pop

#endif
