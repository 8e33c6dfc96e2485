/* The module `_decoder`: trace_decoder in C. */
#include <Python.h>

#include "_trace_format.h"
#include "_trace_objects.h"
#include "_trace_reader.h"
#include "calls.h"
#include "fields.h"
#include "making.h"
#include "names.h"
#include "spans.h"

typedef struct {
    Making making;
    PyObject *makers[MAKERS];
    PyObject *records_type;
} State;

/* Raises what trace_decoder does. Returns NULL. */
static PyObject *
refuse(enum refusal refused, const Unread *from)
{
    switch (refused) {
    case NO_SUCH_RECORD:
        return PyErr_Format(PyExc_ValueError, "there is no record with the tag 0x%02x", *from->at);
    case NO_SUCH_VALUE:
        return PyErr_Format(PyExc_ValueError, "there is no value with the tag 0x%02x", *from->at);
    case LONG_NUMBER:
        return PyErr_Format(PyExc_ValueError, "a number is longer than 64 bits");
    case NO_TEXT:
        return PyUnicode_DecodeUTF8((const char *)from->at, from->end - from->at, "surrogatepass");
    case NOT_THERE:
        return PyErr_Format(PyExc_ValueError,
                            "a value is said to be where none is that is small and contains no others");
    case NESTED_TOO_DEEP:
        return PyErr_Format(PyExc_RecursionError, "a value is inside more than %d others", NESTING);
    default:
        return PyErr_Format(PyExc_IndexError, "the bytes end too early");
    }
}

/* Reads the record that begins at `at`, which is then behind it; `at` stays where it is refused.
   Returns a new reference, or NULL with an exception. */
static PyObject *
next_record(const Making *making, Unread *from)
{
    Unread ahead = *from;
    Record record;
    /* Half of a log: the step to a line nearby. */
    PyObject *whole = ahead.at < ahead.end ? making->whole_records[*ahead.at] : NULL;
    if (whole != NULL) {
        from->at++;
        return Py_NewRef(whole);
    }
    enum refusal refused = read_record(&ahead, &record);
    if (refused != READ) {
        return refuse(refused, &ahead);
    }
    Unread again = *from;
    PyObject *made = record_from(making, &again);
    if (made != NULL) {
        from->at = ahead.at;
    }
    return made;
}

/* Does the same with a value. Returns a new reference, or NULL with an exception. */
static PyObject *
next_value(const Making *making, Unread *from)
{
    Unread ahead = *from;
    Bytes value;
    enum refusal refused = take_value(&ahead, 0, &value);
    return refused != READ ? refuse(refused, &ahead) : value_from(making, from);
}

/* ---- functions */

/* Returns a new reference, or NULL with an exception. */
static PyObject *
decode(PyObject *module, PyObject *const *arguments, Py_ssize_t count, From next)
{
    char *bytes;
    Py_ssize_t size;
    if (check_arguments(count, 2) < 0 || PyBytes_AsStringAndSize(arguments[0], &bytes, &size) < 0) {
        return NULL;
    }
    Py_ssize_t position = PyNumber_AsSsize_t(arguments[1], PyExc_IndexError);
    if (position == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (position < 0 || position > size) {
        return PyErr_Format(PyExc_IndexError, "there is no byte %zd", position);
    }
    const State *state = PyModule_GetState(module);
    const unsigned char *begin = (const unsigned char *)bytes;
    Unread from = {begin + position, begin + size, begin};
    PyObject *made = next(&state->making, &from);
    return made == NULL ? NULL : Py_BuildValue("(Nn)", made, (Py_ssize_t)(from.at - begin));
}

static PyObject *
decode_record(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    return decode(module, arguments, count, next_record);
}

static PyObject *
decode_value(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    return decode(module, arguments, count, next_value);
}

static PyObject *
positions_of(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    char *bytes;
    char *tags;
    Py_ssize_t size;
    Py_ssize_t tag_count;
    if (check_arguments(count, 3) < 0 || PyBytes_AsStringAndSize(arguments[0], &bytes, &size) < 0
        || PyBytes_AsStringAndSize(arguments[1], &tags, &tag_count) < 0) {
        return NULL;
    }
    uint64_t wanted = PyLong_AsUnsignedLongLong(arguments[2]);
    PyObject *found = PyErr_Occurred() ? NULL : PyList_New(0);
    const unsigned char *begin = (const unsigned char *)bytes;
    Unread from = {begin, begin + size, begin};
    while (found != NULL && from.at < from.end) {
        Unread ahead = {from.at + 1, from.end, begin};
        uint64_t number;
        int is_wanted = memchr(tags, *from.at, (size_t)tag_count) != NULL
                        && take_uint(&ahead, &number) == READ && number == wanted;
        Py_ssize_t position = from.at - begin;
        Record record;
        enum refusal refused = read_record(&from, &record);
        PyObject *at = NULL;
        if (refused != READ) {
            refuse(refused, &from);
            Py_CLEAR(found);
        }
        else if (is_wanted
                 && ((at = PyLong_FromSsize_t(position)) == NULL || PyList_Append(found, at) < 0)) {
            Py_CLEAR(found);
        }
        Py_XDECREF(at);
    }
    return found;
}

/* ---- Records */

typedef struct {
    PyObject ob_base;
    PyObject *data;
    const Making *making; /* of the module, which the type keeps */
    const unsigned char *begin;
    Unread unread;
    Py_ssize_t position;
} Records;

static PyObject *
records_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static const char *const names[] = {"data", NULL};
    PyObject *data;
    char *bytes;
    Py_ssize_t size;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "S", (char **)names, &data)
        || PyBytes_AsStringAndSize(data, &bytes, &size) < 0) {
        return NULL;
    }
    const State *state = PyType_GetModuleState(type);
    Records *records = (Records *)PyType_GenericAlloc(type, 0);
    if (records != NULL) {
        records->data = Py_NewRef(data);
        records->making = &state->making;
        records->begin = (const unsigned char *)bytes;
        records->unread = (Unread){records->begin, records->begin + size, records->begin};
    }
    return (PyObject *)records;
}

