#include "buffers.h"

#include <errno.h>
#include <unistd.h>

#include "calls.h"
#include "internals.h"
#include "names.h"

#define IMMUTABLE (1UL << 8)      /* Py_TPFLAGS_IMMUTABLETYPE */
#define STATIC_BUILTIN (1UL << 1) /* _Py_TPFLAGS_STATIC_BUILTIN, 3.12 on */
#define LARGEST_ITEM 4096         /* bytes; items of an array of larger texts are not copied */

#define LAST_POINT 0x10ffff       /* of Unicode */

/* Returns the nearest base type that is written in C, or NULL. */
static PyTypeObject *
base_in_c(PyTypeObject *type)
{
    while (type != NULL && !(PyType_GetFlags(type) & IMMUTABLE)) {
        type = PyType_GetSlot(type, Py_tp_base);
    }
    return type;
}

/* Gets a buffer from the base type that is written in C. Returns 0 if there is none, -1 with an
   exception. Does not call a __buffer__ that is written in Python. */
static int
get_buffer(PyObject *object, Py_buffer *view)
{
    PyTypeObject *type = Py_TYPE(object);
    PyTypeObject *base = base_in_c(type);
    getbufferproc get = base == NULL ? NULL : (getbufferproc)PyType_GetSlot(base, Py_bf_getbuffer);
    if (get == NULL || (getbufferproc)PyType_GetSlot(type, Py_bf_getbuffer) != get
        || PyType_GetSlot(type, Py_bf_releasebuffer) != PyType_GetSlot(base, Py_bf_releasebuffer)) {
        return 0;
    }
    if (get(object, view, PyBUF_FULL_RO) == 0) {
        return 1;
    }
    if (PyErr_ExceptionMatches(PyExc_BufferError) || PyErr_ExceptionMatches(PyExc_ValueError)
        || PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear();
        return 0;
    }
    return -1;
}

static int
is_named(PyTypeObject *type, const char *expected)
{
    PyObject *name = type == NULL ? NULL : PyType_GetName(type);
    int same = name != NULL && PyUnicode_CompareWithASCIIString(name, expected) == 0;
    /* Without memory for the name, the answer is no. */
    PyErr_Clear();
    Py_XDECREF(name);
    return same;
}

/* Returns a new reference to an attribute of a type that is written in C, bound to one of its
   instances; NULL without an exception if there is none. */
static PyObject *
bound(PyTypeObject *base, const char *name, PyObject *object)
{
    PyObject *descriptor = base == NULL ? NULL : get_attribute((PyObject *)base, name);
    descrgetfunc get =
        descriptor == NULL ? NULL : (descrgetfunc)PyType_GetSlot(Py_TYPE(descriptor), Py_tp_descr_get);
    PyObject *found = get == NULL ? NULL : get(descriptor, object, (PyObject *)Py_TYPE(object));
    PyErr_Clear();
    Py_XDECREF(descriptor);
    return found;
}

/* Returns the name of the attribute that leads to the owner of the memory in an object's buffer; NULL
   if the object owns it. */
static const char *
owner_name(PyObject *object)
{
    if (PyMemoryView_Check(object)) {
        return "obj";
    }
    return is_named(base_in_c(Py_TYPE(object)), "ndarray") ? "base" : NULL;
}

static int
keeps_memory(PyObject *owner)
{
    PyTypeObject *base = base_in_c(Py_TYPE(owner));
    return owner == Py_None || base == &PyBytes_Type || base == &PyByteArray_Type
           || is_named(base, "array") || is_named(base, "_BytesIOBuffer");
}

/* Returns whether it is safe to read an object's memory. The memory of a mapped file is not safe: if
   the file has been truncated, reading it kills the process. */
static int
is_sure(PyObject *object)
{
    const char *name = owner_name(object);
    if (name == NULL) {
        return 1;
    }
    int is_kept = 0;
    PyObject *owner = Py_NewRef(object);
    for (int turn = 0; owner != NULL && name != NULL && !is_kept && turn < 20; turn++) {
        PyObject *next = bound(base_in_c(Py_TYPE(owner)), name, owner);
        Py_DECREF(owner);
        /* NULL if memory is short. */
        owner = next;
        is_kept = owner != NULL && keeps_memory(owner);
        name = owner == NULL ? NULL : owner_name(owner);
    }
    Py_XDECREF(owner);
    return is_kept;
}

