/* What each opcode does to variables, to objects and to the stack, as instructions.py says. */
#ifndef CODETRACER_INSTRUCTIONS_H
#define CODETRACER_INSTRUCTIONS_H

#include <Python.h>

#include <limits.h>

#define OPCODES 256
#define MOST_OPERANDS 64 /* of the tables that have an entry for each operand */

/* The kinds of opcodes, in the order of instructions.py; a test compares them. */
enum Kind {
    KIND_FAST, KIND_DEREF, KIND_NAME, KIND_GLOBAL, KIND_LOAD_GLOBAL, KIND_LOAD_ATTRIBUTE,
    KIND_LOAD_SUPER, KIND_STORE_ATTRIBUTE, KIND_DELETE_ATTRIBUTE, KIND_LOAD_ITEM, KIND_STORE_ITEM,
    KIND_DELETE_ITEM, KIND_LOAD_SLICE, KIND_STORE_SLICE, KIND_OPERATOR, KIND_CONTAINS, KIND_CALL,
    KIND_CALL_KEYWORDS, KIND_CALL_SPREAD, KIND_BUILD, KIND_EXTEND, KIND_UNPACK, KIND_ITERATE,
    KIND_NEXT, KIND_SET_FUNCTION, KIND_COPY, KIND_SWAP, KIND_CONSTANT, KIND_PUSH_NULL, KIND_WITH,
    KIND_LOAD_SPECIAL, KIND_INTRINSIC, KIND_UNKNOWN, KIND_JUMP, KIND_JUMP_IF, KIND_LEAVE,
    KIND_NOTHING, KIND_DROP, KIND_MAKE, KIND_RESULT, KIND_OTHER, KIND_COUNT
};

typedef int (*StackEffect)(int opcode, int argument, int jump);

/* What instructions.py says of the opcodes of this CPython, and the names that mean something. */
typedef struct {
    unsigned char kinds[OPCODES];
    unsigned char caches[OPCODES];
    unsigned char does[OPCODES][2]; /* 'L', 'S', 'D' or 0 */
    unsigned char is_backward[OPCODES];
    unsigned char is_yielding[OPCODES];
    int operator_count;
    PyObject *in_place[MOST_OPERANDS]; /* owned; of BINARY_OP, the special method or NULL */
    PyObject *common[MOST_OPERANDS];   /* owned; of LOAD_COMMON_CONSTANT, or NULL */
    PyObject *not_variables;           /* these are owned: sets of names */
    PyObject *keyed;
    PyObject *passing;
    PyObject *taking;
    PyObject *views;
    PyObject *nothing; /* "" */
    PyObject *key;
    PyObject *name_class;
    PyObject *name_dict;
    PyObject *delattr;
    PyObject *delitem;
    PyObject *setattr;
    PyObject *setitem;
    PyObject *new;
    PyObject *special[4]; /* of LOAD_SPECIAL */
    PyObject *slot_name;
    PyObject *code_name;
    StackEffect stack_effect;
    int extended_argument;
    int keyword_names;
    int load_assertion_error;
    int load_common_constant;
    int load_constant;
    int make_function;
    int return_constant;
    int subscript; /* an operand */
    int unpack_ex;
    int waiting;
} Instructions;

/* Sets by how many values an instruction makes the stack higher. Returns -1 with an exception. */
static inline int
change_of(const Instructions *instructions, int opcode, int argument, int jumps, int *change)
{
    *change = instructions->stack_effect(opcode, argument, jumps);
    if (*change == INT_MAX) {
        PyErr_Format(PyExc_ValueError, "invalid opcode %d or oparg", opcode);
        return -1;
    }
    return 0;
}

#endif
