#include "values.h"

#include "_trace_records.h"
#include "calls.h"
#include "constants.h"
#include "contents.h"
#include "digests.h"
#include "internals.h"
#include "layouts.h"
#include "names.h"
#include "references.h"
#include "secrets.h"
#include "spans.h"
#include "state.h"
#include "tables.h"
#include "utf8.h"

static binaryfunc shift_right; /* of int */

/* Returns a new reference to an int as `size` bytes in two's complement, little-endian; NULL with an
   exception. */
static PyObject *
digits_of(const ModuleState *state, PyObject *value, Py_ssize_t size)
{
    /* int.to_bytes takes `signed` by keyword only. */
    PyObject *arguments = Py_BuildValue("(Ons)", value, size, "little");
    PyObject *keywords = Py_BuildValue("{sO}", "signed", Py_True);
    PyObject *digits = NULL;
    if (arguments != NULL && keywords != NULL) {
        digits = PyObject_Call(state->int_to_bytes, arguments, keywords);
    }
    Py_XDECREF(arguments);
    Py_XDECREF(keywords);
    return digits;
}

static int
encode_big(Engine *engine, Buffer *to, PyObject *value)
{
    PyObject *bits = call_one(engine->state->int_bit_length, value);
    if (bits == NULL) {
        return -1;
    }
    Py_ssize_t size = PyLong_AsSsize_t(bits) / 8 + 1;
    Py_DECREF(bits);
    Py_ssize_t limit = engine->values.text;
    Py_ssize_t cut = size > limit ? size - limit : 0;
    PyObject *by = PyLong_FromSsize_t(cut * 8);
    PyObject *first = by == NULL ? NULL : cut == 0 ? Py_NewRef(value) : shift_right(value, by);
    PyObject *digits = first == NULL ? NULL : digits_of(engine->state, first, size - cut);
    Py_XDECREF(by);
    Py_XDECREF(first);
    char *bytes;
    Py_ssize_t count;
    int outcome = -1;
    if (digits != NULL && PyBytes_AsStringAndSize(digits, &bytes, &count) == 0) {
        Bytes told = {bytes, (size_t)count};
        outcome = cut == 0 ? put_value_big_integer(to, told)
                           : put_value_cut_integer(to, (uint64_t)cut, told);
    }
    Py_XDECREF(digits);
    return outcome;
}

static inline int
encode_integer(Engine *engine, Buffer *to, PyObject *value)
{
    int64_t number;
    if (!small_integer(value, &number)) {
        return digest_lose(&engine->values) < 0 ? -1 : encode_big(engine, to, value);
    }
    digest_add(&engine->values, DIGEST_INTEGER, (uint64_t)number);
    return engine->values.compares ? 0 : put_value_integer(to, number);
}

/* Puts the bytes of a text, without their count. */
static int
put_encoded(Buffer *to, PyObject *text)
{
    Utf8 utf8;
    int failed =
        utf8_take(&utf8, text) < 0 || put_bytes(to, utf8.bytes.bytes, utf8.bytes.size) < 0;
    utf8_end(&utf8);
    return failed ? -1 : 0;
}

int
put_str(Buffer *to, PyObject *text)
{
    Utf8 utf8;
    int outcome = utf8_take(&utf8, text) < 0 ? -1 : put_value_text(to, utf8.bytes);
    utf8_end(&utf8);
    return outcome;
}

/* Appends a text with placeholders for its secrets. Returns 0, and appends nothing, if it has none. */
static int
encode_hidden(Engine *engine, Buffer *to, PyObject *value, Py_ssize_t length)
{
    Py_ssize_t limit = engine->values.text;
    Py_ssize_t count = length < limit + LOOKED_AHEAD ? length : limit + LOOKED_AHEAD;
    Py_ssize_t kept = length < limit ? length : limit;
    if (is_ascii(value)) {
        return secrets_put(engine, to, PyUnicode_AsUTF8AndSize(value, NULL), (size_t)count,
                           (size_t)kept, length, 1);
    }
    if (engine->secrets.count == 0 && PyUnicode_FindChar(value, '@', 0, count, 1) < 0
        && PyUnicode_FindChar(value, '=', 0, count, 1) < 0) {
        return 0;
    }
    Buffer head = {0};
    PyObject *first = PyUnicode_Substring(value, 0, kept);
    PyObject *rest = first == NULL ? NULL : PyUnicode_Substring(value, kept, count);
    int outcome = rest == NULL || put_encoded(&head, first) < 0 ? -1 : 0;
    size_t kept_bytes = head.used;
    if (outcome == 0) {
        outcome = put_encoded(&head, rest);
    }
    if (outcome == 0 && secrets_wanted(&engine->secrets, head.used)) {
        outcome = secrets_put(engine, to, (char *)head.bytes, head.used, kept_bytes, length, 1);
    }
    Py_XDECREF(first);
    Py_XDECREF(rest);
    buffer_free(&head);
    return outcome;
}