/* The format of a buffer's items: a letter of the module struct, or `Z` for complex. */
typedef struct {
    char kind; /* i signed, u unsigned, f float, c complex, b bool, s bytes, w text, O object, 0 other */
    int swapped;
    Py_ssize_t size;
} Format;

static Format
format_of(const Py_buffer *view)
{
    Format found = {0, 0, view->itemsize};
    const char *format = view->format == NULL ? "B" : view->format;
    if (*format != '\0' && strchr("@=<>!", *format) != NULL) {
        found.swapped = *format == '>' || *format == '!';
        format++;
    }
    int counted = *format >= '0' && *format <= '9';
    while (*format >= '0' && *format <= '9') {
        format++;
    }
    int is_complex = *format == 'Z';
    format += is_complex;
    if (*format == '\0' || format[1] != '\0') {
        return found;
    }
    if (is_complex) {
        found.kind = strchr("fd", *format) != NULL ? 'c' : 0;
    }
    else if (*format == 's' || *format == 'w') {
        found.kind = *format;
    }
    else if (counted) {
        return found;
    }
    else if (strchr("bhilqn", *format) != NULL) {
        found.kind = 'i';
    }
    else if (strchr("BHILQNP", *format) != NULL) {
        found.kind = 'u';
    }
    else if (strchr("efd", *format) != NULL) {
        found.kind = 'f';
    }
    else if (*format == '?' || *format == 'c' || *format == 'O' || *format == 'u') {
        found.kind = *format == '?' ? 'b' : *format == 'c' ? 's' : *format == 'u' ? 'w' : 'O';
    }
    return found;
}

/* IEEE 754 binary16, as the module struct has it. */
static double
half(uint16_t bits)
{
    int exponent = bits >> 10 & 0x1f;
    double fraction = (bits & 0x3ff) / 1024.0;
    double amount;
    if (exponent == 0x1f) {
        amount = fraction == 0.0 ? Py_HUGE_VAL : Py_NAN;
    }
    else {
        amount = exponent == 0 ? fraction : 1.0 + fraction;
        int power = exponent == 0 ? -14 : exponent - 15;
        for (; power > 0; power--) {
            amount *= 2;
        }
        for (; power < 0; power++) {
            amount /= 2;
        }
    }
    return bits >> 15 ? -amount : amount;
}

static double
real_number(const unsigned char *bytes, Py_ssize_t size)
{
    double number = 0.0;
    float single;
    uint16_t bits;
    switch (size) {
    case 2:
        memcpy(&bits, bytes, 2);
        return half(bits);
    case 4:
        memcpy(&single, bytes, 4);
        return single;
    default:
        memcpy(&number, bytes, 8);
        return number;
    }
}

/* Does not use a codec, because a codec passes bytes that it cannot decode to an error handler, even
   for "strict", and the program may have registered another handler by that name.
   Returns a new reference, or NULL with an exception. */