static PyObject *
records_next(PyObject *self)
{
    Records *records = (Records *)self;
    if (records->unread.at >= records->unread.end) {
        return NULL;
    }
    records->position = records->unread.at - records->begin;
    return next_record(records->making, &records->unread);
}

static void
records_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_DECREF(((Records *)self)->data);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMemberDef records_members[] = {
    {"position", Py_T_PYSSIZET, offsetof(Records, position), Py_READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot records_slots[] = {
    {Py_tp_new, records_new},
    {Py_tp_dealloc, records_dealloc},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, records_next},
    {Py_tp_members, records_members},
    {0, NULL},
};

static PyType_Spec records_spec = {
    .name = "codetracer_bindings._decoder.Records",
    .basicsize = sizeof(Records),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = records_slots,
};

/* ---- the module */

/* Fills `whole` with new references to what each tag makes without any more bytes, which trace_decoder
   makes; -1 with an exception. */
static int
make_whole(PyObject *decoder, const char *name, const char *(*fields_of)(unsigned int), PyObject **whole)
{
    PyObject *function = get_attribute(decoder, name);
    int failed = function == NULL;
    for (unsigned int tag = 0; !failed && tag < TAGS; tag++) {
        const char *fields = fields_of(tag);
        if (fields == NULL || *fields != '\0') {
            continue;
        }
        char byte = (char)tag;
        PyObject *found = PyObject_CallFunction(function, "Ni", PyBytes_FromStringAndSize(&byte, 1), 0);
        whole[tag] = found == NULL ? NULL : Py_NewRef(PyTuple_GetItem(found, 0));
        Py_XDECREF(found);
        failed = whole[tag] == NULL;
    }
    Py_XDECREF(function);
    return failed ? -1 : 0;
}

static int
decoder_exec(PyObject *module)
{
    State *state = PyModule_GetState(module);
    Making *making = &state->making;
    making->makers = state->makers;
    PyObject *decoder = PyImport_ImportModule("codetracer_bindings.trace_decoder");
    int failed = decoder == NULL;
    for (int at = 0; !failed && at < MAKERS; at++) {
        state->makers[at] = get_attribute(decoder, MAKER_NAMES[at]);
        failed = state->makers[at] == NULL;
    }
    failed = failed || making_prepare(making, state->makers[MAKERS - 1]) < 0
             || make_whole(decoder, "decode_record", record_fields, making->whole_records) < 0
             || make_whole(decoder, "decode_value", value_fields, making->whole_values) < 0;
    Py_XDECREF(decoder);
    if (failed) {
        return -1;
    }
    state->records_type = PyType_FromModuleAndSpec(module, &records_spec, NULL);
    return state->records_type == NULL ? -1 : PyModule_AddObjectRef(module, "Records", state->records_type);
}

static int
decoder_traverse(PyObject *module, visitproc visit, void *arg)
{
    State *state = PyModule_GetState(module);
    for (int at = 0; at < MAKERS; at++) {
        Py_VISIT(state->makers[at]);
    }
    for (int tag = 0; tag < TAGS; tag++) {
        Py_VISIT(state->making.whole_records[tag]);
        Py_VISIT(state->making.whole_values[tag]);
    }
    Py_VISIT(state->records_type);
    return 0;
}

static int
decoder_clear(PyObject *module)
{
    State *state = PyModule_GetState(module);
    for (int at = 0; at < MAKERS; at++) {
        Py_CLEAR(state->makers[at]);
    }
    for (int tag = 0; tag < TAGS; tag++) {
        Py_CLEAR(state->making.whole_records[tag]);
        Py_CLEAR(state->making.whole_values[tag]);
    }
    Py_CLEAR(state->records_type);
    return 0;
}

static void
decoder_free(void *module)
{
    decoder_clear(module);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, decoder_exec},
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {0, NULL},
};

static PyMethodDef module_functions[] = {
    {"decode_record", (PyCFunction)(void (*)(void))decode_record, METH_FASTCALL,
     "decode_record($module, data, position, /)\n--\n\n"},
    {"decode_value", (PyCFunction)(void (*)(void))decode_value, METH_FASTCALL,
     "decode_value($module, data, position, /)\n--\n\n"},
    {"positions_of", (PyCFunction)(void (*)(void))positions_of, METH_FASTCALL,
     "positions_of($module, data, tags, number, /)\n--\n\n"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "codetracer_bindings._decoder",
    .m_doc = "Turns bytes of the trace log into records and values, as trace_decoder does.",
    .m_size = sizeof(State),
    .m_methods = module_functions,
    .m_slots = module_slots,
    .m_traverse = decoder_traverse,
    .m_clear = decoder_clear,
    .m_free = decoder_free,
};

PyMODINIT_FUNC
PyInit__decoder(void)
{
    return PyModuleDef_Init(&module_definition);
}
