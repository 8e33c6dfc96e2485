#include "bytecode.h"

#include <string.h>

#include "constants.h"
#include "facts.h"
#include "instructions.h"
#include "names.h"
#include "scanner.h"
#include "tables.h"

#define LARGEST_OPERAND 0xffffff /* as in bytecode.py */
#define CO_OPTIMIZED 0x0001   /* as in codeflags.py */
#define CO_VARARGS 0x0004     /* as in codeflags.py */
#define CO_VARKEYWORDS 0x0008 /* as in codeflags.py */

typedef struct {
    PyObject_HEAD
    const ModuleState *state; /* borrowed: the type keeps the module */
    Instructions instructions;
} CodeReader;

/* ---- what is known of the opcodes */

/* Fills an entry for each opcode from a sequence of small numbers. */
static int
fill_bytes(unsigned char *to, PyObject *module, const char *name)
{
    PyObject *numbers = next_attribute(module, name);
    Py_ssize_t count = numbers == NULL ? -1 : PySequence_Size(numbers);
    for (Py_ssize_t at = 0; at < count && at < OPCODES; at++) {
        PyObject *number = PySequence_GetItem(numbers, at);
        to[at] = number == NULL ? 0 : (unsigned char)PyLong_AsLong(number);
        Py_XDECREF(number);
    }
    Py_XDECREF(numbers);
    return PyErr_Occurred() ? -1 : 0;
}

/* Sets the flag of each opcode in a set. */
static int
fill_flags(unsigned char *to, PyObject *module, const char *name)
{
    PyObject *opcodes = next_attribute(module, name);
    for (int opcode = 0; opcodes != NULL && opcode < OPCODES; opcode++) {
        PyObject *number = PyLong_FromLong(opcode);
        to[opcode] = number != NULL && PySet_Contains(opcodes, number) == 1;
        Py_XDECREF(number);
    }
    Py_XDECREF(opcodes);
    return PyErr_Occurred() ? -1 : 0;
}

/* Fills which words an opcode's name has, from their first letters. */
static int
fill_does(unsigned char (*to)[2], PyObject *module)
{
    PyObject *does = next_attribute(module, "DOES");
    Py_ssize_t count = does == NULL ? -1 : PyList_Size(does);
    for (Py_ssize_t opcode = 0; opcode < count && opcode < OPCODES; opcode++) {
        PyObject *letters = PyList_GetItem(does, opcode);
        Py_ssize_t length = letters == NULL ? 0 : PyUnicode_GetLength(letters);
        for (Py_ssize_t at = 0; at < length && at < 2; at++) {
            to[opcode][at] = (unsigned char)PyUnicode_ReadChar(letters, at);
        }
    }
    Py_XDECREF(does);
    return PyErr_Occurred() ? -1 : 0;
}

/* Fills `to` with a new reference for each operand from a list; texts are interned, and an empty one
   is none. */
static int
fill_operands(PyObject **to, PyObject *module, const char *name)
{
    PyObject *objects = next_attribute(module, name);
    Py_ssize_t count = objects == NULL ? -1 : PyList_Size(objects);
    for (Py_ssize_t at = 0; at < count && at < MOST_OPERANDS; at++) {
        to[at] = Py_XNewRef(PyList_GetItem(objects, at));
    }
    Py_XDECREF(objects);
    return PyErr_Occurred() ? -1 : 0;
}