static PyObject *
text_item(const char *at, Py_ssize_t size, int swapped)
{
    _Static_assert(sizeof(wchar_t) == sizeof(uint32_t), "a wchar_t is a code point");
    Py_ssize_t count = size / 4;
    while (count > 0 && memcmp(at + 4 * (count - 1), "\0\0\0\0", 4) == 0) {
        count--;
    }
    wchar_t *points = PyMem_Calloc((size_t)count + 1, sizeof(wchar_t));
    if (points == NULL) {
        return PyErr_NoMemory();
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        uint32_t point;
        memcpy(&point, at + 4 * index, 4);
        point = swapped ? __builtin_bswap32(point) : point;
        if (point > LAST_POINT) {
            /* The bytes are not a text. */
            count = 0;
        }
        points[index] = (wchar_t)point;
    }
    PyObject *text = PyUnicode_FromWideChar(points, count);
    PyMem_Free(points);
    return text;
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
buffer_item(const char *at, Format format)
{
    if (format.kind == 's') {
        return PyBytes_FromStringAndSize(at, format.size);
    }
    if (format.kind == 'w') {
        return text_item(at, format.size, format.swapped);
    }
    if (format.kind == 'O') {
        PyObject *object;
        memcpy(&object, at, sizeof(object));
        return Py_NewRef(object == NULL ? Py_None : object);
    }
    unsigned char bytes[16];
    Py_ssize_t size = format.kind == 'c' ? format.size / 2 : format.size;
    for (Py_ssize_t index = 0; index < format.size; index++) {
        Py_ssize_t start = index / size * size;
        bytes[index] = (unsigned char)at[format.swapped ? 2 * start + size - 1 - index : index];
    }
    uint64_t number = 0;
    size_t used = (size_t)size;
    memcpy(&number, bytes, used < 8 ? used : 8);
    switch (format.kind) {
    case 'b':
        return PyBool_FromLong(bytes[0]);
    case 'f':
        return PyFloat_FromDouble(real_number(bytes, size));
    case 'c':
        return PyComplex_FromDoubles(real_number(bytes, size), real_number(bytes + size, size));
    case 'u':
        return PyLong_FromUnsignedLongLong(number);
    default: {
        int spare = 64 - 8 * (int)size;
        return PyLong_FromLongLong((int64_t)(number << spare) >> spare);
    }
    }
}

static int
is_readable(const Py_buffer *view, Format format)
{
    if (view->suboffsets != NULL) {
        return 0;
    }
    Py_ssize_t size = format.kind == 'c' ? format.size / 2 : format.size;
    switch (format.kind) {
    case 0:
        return 0;
    case 's':
        return size <= LARGEST_ITEM;
    case 'w':
        return size <= LARGEST_ITEM && size % 4 == 0;
    case 'O':
        return size == sizeof(PyObject *);
    case 'f':
        return size == 2 || size == 4 || size == 8;
    case 'c':
        return size == 4 || size == 8;
    default:
        return size == 1 || size == 2 || size == 4 || size == 8;
    }
}

/* Returns a new reference to a tuple, or NULL with an exception. */
static PyObject *
items_of(const Py_buffer *view, Format format, Py_ssize_t count)
{
    PyObject *items = PyTuple_New(count);
    Py_ssize_t place[PyBUF_MAX_NDIM] = {0};
    for (Py_ssize_t at = 0; items != NULL && at < count; at++) {
        const char *start = view->buf;
        for (int axis = 0; axis < view->ndim; axis++) {
            start += place[axis] * view->strides[axis];
        }
        PyObject *item = buffer_item(start, format);
        if (item == NULL || PyTuple_SetItem(items, at, item) < 0) {
            Py_CLEAR(items);
            break;
        }
        for (int axis = view->ndim - 1; axis >= 0 && ++place[axis] == view->shape[axis]; axis--) {
            place[axis] = 0;
        }
    }
    return items;
}

PyObject *
buffer_items(PyObject *object, Py_ssize_t limit, Py_ssize_t *total)
{
    Py_buffer view;
    *total = 1;
    int found = get_buffer(object, &view);
    if (found <= 0) {
        return found < 0 ? NULL : PyTuple_New(0);
    }
    for (int axis = 0; axis < view.ndim; axis++) {
        *total *= view.shape[axis];
    }
    Format format = format_of(&view);
    Py_ssize_t count = *total < limit ? *total : limit;
    PyObject *items = items_of(&view, format, is_readable(&view, format) && is_sure(object) ? count : 0);
    PyBuffer_Release(&view);
    return items;
}

/* Reads the first bytes of a BytesIO, and restores its position. Its getbuffer() would copy all of the
   memory that it shares with other objects.
   Returns a new reference; None if the BytesIO is closed; NULL with an exception. */
static PyObject *
stream_bytes(PyObject *object, PyTypeObject *base, Py_ssize_t most, Py_ssize_t *total)
{
    PyObject *tell = bound(base, "tell", object);
    PyObject *seek = bound(base, "seek", object);
    PyObject *read = bound(base, "read", object);
    PyObject *place = read == NULL || tell == NULL ? NULL : PyObject_CallNoArgs(tell);
    PyObject *bytes = NULL;
    *total = 0;
    if (place != NULL && seek != NULL) {
        PyObject *end = PyObject_CallFunction(seek, "ii", 0, 2);
        PyObject *start = end == NULL ? NULL : PyObject_CallFunction(seek, "i", 0);
        bytes = start == NULL ? NULL : PyObject_CallFunction(read, "n", most);
        *total = end == NULL ? 0 : PyLong_AsSsize_t(end);
        Py_XDECREF(start);
        Py_XDECREF(end);
        PyObject *error = PyErr_GetRaisedException();
        /* The position is set even if memory is short for the number that seek() returns. */
        Py_XDECREF(PyObject_CallFunctionObjArgs(seek, place, NULL));
        PyErr_Clear();
        if (error != NULL) {
            PyErr_SetRaisedException(error);
        }
    }
    else if (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_ValueError)) {
        /* The BytesIO is closed. */
        PyErr_Clear();
        bytes = Py_NewRef(Py_None);
    }
    Py_XDECREF(place);
    Py_XDECREF(read);
    Py_XDECREF(seek);
    Py_XDECREF(tell);
    return bytes;
}

