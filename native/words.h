/* The program's own words for its objects, by its formatters; codetracer/runtime/formatting.py. */
#ifndef CODETRACER_WORDS_H
#define CODETRACER_WORDS_H

#include <Python.h>

#include "plans.h"
#include "state.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

/* What a formatter of the program's says of an object. */
typedef struct {
    int are_there;
    int failed;
    PyObject *text; /* owned: what it says, or why it failed; NULL: it is hidden */
} Words;

/* Has a formatter asked, which runs code of the program's. What is in `words` is for words_end. */
int words_ask(Engine *engine, Plan *plan, PyObject *formatter, PyObject *object, Words *words);

/* Appends the words. */
int words_put(Engine *engine, Buffer *to, const Words *words);

/* Gives up the words' references. */
void words_end(Words *words);

#pragma GCC visibility pop

#endif
