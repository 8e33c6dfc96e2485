/* Says what the instructions of a code object mean for each line, as scanner.py does. */
#ifndef CODETRACER_SCANNER_H
#define CODETRACER_SCANNER_H

#include <Python.h>

#include "facts.h"
#include "instructions.h"
#include "valuestack.h"

#pragma GCC visibility push(hidden)

/* The byte offsets of a part of a line. */
typedef struct {
    int start;
    int end;
} Part;

typedef struct {
    Arena *arena;
    const Instructions *instructions;
    PyObject *code;
    PyObject *names;
    PyObject *constants;
    PyObject **slots; /* borrowed names, by number; NULL: not asked yet */
    int slot_count;
    int at_module;
    ValueStack stack;
    PyObject *keywords;    /* borrowed, or NULL */
    PyObject *names_given; /* borrowed, or NULL */
    int start;
    const Part *parts;
    int part_count;
} Scanner;

/* Begins to follow a code object. Returns -1 with an exception; scanner_end is to follow in any case. The
   scanner borrows the arena, the instructions and the code object. */
int scanner_begin(Scanner *scanner, Arena *arena, const Instructions *instructions, PyObject *code,
                  int at_module);
void scanner_end(Scanner *scanner);

/* Notes what an instruction does. Returns -1 with an exception. */
int scanner_follow(Scanner *scanner, LineFacts *line, LineFacts *again, int offset, int opcode,
                   int argument, int following);

#pragma GCC visibility pop

#endif