PyObject *
buffer_bytes(PyObject *object, Py_ssize_t most, Py_ssize_t *total)
{
    PyTypeObject *base = base_in_c(Py_TYPE(object));
    if (is_named(base, "BytesIO")) {
        return stream_bytes(object, base, most, total);
    }
    Py_buffer view;
    *total = 1;
    int found = get_buffer(object, &view);
    if (found <= 0) {
        return found < 0 ? NULL : Py_NewRef(Py_None);
    }
    PyObject *bytes;
    if (PyBuffer_IsContiguous(&view, 'C') && is_sure(object)) {
        *total = view.len;
        bytes = PyBytes_FromStringAndSize(view.buf, view.len < most ? view.len : most);
    }
    else {
        bytes = Py_NewRef(Py_None);
    }
    PyBuffer_Release(&view);
    return bytes;
}

/* ---- the functions that codetracer/runtime/known.py calls */

typedef PyObject *(*ReadBuffer)(PyObject *object, Py_ssize_t most, Py_ssize_t *total);

/* Returns a new reference to a tuple of the number of items and the first items; NULL with an
   exception. */
static PyObject *
tell_buffer(PyObject *const *args, Py_ssize_t count, ReadBuffer read)
{
    if (check_arguments(count, 2) < 0) {
        return NULL;
    }
    Py_ssize_t most = PyLong_AsSsize_t(args[1]);
    if (most < 0) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "the number must not be negative");
        }
        return NULL;
    }
    Py_ssize_t total;
    PyObject *first = read(args[0], most, &total);
    return first == NULL ? NULL : Py_BuildValue("(nN)", total, first);
}

static PyObject *
tell_items(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    return tell_buffer(args, count, buffer_items);
}

static PyObject *
tell_bytes(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    return tell_buffer(args, count, buffer_bytes);
}

/* Returns NULL with an exception. */
static PyObject *
nothing(void)
{
    if (!PyErr_Occurred()) {
        /* With a message, because codetracer.whose takes an exception without one for the program's. */
        PyErr_SetString(PyExc_AttributeError, "there is nothing to read");
    }
    return NULL;
}

static PyObject *
tell_shape(PyObject *module, PyObject *object)
{
    Py_buffer view;
    if (get_buffer(object, &view) <= 0) {
        return nothing();
    }
    PyObject *shape = PyTuple_New(view.ndim);
    for (int axis = 0; shape != NULL && axis < view.ndim; axis++) {
        PyObject *length = PyLong_FromSsize_t(view.shape[axis]);
        if (length == NULL || PyTuple_SetItem(shape, axis, length) < 0) {
            Py_CLEAR(shape);
        }
    }
    PyBuffer_Release(&view);
    return shape;
}

static PyObject *
tell_dtype(PyObject *module, PyObject *object)
{
    Py_buffer view;
    if (get_buffer(object, &view) <= 0) {
        return nothing();
    }
    Format format = format_of(&view);
    int size = (int)format.size;
    PyObject *name;
    switch (format.kind) {
    case 'i':
        name = PyUnicode_FromFormat("int%d", 8 * size);
        break;
    case 'u':
        name = PyUnicode_FromFormat("uint%d", 8 * size);
        break;
    case 'f':
        name = PyUnicode_FromFormat("float%d", 8 * size);
        break;
    case 'c':
        name = PyUnicode_FromFormat("complex%d", 8 * size);
        break;
    case 'b':
        name = PyUnicode_FromString("bool");
        break;
    case 'O':
        name = PyUnicode_FromString("object");
        break;
    case 's':
        name = PyUnicode_FromFormat("S%d", size);
        break;
    case 'w':
        name = PyUnicode_FromFormat("U%d", size / 4);
        break;
    default:
        name = PyUnicode_FromString(view.format);
    }
    PyBuffer_Release(&view);
    return name;
}