static int
fill_instructions(Instructions *to, PyObject *module, PyObject *rows)
{
    static const char *const special[] = {"__enter__", "__exit__", "__aenter__", "__aexit__"};
    struct {
        PyObject **to;
        const char *name;
    } const texts[] = {
        {&to->nothing, ""},
        {&to->key, "key"},
        {&to->name_class, "__class__"},
        {&to->name_dict, "__dict__"},
        {&to->delattr, "__delattr__"},
        {&to->delitem, "__delitem__"},
        {&to->setattr, "__setattr__"},
        {&to->setitem, "__setitem__"},
        {&to->new, "__new__"},
        {&to->slot_name, "_varname_from_oparg"},
        {&to->code_name, "co_name"},
    };
    for (size_t at = 0; at < sizeof(texts) / sizeof(*texts); at++) {
        *texts[at].to = PyUnicode_InternFromString(texts[at].name);
    }
    for (size_t at = 0; at < 4; at++) {
        to->special[at] = PyUnicode_InternFromString(special[at]);
    }
    PyObject *operators = next_attribute(module, "IN_PLACE");
    to->operator_count = operators == NULL ? 0 : (int)PyList_Size(operators);
    Py_XDECREF(operators);
    to->extended_argument = (int)number_attribute(module, "EXTENDED_ARG");
    to->keyword_names = (int)number_attribute(module, "KW_NAMES");
    to->load_assertion_error = (int)number_attribute(module, "LOAD_ASSERTION_ERROR");
    to->load_common_constant = (int)number_attribute(module, "LOAD_COMMON_CONSTANT");
    to->load_constant = (int)number_attribute(module, "LOAD_CONST");
    to->make_function = (int)number_attribute(module, "MAKE_FUNCTION");
    to->return_constant = (int)number_attribute(module, "RETURN_CONST");
    to->subscript = (int)number_attribute(module, "SUBSCRIPT");
    to->unpack_ex = (int)number_attribute(module, "UNPACK_EX");
    to->waiting = (int)number_attribute(module, "WAITING");
    to->not_variables = next_attribute(module, "NOT_VARIABLES");
    to->keyed = next_attribute(rows, "KEYED");
    to->passing = next_attribute(rows, "PASSING");
    to->taking = next_attribute(rows, "TAKING");
    to->views = next_attribute(rows, "VIEWS");
    to->stack_effect = (StackEffect)find_function("PyCompile_OpcodeStackEffectWithJump");
    if (fill_bytes(to->kinds, module, "KIND_OF") < 0 || fill_bytes(to->caches, module, "CACHES") < 0
        || fill_flags(to->is_backward, module, "BACKWARD") < 0
        || fill_flags(to->is_yielding, module, "YIELDING") < 0 || fill_does(to->does, module) < 0
        || fill_operands(to->in_place, module, "IN_PLACE") < 0
        || fill_operands(to->common, module, "COMMON") < 0) {
        return -1;
    }
    for (size_t at = 0; at < MOST_OPERANDS; at++) {
        if (to->in_place[at] != NULL && PyUnicode_GetLength(to->in_place[at]) == 0) {
            Py_CLEAR(to->in_place[at]);
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *
reader_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static const char *const names[] = {"instructions", "rows", NULL};
    PyObject *module, *rows;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO:CodeReader", (char **)names, &module,
                                     &rows)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    CodeReader *reader = (CodeReader *)allocate(type, 0);
    if (reader == NULL) {
        return NULL;
    }
    reader->state = PyType_GetModuleState(type);
    if (fill_instructions(&reader->instructions, module, rows) < 0) {
        Py_CLEAR(reader);
    }
    return (PyObject *)reader;
}

static void
reader_dealloc(PyObject *self)
{
    Instructions *instructions = &((CodeReader *)self)->instructions;
    PyTypeObject *type = Py_TYPE(self);
    for (size_t at = 0; at < MOST_OPERANDS; at++) {
        Py_XDECREF(instructions->in_place[at]);
        Py_XDECREF(instructions->common[at]);
    }
    for (size_t at = 0; at < 4; at++) {
        Py_XDECREF(instructions->special[at]);
    }
    PyObject *owned[] = {instructions->not_variables, instructions->keyed, instructions->passing,
                         instructions->taking, instructions->views, instructions->nothing,
                         instructions->key, instructions->name_class, instructions->name_dict,
                         instructions->delattr, instructions->delitem, instructions->setattr,
                         instructions->setitem, instructions->new, instructions->slot_name,
                         instructions->code_name};
    for (size_t at = 0; at < sizeof(owned) / sizeof(*owned); at++) {
        Py_XDECREF(owned[at]);
    }
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

/* ---- lines */

/* Returns the facts of a line, which are new if it did not occur before; NULL if memory is short. */
static LineFacts *
line_facts(CodeReading *reading, Table *known, int number)
{
    const void *key = (const void *)((uintptr_t)(unsigned int)number * 8 + 8);
    LineFacts *line = table_get(known, key);
    if (line != NULL) {
        return line;
    }
    if (reading->line_count == reading->room) {
        Py_ssize_t room = reading->room == 0 ? 32 : reading->room * 2;
        LineFacts **moved = PyMem_Realloc(reading->lines, (size_t)room * sizeof(*moved));
        if (moved == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        reading->lines = moved;
        reading->room = room;
    }
    int failed = 0;
    line = facts_new(&reading->arena, number);
    if (line == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    table_set(known, key, line, &failed);
    if (failed) {
        return NULL;
    }
    reading->lines[reading->line_count++] = line;
    if (number == 0) {
        reading->placeless = line;
    }
    return line;
}

/* A position in the bytecode. */
typedef struct {
    const unsigned char *bytes;
    int size;
    int at;        /* where the next instruction begins */
    int start;     /* of the current one, with its prefixes; likewise: */
    int opcode;    /* -1: there is no more */
    int argument;
} Position;

static void
advance(const Instructions *instructions, Position *position)
{
    unsigned int extended = 0;
    position->start = position->at;
    position->opcode = -1;
    while (position->at + 1 < position->size) {
        int opcode = position->bytes[position->at];
        unsigned int argument = position->bytes[position->at + 1] | extended;
        position->at += 2;
        if (opcode != instructions->extended_argument) {
            if (argument > LARGEST_OPERAND) {
                PyErr_Format(PyExc_ValueError, "an operand of %u in bytecode", argument);
                return;
            }
            position->at += 2 * instructions->caches[opcode];
            position->opcode = opcode;
            position->argument = (int)argument;
            return;
        }
        extended = (argument & LARGEST_OPERAND) << 8;
    }
}

/* The parts of each line, by its facts. */
typedef struct {
    Part *parts;
    int count;
    int room;
} Parts;

static int
parts_add(Parts *parts, Part part)
{
    if (parts->count == parts->room) {
        int room = parts->room == 0 ? 4 : parts->room * 2;
        Part *moved = PyMem_Realloc(parts->parts, (size_t)room * sizeof(*moved));
        if (moved == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        parts->parts = moved;
        parts->room = room;
    }
    parts->parts[parts->count++] = part;
    return 0;
}

/* Follows the instructions of a part of a line. */
static int
follow_part(CodeReading *reading, Scanner *scanner, Position *position, LineFacts *line, int end,
            LineFacts **again)
{
    const Instructions *instructions = scanner->instructions;
    while (position->opcode >= 0 && position->start < end) {
        if (instructions->kinds[position->opcode] == KIND_NEXT) {
            line->again = facts_new(&reading->arena, line->number);
            line->again_at = position->start;
            *again = line->again;
            if (line->again == NULL) {
                PyErr_NoMemory();
                return -1;
            }
        }
        Position now = *position;
        advance(instructions, position);
        if (position->opcode < 0 && PyErr_Occurred()) {
            return -1;
        }
        if (scanner_follow(scanner, line, *again, now.start, now.opcode, now.argument, now.at) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Follows all instructions, line by line. */
static int
follow_lines(CodeReading *reading, Scanner *scanner, Position *position, PyObject *ranges)
{
    Table known = {0};
    Table all_parts = {0};
    LineFacts *line = NULL;
    LineFacts *again = NULL;
    PyObject *range = NULL;
    int failed = 0;
    while (!failed && position->opcode >= 0 && (range = PyIter_Next(ranges)) != NULL) {
        int start = (int)PyLong_AsLong(PyTuple_GetItem(range, 0));
        int end = (int)PyLong_AsLong(PyTuple_GetItem(range, 1));
        PyObject *number = PyTuple_GetItem(range, 2);
        LineFacts *next =
            line_facts(reading, &known, number == Py_None ? 0 : (int)PyLong_AsLong(number));
        Py_DECREF(range);
        failed = next == NULL || PyErr_Occurred() != NULL;
        Parts *parts = failed ? NULL : table_get(&all_parts, next);
        if (!failed && parts == NULL) {
            parts = arena_get(&reading->arena, sizeof(Parts));
            if (parts == NULL) {
                PyErr_NoMemory();
                failed = 1;
            }
            else {
                table_set(&all_parts, next, parts, &failed);
            }
        }
        if (failed || parts_add(parts, (Part){start, end}) < 0) {
            failed = 1;
            break;
        }
        scanner->parts = parts->parts;
        scanner->part_count = parts->count;
        if (next != line) {
            /* What stands later in the line runs after the loop, even behind another line. */
            line = next;
            again = line->again;
        }
        failed = follow_part(reading, scanner, position, line, end, &again) < 0;
    }
    for (Py_ssize_t at = 0; at < reading->line_count; at++) {
        Parts *parts = table_get(&all_parts, reading->lines[at]);
        if (parts != NULL) {
            PyMem_Free(parts->parts);
        }
    }
    table_free(&known);
    table_free(&all_parts);
    return failed || PyErr_Occurred() ? -1 : 0;
}

/* ---- names */

/* Adds a name, unless it is there already. */
static int
name_add(PyObject *names, Table *numbers, PyObject *name)
{
    int failed = 0;
    if (table_get(numbers, name) != NULL) {
        return 0;
    }
    if (PyList_Append(names, name) < 0) {
        return -1;
    }
    table_set(numbers, name, (void *)PyList_Size(names), &failed);
    return failed ? -1 : 0;
}

/* Adds the names of slots from `first` to `last`, but those that are no variables. */
static int
slots_add(CodeReading *reading, const Instructions *instructions, PyObject *slots, Py_ssize_t first,
          Py_ssize_t last, int all)
{
    for (Py_ssize_t at = first; at < last; at++) {
        PyObject *name = PyTuple_GetItem(slots, at);
        if (name == NULL) {
            return -1;
        }
        if (PyUnicode_GetLength(name) > 0 && PyUnicode_ReadChar(name, 0) == '.') {
            continue;
        }
        if (!all && PySet_Contains(instructions->not_variables, name) != 0) {
            continue;
        }
        if (name_add(reading->names, &reading->local_numbers, name) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Lists the names of a function's parameters, and then those of its other slots. */
static int
function_names(CodeReading *reading, const Instructions *instructions, int flags)
{
    PyObject *code = reading->code;
    PyObject *variables = next_attribute(code, "co_varnames");
    PyObject *cells = next_attribute(code, "co_cellvars");
    PyObject *free_variables = next_attribute(code, "co_freevars");
    long positional = number_attribute(code, "co_argcount");
    long keyword_only = number_attribute(code, "co_kwonlyargcount");
    int failed = PyErr_Occurred() != NULL;
    if (!failed) {
        int gathers = (flags & CO_VARARGS) != 0;
        long count = positional + keyword_only;
        failed = slots_add(reading, instructions, variables, 0, positional, 1) < 0
                 || (gathers && slots_add(reading, instructions, variables, count, count + 1, 1) < 0)
                 || slots_add(reading, instructions, variables, positional, count, 1) < 0;
        count += gathers;
        failed = failed
                 || ((flags & CO_VARKEYWORDS)
                     && slots_add(reading, instructions, variables, count, count + 1, 1) < 0);
        reading->parameters = PyList_Size(reading->names);
        failed = failed
                 || slots_add(reading, instructions, variables, 0, PyTuple_Size(variables), 0) < 0
                 || slots_add(reading, instructions, cells, 0, PyTuple_Size(cells), 0) < 0
                 || slots_add(reading, instructions, free_variables, 0,
                              PyTuple_Size(free_variables), 0) < 0;
    }
    Py_XDECREF(variables);
    Py_XDECREF(cells);
    Py_XDECREF(free_variables);
    return failed ? -1 : 0;
}

/* Lists the names of all variables, in the order of their numbers in the log. */
static int
list_names(CodeReading *reading, const Instructions *instructions, int flags)
{
    reading->names = PyList_New(0);
    reading->global_names = PyList_New(0);
    if (reading->names == NULL || reading->global_names == NULL
        || ((flags & CO_OPTIMIZED) && function_names(reading, instructions, flags) < 0)) {
        return -1;
    }
    for (Py_ssize_t at = 0; at < reading->line_count; at++) {
        const LineFacts *line = reading->lines[at];
        for (int each = 0; each < line->locals.count; each++) {
            if (name_add(reading->names, &reading->local_numbers, line->locals.items[each].name)
                < 0) {
                return -1;
            }
        }
        for (int each = 0; each < line->globals.count; each++) {
            if (name_add(reading->global_names, &reading->global_numbers,
                         line->globals.items[each].name)
                < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* ---- reading */

static int
read_bytecode(CodeReading *reading, const Instructions *instructions, PyObject *content, int flags)
{
    char *bytes;
    Py_ssize_t size;
    Scanner scanner = {0};
    PyObject *name = next_attribute(reading->code, "co_name");
    PyObject *lines = next_attribute(reading->code, "co_lines");
    PyObject *ranges = lines == NULL ? NULL : PyObject_CallNoArgs(lines);
    int failed = name == NULL || ranges == NULL || PyBytes_AsStringAndSize(content, &bytes, &size) < 0;
    if (!failed) {
        int at_module =
            !(flags & CO_OPTIMIZED) && PyUnicode_CompareWithASCIIString(name, "<module>") == 0;
        Position position = {.bytes = (const unsigned char *)bytes, .size = (int)size};
        advance(instructions, &position);
        failed = scanner_begin(&scanner, &reading->arena, instructions, reading->code, at_module) < 0
                 || follow_lines(reading, &scanner, &position, ranges) < 0;
        scanner_end(&scanner);
    }
    Py_XDECREF(name);
    Py_XDECREF(lines);
    Py_XDECREF(ranges);
    return failed ? -1 : list_names(reading, instructions, flags);
}

static PyObject *
reader_call(PyObject *self, PyObject *args, PyObject *keywords)
{
    PyObject *code;
    static const char *const names[] = {"", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:CodeReader", (char **)names, &code)) {
        return NULL;
    }
    PyTypeObject *type = ((CodeReader *)self)->state->reading_type;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    CodeReading *reading = (CodeReading *)allocate(type, 0);
    if (reading == NULL) {
        return NULL;
    }
    reading->code = Py_NewRef(code);
    PyObject *content = next_attribute(code, "co_code");
    int flags = (int)number_attribute(code, "co_flags");
    int failed = PyErr_Occurred() != NULL
                 || read_bytecode(reading, &((CodeReader *)self)->instructions, content, flags) < 0;
    Py_XDECREF(content);
    if (failed) {
        Py_CLEAR(reading);
    }
    return (PyObject *)reading;
}

/* It is the reading itself: plans.c goes on with it. */
static PyObject *
reading_lines(PyObject *self, PyObject *args)
{
    (void)args;
    return Py_NewRef(self);
}

static PyObject *
reading_names(PyObject *self, void *closure)
{
    CodeReading *reading = (CodeReading *)self;
    return Py_NewRef(closure == NULL ? reading->names : reading->global_names);
}

static PyObject *
reading_parameters(PyObject *self, void *closure)
{
    (void)closure;
    return PyLong_FromSsize_t(((CodeReading *)self)->parameters);
}

static void
reading_dealloc(PyObject *self)
{
    CodeReading *reading = (CodeReading *)self;
    PyTypeObject *type = Py_TYPE(self);
    arena_free(&reading->arena);
    PyMem_Free(reading->lines);
    Py_XDECREF(reading->code);
    Py_XDECREF(reading->names);
    Py_XDECREF(reading->global_names);
    table_free(&reading->local_numbers);
    table_free(&reading->global_numbers);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

CodeReading *
reading_of(const ModuleState *state, PyObject *object)
{
    if (Py_TYPE(object) != state->reading_type) {
        PyErr_SetString(PyExc_TypeError, "a plan's lines are no CodeReading");
        return NULL;
    }
    return (CodeReading *)object;
}

static PyType_Slot reader_slots[] = {
    {Py_tp_new, reader_new},
    {Py_tp_dealloc, reader_dealloc},
    {Py_tp_call, reader_call},
    {0, NULL},
};

static PyType_Spec reader_spec = {
    .name = "codetracer_bindings._engine.CodeReader",
    .basicsize = sizeof(CodeReader),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = reader_slots,
};

static PyMethodDef reading_methods[] = {
    {"lines", reading_lines, METH_VARARGS,
     "lines($self, local_variables, global_variables, /)\n--\n\n"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef reading_getters[] = {
    {"locals", reading_names, NULL, NULL, NULL},
    {"parameters", reading_parameters, NULL, NULL, NULL},
    {"globals", reading_names, NULL, NULL, reading_names},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot reading_slots[] = {
    {Py_tp_dealloc, reading_dealloc},
    {Py_tp_methods, reading_methods},
    {Py_tp_getset, reading_getters},
    {0, NULL},
};

static PyType_Spec reading_spec = {
    .name = "codetracer_bindings._engine.CodeReading",
    .basicsize = sizeof(CodeReading),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = reading_slots,
};

int
bytecode_prepare(PyObject *module, ModuleState *state)
{
    PyObject *reader = PyType_FromModuleAndSpec(module, &reader_spec, NULL);
    PyObject *reading = PyType_FromModuleAndSpec(module, &reading_spec, NULL);
    state->reading_type = (PyTypeObject *)reading;
    int failed = reader == NULL || reading == NULL
                 || PyModule_AddObjectRef(module, "CodeReader", reader) < 0
                 || PyModule_AddObjectRef(module, "CodeReading", reading) < 0;
    Py_XDECREF(reader);
    return failed ? -1 : 0;
}
