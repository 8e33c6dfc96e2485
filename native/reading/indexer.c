/* The module `_indexer`: codetracer/replay/index_builder.py in C. */
#include <Python.h>

#include "checksum.h"
#include "names.h"
#include "segment.h"
#include "walk.h"

typedef struct {
    PyObject_HEAD
    Walk walk;
    uint64_t next_offset; /* where the next block's records begin in the log */
    int broken;           /* the last block could not be read: the state is that of no block */
} Builder;

/* Whether the builder cannot go on; with an exception. */
static int
is_broken(const Builder *self)
{
    if (self->broken) {
        impossible("the last block could not be read");
    }
    return self->broken;
}

/* Returns an attribute that is an unsigned number. */
static uint64_t
unsigned_attribute(PyObject *object, const char *name)
{
    PyObject *value = get_attribute(object, name);
    uint64_t number = value == NULL ? 0 : PyLong_AsUnsignedLongLong(value);
    Py_XDECREF(value);
    return number;
}

static PyObject *
builder_add(PyObject *object, PyObject *args, PyObject *keywords)
{
    static const char *const names[] = {"block", "note", NULL};
    Builder *self = (Builder *)object;
    PyObject *block;
    int noting = 1;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|$p", (char **)names, &block, &noting)) {
        return NULL;
    }
    if (is_broken(self)) {
        return NULL;
    }
    uint64_t offset = unsigned_attribute(block, "offset");
    uint64_t room = PyErr_Occurred() ? 0 : unsigned_attribute(block, "size");
    uint64_t crc = PyErr_Occurred() ? 0 : unsigned_attribute(block, "crc");
    PyObject *data = PyErr_Occurred() ? NULL : get_attribute(block, "data");
    char *bytes;
    Py_ssize_t size;
    if (data == NULL || PyBytes_AsStringAndSize(data, &bytes, &size) < 0) {
        Py_XDECREF(data);
        return NULL;
    }
    if ((uint64_t)size >= UINT32_MAX) {
        Py_DECREF(data);
        impossible("a block is larger than an index has room for");
        return NULL;
    }
    self->walk.segment.noting = noting;
    self->broken =
        walk_block(&self->walk, (unsigned char *)bytes, (size_t)size, offset, (uint32_t)crc) < 0;
    self->next_offset = offset + room;
    Py_DECREF(data);
    if (self->broken) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
builder_blocks(PyObject *self, void *unused)
{
    return PyLong_FromUnsignedLong(((Builder *)self)->walk.segment.blocks);
}

static PyObject *
builder_seen(PyObject *self, void *unused)
{
    return PyLong_FromUnsignedLong(((Builder *)self)->walk.segment.block);
}

static PyObject *
builder_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static const char *const names[] = {NULL};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "", (char **)names)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Builder *self = (Builder *)allocate(type, 0);
    if (self == NULL) {
        return NULL;
    }
    if (walk_begin(&self->walk) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void
builder_dealloc(PyObject *object)
{
    Builder *self = (Builder *)object;
    PyTypeObject *type = Py_TYPE(object);
    walk_free(&self->walk);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static PyObject *
builder_segment(PyObject *object, PyObject *unused)
{
    Builder *self = (Builder *)object;
    if (is_broken(self)) {
        return NULL;
    }
    PyObject *made = walk_segment(&self->walk, self->next_offset);
    self->broken = made == NULL;
    return made;
}

static PyMethodDef builder_methods[] = {
    {"add", (PyCFunction)(void (*)(void))builder_add, METH_VARARGS | METH_KEYWORDS, NULL},
    {"segment", builder_segment, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef builder_getters[] = {
    {"blocks", builder_blocks, NULL, NULL, NULL},
    {"seen", builder_seen, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot builder_slots[] = {
    {Py_tp_new, builder_new},
    {Py_tp_dealloc, builder_dealloc},
    {Py_tp_methods, builder_methods},
    {Py_tp_getset, builder_getters},
    {0, NULL},
};

static PyType_Spec builder_spec = {
    .name = "codetracer_bindings._indexer.IndexBuilder",
    .basicsize = sizeof(Builder),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = builder_slots,
};

static int
indexer_exec(PyObject *module)
{
    checksum_prepare();
    PyObject *type = PyType_FromModuleAndSpec(module, &builder_spec, NULL);
    if (type == NULL) {
        return -1;
    }
    int added = PyModule_AddObjectRef(module, "IndexBuilder", type);
    Py_DECREF(type);
    return added;
}

static PyModuleDef_Slot indexer_slots[] = {
    {Py_mod_exec, indexer_exec},
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {0, NULL},
};

static PyModuleDef indexer_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "codetracer_bindings._indexer",
    .m_doc = "Makes the segments of an index, as codetracer.replay.index_builder does.",
    .m_slots = indexer_slots,
};

PyMODINIT_FUNC
PyInit__indexer(void)
{
    return PyModuleDef_Init(&indexer_module);
}
