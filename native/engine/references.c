#include "references.h"

#include "_trace_fields.h"
#include "_trace_format.h"
#include "_trace_records.h"
#include "digests.h"
#include "layouts.h"
#include "state.h"
#include "tables.h"

#define MAX_KNOWN 100000 /* as in values.py */

int
known_make_room(Values *values)
{
    if (values->known_used >= MAX_KNOWN) {
        memset(values->known, 0, values->known_size * sizeof(Known));
        values->known_used = 0;
    }
    if (values->known_used * 2 < values->known_size) {
        return 0;
    }
    Known *old = values->known;
    size_t old_size = values->known_size;
    size_t size = old_size ? old_size * 2 : 1024;
    Known *known = PyMem_Calloc(size, sizeof(Known));
    if (known == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    values->known = known;
    values->known_size = size;
    for (size_t from = 0; from < old_size; from++) {
        if (old[from].object != NULL) {
            *known_find(values, old[from].object) = old[from];
        }
    }
    PyMem_Free(old);
    return 0;
}

int
write_unseen(Engine *engine, PyObject *object)
{
    Known *before = known_find(&engine->values, object);
    if (before->object == NULL || before->content != 0) {
        return 0;
    }
    /* The table may move while layout_of calls Python code. */
    Layout *layout = layout_of(engine, Py_TYPE(object));
    if (layout == NULL) {
        return -1;
    }
    Known *known = known_find(&engine->values, object);
    if (known->object == NULL || known->content != 0) {
        return 0;
    }
    Buffer *group = &engine->group;
    size_t start = group->used;
    ObjectRecord unseen = {.number = known->number, .form = FORM_UNSEEN, .type_number = layout->number};
    if (put_object_record(group, &unseen) < 0) {
        return -1;
    }
    known->content = hash_bytes(group->bytes + start, group->used - start);
    return 0;
}

int
queue_object(Values *values, PyObject *object, uint32_t number, int depth, int room, int levels)
{
    if (values->queue_used == values->queue_size) {
        size_t size = values->queue_size ? values->queue_size * 2 : 64;
        Queued *queue = PyMem_Realloc(values->queue, size * sizeof(Queued));
        if (queue == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        values->queue = queue;
        values->queue_size = size;
    }
    Queued *queued = &values->queue[values->queue_used++];
    queued->object = Py_NewRef(object);
    queued->number = number;
    queued->depth = depth;
    queued->room = room;
    queued->levels = levels;
    return 0;
}

int
encode_reference(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting)
{
    Values *values = &engine->values;
    int room = values->room - nesting;
    values->refers = 1;
    Known *known = values->known_size ? known_find(values, value) : NULL;
    if (known == NULL || known->object == NULL || known->kind != (void *)Py_TYPE(value)) {
        if (values->compares) {
            return -1;
        }
        int replaces = known != NULL && known->object != NULL;
        if (!replaces || values->known_used >= MAX_KNOWN) {
            if (known_make_room(values) < 0) {
                return -1;
            }
            known = known_find(values, value);
            values->known_used += known->object == NULL;
        }
        memset(known, 0, sizeof(*known));
        known->object = value;
        known->kind = Py_TYPE(value);
        known->number = values->next_object++;
    }
    uint32_t number = known->number;
    if (depth > 0) {
        int levels = values->levels;
        if (levels == ASKED) {
            levels = values->judging == NULL ? 0 : values->judge(engine, value);
            if (levels < 0 || PyErr_Occurred()) {
                return -1;
            }
        }
        if (must_look(values, known, depth, levels)
            && queue_object(values, value, number, depth, room, levels) < 0) {
            return -1;
        }
    }
    else if (room <= 0 && known->content == 0
             && (values->compares || write_unseen(engine, value) < 0)) {
        return -1;
    }
    digest_add(values, DIGEST_REFERENCE, number);
    return values->compares ? 0 : put_value_reference(to, number);
}