static inline int
encode_text(Engine *engine, Buffer *to, PyObject *value)
{
    if (digest_text(&engine->values, value) < 0) {
        return -1;
    }
    if (engine->values.compares) {
        return 0;
    }
    Py_ssize_t length = text_length(value);
    /* A character has up to 4 bytes. */
    if (secrets_wanted(&engine->secrets, is_ascii(value) ? (size_t)length : (size_t)length * 4)) {
        int done = encode_hidden(engine, to, value, length);
        if (done != 0) {
            return done < 0 ? -1 : 0;
        }
    }
    if (length <= engine->values.text) {
        return put_str(to, value);
    }
    PyObject *first = PyUnicode_Substring(value, 0, engine->values.text);
    if (first == NULL) {
        return -1;
    }
    Utf8 utf8;
    int outcome = utf8_take(&utf8, first) < 0
                      ? -1
                      : put_value_cut_text(to, (uint64_t)length, utf8.bytes);
    utf8_end(&utf8);
    Py_DECREF(first);
    return outcome;
}

int
encode_bytes(Engine *engine, Buffer *to, const char *bytes, Py_ssize_t length)
{
    Py_ssize_t limit = engine->values.text;
    digest_bytes(&engine->values, DIGEST_BINARY, bytes, length);
    if (engine->values.compares) {
        return 0;
    }
    if (secrets_wanted(&engine->secrets, (size_t)length)) {
        Py_ssize_t count = length < limit + LOOKED_AHEAD ? length : limit + LOOKED_AHEAD;
        int done = secrets_put(engine, to, bytes, (size_t)count,
                               (size_t)(length < limit ? length : limit), length, 0);
        if (done != 0) {
            return done < 0 ? -1 : 0;
        }
    }
    if (length <= limit) {
        return put_value_binary(to, (Bytes){bytes, (size_t)length});
    }
    return put_value_cut_binary(to, (uint64_t)length, (Bytes){bytes, (size_t)limit});
}

static int
encode_bytearray(Engine *engine, Buffer *to, PyObject *value)
{
    /* Copy it, because another thread may change it while Python code runs. */
    Py_ssize_t length = PyByteArray_Size(value);
    Py_ssize_t most = engine->values.text + LOOKED_AHEAD;
    PyObject *copy =
        PyBytes_FromStringAndSize(PyByteArray_AsString(value), length < most ? length : most);
    int failed = copy == NULL || encode_bytes(engine, to, PyBytes_AsString(copy), length) < 0;
    Py_XDECREF(copy);
    return failed ? -1 : 0;
}

static int
encode_complex(Engine *engine, Buffer *to, PyObject *value)
{
    double real = PyComplex_RealAsDouble(value);
    double imaginary = PyComplex_ImagAsDouble(value);
    digest_float(&engine->values, real);
    digest_float(&engine->values, imaginary);
    return engine->values.compares ? 0 : put_value_complex(to, real, imaginary);
}

static int
encode_float(Engine *engine, Buffer *to, PyObject *value)
{
    double number = PyFloat_AsDouble(value);
    digest_float(&engine->values, number);
    return engine->values.compares ? 0 : put_value_float(to, number);
}

int
encode_plain(Engine *engine, Buffer *to, PyObject *value)
{
    if (PyLong_Check(value)) {
        return encode_integer(engine, to, value);
    }
    if (PyUnicode_Check(value)) {
        return encode_text(engine, to, value);
    }
    if (PyBytes_Check(value)) {
        return encode_bytes(engine, to, PyBytes_AsString(value), PyBytes_Size(value));
    }
    if (PyByteArray_Check(value)) {
        return encode_bytearray(engine, to, value);
    }
    return PyFloat_Check(value) ? encode_float(engine, to, value)
                                : encode_complex(engine, to, value);
}

static int
encode_range(Engine *engine, Buffer *to, PyObject *value)
{
    static const char *const names[] = {"start", "stop", "step"};
    Buffer numbers = {0};
    size_t ends[4] = {0};
    int failed = 0;
    digest_add(&engine->values, DIGEST_SINGLE, (uint64_t)(uintptr_t)&PyRange_Type);
    for (int at = 0; !failed && at < 3; at++) {
        PyObject *number = get_attribute(value, names[at]);
        failed = number == NULL || values_encode(engine, &numbers, number, 0, 0) < 0;
        Py_XDECREF(number);
        ends[at + 1] = numbers.used;
    }
    if (!failed && !engine->values.compares) {
        Bytes start = {numbers.bytes, ends[1]};
        Bytes stop = {numbers.bytes + ends[1], ends[2] - ends[1]};
        Bytes step = {numbers.bytes + ends[2], ends[3] - ends[2]};
        failed = put_value_range(to, start, stop, step) < 0;
    }
    buffer_free(&numbers);
    return failed ? -1 : 0;
}