static int
visit_first(PyObject *object, void *found)
{
    *(PyObject **)found = Py_NewRef(object);
    return 1;
}

/* gc.get_referents would call the program's audit hooks. */
static PyObject *
tell_referent(PyObject *module, PyObject *object)
{
    PyObject *found = NULL;
    PyTypeObject *type = Py_TYPE(object);
    traverseproc traverse = (traverseproc)PyType_GetSlot(type, Py_tp_traverse);
    if (traverse != NULL && (PyType_GetFlags(type) & STATIC_BUILTIN)) {
        traverse(object, visit_first, &found);
    }
    return found == NULL ? nothing() : found;
}

/* Asks the operating system, because the file's tell() lets other threads run. */
static PyObject *
tell_position(PyObject *module, PyObject *object)
{
    PyObject *raw = Py_NewRef(object);
    for (int turn = 0; turn < 2 && raw != NULL && !is_named(base_in_c(Py_TYPE(raw)), "FileIO"); turn++) {
        const char *name = turn == 0 && is_named(base_in_c(Py_TYPE(raw)), "TextIOWrapper") ? "buffer" : "raw";
        PyObject *next = bound(base_in_c(Py_TYPE(raw)), name, raw);
        Py_DECREF(raw);
        raw = next;
    }
    PyTypeObject *base = raw == NULL ? NULL : base_in_c(Py_TYPE(raw));
    PyObject *fileno = is_named(base, "FileIO") ? bound(base, "fileno", raw) : NULL;
    PyObject *number = fileno == NULL ? NULL : PyObject_CallNoArgs(fileno);
    int before = errno;
    off_t place = number == NULL ? -1 : lseek((int)PyLong_AsLong(number), 0, SEEK_CUR);
    errno = before;
    PyErr_Clear();
    Py_XDECREF(number);
    Py_XDECREF(fileno);
    Py_XDECREF(raw);
    return place < 0 ? nothing() : PyLong_FromLongLong(place);
}

static int
is_true(PyObject *object, const char *name)
{
    PyObject *value = name == NULL ? NULL : get_attribute(object, name);
    PyErr_Clear();
    Py_XDECREF(value);
    return value == Py_True;
}

static PyObject *
tell_line(PyObject *module, PyObject *object)
{
    /* CPython has no attribute that says whether the frame of an asynchronous generator runs. */
    static const char *const kinds[][3] = {
        {"generator", "gi_suspended", "gi_running"},
        {"coroutine", "cr_suspended", "cr_running"},
        {"async_generator", "ag_suspended", NULL},
    };
    PyTypeObject *type = Py_TYPE(object);
    int line = 0;
    for (size_t at = 0; at < 3 && (PyType_GetFlags(type) & STATIC_BUILTIN); at++) {
        if (is_named(type, kinds[at][0])
            && (is_true(object, kinds[at][1]) || is_true(object, kinds[at][2]))) {
            line = generator_line(object);
        }
    }
    return line > 0 ? PyLong_FromLong(line) : nothing();
}

static PyMethodDef functions[] = {
    {"buffer_items", (PyCFunction)(void (*)(void))tell_items, METH_FASTCALL,
     "Return how many items an object's buffer has, and the first of them."},
    {"buffer_bytes", (PyCFunction)(void (*)(void))tell_bytes, METH_FASTCALL,
     "Return how many bytes an object's buffer has, and the first of them; None where none can be "
     "read."},
    {"dtype", tell_dtype, METH_O, "Return what the items of an object's buffer are, in numpy's words."},
    {"shape", tell_shape, METH_O, "Return how many items an object's buffer has along each axis."},
    {"referent", tell_referent, METH_O,
     "Return the first object that one of the interpreter's own refers to."},
    {"position", tell_position, METH_O, "Return the byte offset where the system's file of a file stands."},
    {"line", tell_line, METH_O,
     "Return the line that a generator or coroutine waits at, or runs."},
    {NULL, NULL, 0, NULL},
};

int
buffers_prepare(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