static int
encode_tuple(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting)
{
    Py_ssize_t total = PyTuple_Size(value);
    Py_ssize_t count = total;
    if (count > engine->values.items) {
        count = engine->values.items;
    }
    Values *values = &engine->values;
    if (nesting == 0 && !values->within) {
        values->spare = NESTED * (Py_ssize_t)values->items;
    }
    if (nesting > 0 && total > 0) {
        if (nesting >= values->depth || count > values->spare) {
            count = 0;
        }
        values->spare -= count;
    }
    digest_add(values, DIGEST_TUPLE, (uint64_t)total);
    if (values->compares) {
        PyObject *const *array = tuple_array(value);
        for (Py_ssize_t at = 0; at < count; at++) {
            PyObject *item = array == NULL ? PyTuple_GetItem(value, at) : array[at];
            if (values_compare_nested(engine, item, depth - 1, nesting + 1) < 0) {
                return -1;
            }
        }
        return 0;
    }
    int begun = count == total ? begin_value_tuple(to, (uint64_t)count)
                               : begin_value_cut_tuple(to, (uint64_t)total, (uint64_t)count);
    if (begun < 0) {
        return -1;
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        if (values_encode(engine, to, PyTuple_GetItem(value, at), depth - 1, nesting + 1) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Appends one of the objects of which there is only one. */
static inline int
encode_single(Engine *engine, Buffer *to, PyObject *value, int (*put)(Buffer *))
{
    digest_add(&engine->values, DIGEST_SINGLE, (uint64_t)(uintptr_t)value);
    return engine->values.compares ? 0 : put(to);
}

int
values_encode(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting)
{
    PyTypeObject *kind = Py_TYPE(value);
    if (kind == &PyLong_Type) {
        return encode_integer(engine, to, value);
    }
    if (kind == &PyUnicode_Type) {
        return encode_text(engine, to, value);
    }
    if (value == Py_None) {
        return encode_single(engine, to, value, put_value_none);
    }
    if (kind == &PyBool_Type) {
        return encode_single(engine, to, value,
                             value == Py_True ? put_value_true : put_value_false);
    }
    if (kind == &PyFloat_Type) {
        return encode_float(engine, to, value);
    }
    if (kind == &PyTuple_Type) {
        return encode_tuple(engine, to, value, depth, nesting);
    }
    if (kind == &PyBytes_Type) {
        return encode_bytes(engine, to, PyBytes_AsString(value), PyBytes_Size(value));
    }
    if (kind == &PyComplex_Type) {
        return encode_complex(engine, to, value);
    }
    if (kind == &PyRange_Type) {
        return encode_range(engine, to, value);
    }
    if (value == Py_Ellipsis) {
        return encode_single(engine, to, value, put_value_ellipsis);
    }
    if (value == Py_NotImplemented) {
        return encode_single(engine, to, value, put_value_not_implemented);
    }
    return encode_reference(engine, to, value, depth, nesting);
}

int
values_prepare(ModuleState *state)
{
    state->int_bit_length = get_attribute((PyObject *)&PyLong_Type, "bit_length");
    state->int_to_bytes = get_attribute((PyObject *)&PyLong_Type, "to_bytes");
    shift_right = (binaryfunc)PyType_GetSlot(&PyLong_Type, Py_nb_rshift);
    return state->int_bit_length == NULL || state->int_to_bytes == NULL || shift_right == NULL ? -1
                                                                                               : 0;
}

void
values_look_to(Values *values, int depth)
{
    values->room = depth;
    values->is_shallow = depth < values->depth;
}

void
values_end_event(Values *values)
{
    while (values->queue_used > 0) {
        Py_DECREF(values->queue[--values->queue_used].object);
    }
    values->event++;
    if (values->was_cut && values->checks_cut) {
        values->doubted = values->event;
    }
    values->was_cut = values->checks_cut = values->is_shallow = 0;
    values->levels = 0;
    values->room = values->depth;
}

void
values_give_up(Values *values)
{
    values_end_event(values);
    values->doubted = values->event;
    values->judging = NULL;
}

int
values_init(Values *values)
{
    values->event = values->doubted = 1;
    values->room = values->depth;
    values->attributes = PyDict_New();
    return values->attributes == NULL ? -1 : known_make_room(values);
}

void
values_forget(Values *values)
{
    values_give_up(values);
    if (values->known != NULL) {
        memset(values->known, 0, values->known_size * sizeof(Known));
    }
    contents_forget(&values->contents);
    values->known_used = 0;
    values->next_object = values->next_type = values->next_attribute = 0;
    values->sweep_at = 0;
    for (size_t at = 0; at < values->layouts.size; at++) {
        if (values->layouts.slots[at].value != NULL) {
            layout_free(values->layouts.slots[at].value);
        }
    }
    table_free(&values->layouts);
    if (values->attributes != NULL) {
        PyDict_Clear(values->attributes);
    }
}

void
values_clear(Values *values)
{
    values_forget(values);
    PyMem_Free(values->known);
    values->known = NULL;
    values->known_size = 0;
    PyMem_Free(values->queue);
    values->queue = NULL;
    contents_free(&values->contents);
    buffer_free(&values->content);
    buffer_free(&values->fields);
    buffer_free(&values->items_held);
    Py_CLEAR(values->attributes);
    Py_CLEAR(values->layout_of);
    Py_CLEAR(values->say);
}
