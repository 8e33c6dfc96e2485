#include "attributes.h"

#include "_trace_format.h"
#include "_trace_records.h"
#include "constants.h"
#include "digests.h"
#include "internals.h"
#include "layouts.h"
#include "plans.h"
#include "secrets.h"
#include "state.h"
#include "tables.h"
#include "utf8.h"
#include "values.h"

typedef PyObject *(*GetDict)(PyTypeObject *);

static GetDict get_dict;
static descrgetfunc get_member;

/* Returns number * 4 + action of an attribute, or a negative number if it has no number yet. */
static long
attribute_action(Engine *engine, Plan *plan, PyObject *name)
{
    PyObject *known = PyDict_GetItemWithError(plan->numbers, name);
    if (known != NULL) {
        return PyLong_AsLong(known);
    }
    if (PyErr_Occurred()) {
        return -1;
    }
    int action = plan_action(engine, plan, name);
    return action < 0 ? -1 : -2 - action;
}

/* Returns an attribute's number, and defines the attribute in the group if it is new. */
static long
attribute_number(Engine *engine, PyObject *name)
{
    Values *values = &engine->values;
    PyObject *known = PyDict_GetItemWithError(values->attributes, name);
    if (known != NULL) {
        return PyLong_AsLong(known);
    }
    if (PyErr_Occurred()) {
        return -1;
    }
    PyObject *number = PyLong_FromUnsignedLong(values->next_attribute);
    Utf8 utf8 = {0};
    int failed = number == NULL || utf8_take(&utf8, name) < 0
                 || buffer_reserve(&engine->group, utf8.bytes.size + RECORD_ROOM) < 0
                 || PyDict_SetItem(values->attributes, name, number) < 0;
    long result = -1;
    if (!failed) {
        put_attribute(&engine->group, utf8.bytes);
        result = (long)values->next_attribute++;
    }
    utf8_end(&utf8);
    Py_XDECREF(number);
    return result;
}

int
field_add(Engine *engine, Fields *fields, PyObject *name, PyObject *value)
{
    Values *values = &engine->values;
    if (values->compares && fields->count < values->items) {
        /* If contents have a digest, filters hide only what it covers. */
        fields->count++;
        digest_add(values, DIGEST_NAME, (uint64_t)text_hash(name));
        return values_compare(engine, value, fields->depth);
    }
    long known = values->compares ? 0 : attribute_action(engine, fields->plan, name);
    if (known == -1) {
        return -1;
    }
    long action = known < 0 ? -2 - known : known & 3;
    if (action == DROP) {
        values->is_told = 0;
        return 0;
    }
    if (fields->count >= values->items) {
        fields->cut++;
        return 0;
    }
    if (action == SECRET && secrets_learn(engine, value, 0) < 0) {
        return -1;
    }
    digest_add(values, DIGEST_NAME, (uint64_t)text_hash(name));
    if (action != ALLOW) {
        digest_hidden(values, value);
    }
    Buffer *to = &values->fields;
    size_t start = to->used;
    if (known >= 0) {
        if (begin_attribute(to, (uint64_t)known >> 2) < 0) {
            return -1;
        }
        fields->count++;
        if (action != ALLOW) {
            return put_value_redacted(to);
        }
        return values_encode(engine, to, value, fields->depth, 0);
    }
    /* The number comes before the value, but is known only after the value has been encoded, because
       that may define other attributes. */
    Buffer encoded = {0};
    int failed = action != ALLOW ? put_value_redacted(&encoded) < 0
                                  : values_encode(engine, &encoded, value, fields->depth, 0) < 0;
    long number = failed ? -1 : attribute_number(engine, name);
    if (number >= 0) {
        PyObject *entry = PyLong_FromLong(number * 4 + action);
        failed = entry == NULL || PyDict_SetItem(fields->plan->numbers, name, entry) < 0
                 || begin_attribute(to, (uint64_t)number) < 0
                 || put_bytes(to, encoded.bytes, encoded.used) < 0;
        Py_XDECREF(entry);
    }
    buffer_free(&encoded);
    if (failed || number < 0) {
        to->used = start;
        return -1;
    }
    fields->count++;
    return 0;
}

/* The class whose slots are being read, and its dict. */
typedef struct {
    PyObject *alive; /* borrowed: the weak reference to it */
    PyObject *namespace;
} Owner;

static void
owner_leave(Owner *owner)
{
    Py_CLEAR(owner->namespace);
    owner->alive = NULL;
}

static void
owner_turn(Owner *owner, PyObject *alive)
{
    if (owner->alive == alive) {
        return;
    }
    owner_leave(owner);
    PyObject *type = referent(alive);
    if (type != Py_None) {
        owner->namespace = get_dict((PyTypeObject *)type);
    }
    owner->alive = alive;
}

/* Returns the entry of a class's dict with a member's name, borrowed, or NULL. Compares keys by
   identity, and by value only those that are exactly a str, because other keys could run code of the
   program. The member's name is the key that the dict had when the layout was made. */
static PyObject *
namespace_entry(PyObject *namespace, Member *member)
{
    PyObject *name;
    PyObject *value;
    Py_ssize_t position = member->place;
    if (PyDict_Next(namespace, &position, &name, &value) && name == member->name) {
        return value;
    }
    Py_ssize_t place = position = 0;
    while (PyDict_Next(namespace, &position, &name, &value)) {
        if (name == member->name
            || (PyUnicode_CheckExact(name) && PyUnicode_Compare(name, member->name) == 0)) {
            member->place = place;
            return value;
        }
        place = position;
    }
    return NULL;
}

/* Returns a new reference to the value in a slot; NULL, without an exception, if it is unbound or no slot any
   more. */
static PyObject *
slot_value(Owner *owner, Member *member, PyObject *object)
{
    member->offset = 0;
    if (owner->namespace == NULL) {
        return NULL;
    }
    PyObject *descriptor = namespace_entry(owner->namespace, member);
    if (descriptor == NULL || Py_TYPE(descriptor) != &PyMemberDescr_Type) {
        /* The program has replaced the descriptor. */
        return NULL;
    }
    PyObject *value;
    if (slot_read(descriptor, object, &value, &member->offset)) {
        return Py_XNewRef(value);
    }
    Py_INCREF(descriptor);
    value = get_member(descriptor, object, (PyObject *)Py_TYPE(object));
    Py_DECREF(descriptor);
    if (value == NULL
        && (PyErr_ExceptionMatches(PyExc_AttributeError)
            || PyErr_ExceptionMatches(PyExc_TypeError))) {
        /* The slot is unbound, or belongs to another class. */
        PyErr_Clear();
    }
    return value;
}

PyObject *
read_slot(PyObject *alive, PyObject *name, PyObject *object)
{
    Owner owner = {NULL, NULL};
    Member member = {name, 0, alive, 0, 0};
    owner_turn(&owner, alive);
    PyObject *value = slot_value(&owner, &member, object);
    owner_leave(&owner);
    return value;
}

PyObject *
layout_attribute(Layout *layout, PyObject *object, PyObject *name)
{
    for (Py_ssize_t at = 0; at < layout->count; at++) {
        Member *member = &layout->members[at];
        if (member->name != name && PyUnicode_Compare(member->name, name) != 0) {
            continue;
        }
        if (layout->form == FORM_NAMED_TUPLE) {
            return at < PyTuple_Size(object) ? Py_NewRef(PyTuple_GetItem(object, at)) : NULL;
        }
        if (layout->has_offsets && type_version(Py_TYPE(object)) == layout->version) {
            return Py_XNewRef(slot_at(object, member->offset));
        }
        Owner owner = {NULL, NULL};
        owner_turn(&owner, member->owner);
        PyObject *value = slot_value(&owner, member, object);
        owner_leave(&owner);
        PyErr_Clear();
        return value;
    }
    return layout->has_dict ? object_get(object, name) : NULL;
}

/* Digests an attribute. Returns as values_compare. */
static inline int
digest_attribute(Engine *engine, Fields *fields, PyObject *name, PyObject *value)
{
    fields->count++;
    digest_add(&engine->values, DIGEST_NAME, (uint64_t)text_hash(name));
    return values_compare(engine, value, fields->depth);
}

/* Digests what is in the slots of an object. Returns as values_compare. */
static int
digest_members(Engine *engine, Fields *fields, PyObject *object, const Layout *layout)
{
    for (Py_ssize_t at = 0; at < layout->count; at++) {
        const Member *member = &layout->members[at];
        PyObject *value = slot_at(object, member->offset);
        if (value != NULL && digest_attribute(engine, fields, member->name, value) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
member_attributes(Engine *engine, Fields *fields, PyObject *object, Layout *layout)
{
    Owner owner = {NULL, NULL};
    uint32_t version = type_version(Py_TYPE(object));
    int are_known = layout->has_offsets && version == layout->version;
    if (are_known && engine->values.compares && layout->form != FORM_NAMED_TUPLE
        && fields->count + layout->count <= engine->values.items) {
        return digest_members(engine, fields, object, layout);
    }
    int are_found = version != 0 && version == layout->version;
    int failed = 0;
    /* Reading a slot otherwise may set its offset anew, and fail. */
    layout->has_offsets = are_known;
    for (Py_ssize_t at = 0; !failed && at < layout->count; at++) {
        Member *member = &layout->members[at];
        PyObject *value = NULL;
        if (layout->form == FORM_NAMED_TUPLE) {
            value = at < PyTuple_Size(object) ? Py_NewRef(PyTuple_GetItem(object, at)) : NULL;
        }
        else if (are_known) {
            value = Py_XNewRef(slot_at(object, member->offset));
        }
        else {
            owner_turn(&owner, member->owner);
            value = slot_value(&owner, member, object);
            failed = value == NULL && PyErr_Occurred() != NULL;
            are_found &= member->offset != 0;
        }
        if (value != NULL) {
            failed = field_add(engine, fields, member->name, value) < 0;
            Py_DECREF(value);
        }
    }
    owner_leave(&owner);
    if (!failed && !are_known && layout->form != FORM_NAMED_TUPLE) {
        layout->has_offsets = are_found && version == layout->version;
    }
    return failed ? -1 : 0;
}

/* Returns whether a slot has this name, or a known type's reading covers it; the dict's item with this
   name is then left out. */
static int
names_slot(Layout *layout, PyObject *name)
{
    if (layout->reading != NULL && PyDict_GetItemWithError(layout->reading->hidden, name) != NULL) {
        return 1;
    }
    Py_hash_t hash = layout->count ? PyObject_Hash(name) : 0;
    int found = 0;
    for (Py_ssize_t at = 0; !found && at < layout->count; at++) {
        Member *member = &layout->members[at];
        found = member->hash == hash && PyUnicode_Compare(member->name, name) == 0;
    }
    return found;
}

/* Digests the attributes of an object that has no others. Returns 1 if it is none of those objects. */
static int
digest_attributes(Engine *engine, Fields *fields, PyObject *object)
{
    PyObject *name;
    PyObject *value;
    Py_ssize_t position = 0;
    Inline found;
    if (object_inline(object, &found)) {
        if (found.count > engine->values.items) {
            return 1;
        }
        while ((value = inline_item(&found, &position, &name)) != NULL) {
            if (PyUnicode_CheckExact(name) && digest_attribute(engine, fields, name, value) < 0) {
                return -1;
            }
        }
        return 0;
    }
    PyObject *dict = object_dict(object);
    if (dict == NULL || PyDict_Size(dict) > engine->values.items) {
        return 1;
    }
    Entries entries;
    int are_known = dict_entries(dict, &entries);
    while (are_known ? entries_next(&entries, &name, &value)
                     : PyDict_Next(dict, &position, &name, &value)) {
        if (PyUnicode_CheckExact(name) && digest_attribute(engine, fields, name, value) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
dict_attributes(Engine *engine, Fields *fields, PyObject *object, Layout *layout)
{
    if (engine->values.compares && layout->count == 0 && layout->reading == NULL) {
        int outcome = digest_attributes(engine, fields, object);
        if (outcome <= 0) {
            return outcome;
        }
    }
    PyObject *name;
    PyObject *value;
    Py_ssize_t position = 0;
    Py_ssize_t passed = 0;
    for (; object_next(object, &position, &name, &value); passed++) {
        if (fields->count >= engine->values.items) {
            /* The rest is counted, not encoded. */
            fields->cut += object_count(object) - passed;
            break;
        }
        if (!PyUnicode_CheckExact(name) || names_slot(layout, name)) {
            continue;
        }
        Py_INCREF(name);
        Py_INCREF(value);
        int failed = field_add(engine, fields, name, value) < 0;
        Py_DECREF(name);
        Py_DECREF(value);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

static int
enum_attributes(Engine *engine, Fields *fields, PyObject *object)
{
    static const char *const names[][2] = {{"name", "_name_"}, {"value", "_value_"}};
    for (int at = 0; at < 2; at++) {
        PyObject *name = PyUnicode_InternFromString(names[at][0]);
        if (name == NULL) {
            return -1;
        }
        PyObject *each;
        PyObject *value = NULL;
        Py_ssize_t position = 0;
        while (value == NULL && object_next(object, &position, &each, &value)) {
            if (!PyUnicode_CheckExact(each)
                || PyUnicode_CompareWithASCIIString(each, names[at][1]) != 0) {
                value = NULL;
            }
        }
        value = Py_NewRef(value == NULL ? Py_None : value);
        int failed = field_add(engine, fields, name, value) < 0;
        Py_DECREF(value);
        Py_DECREF(name);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

static int
method_attributes(Engine *engine, Fields *fields, PyObject *method)
{
    PyObject *owner = PyObject_GetAttr(method, engine->state->name_self);
    if (owner == NULL) {
        return -1;
    }
    int outcome = 0;
    if (owner != Py_None && !PyModule_CheckExact(owner)) {
        /* The depth for the method is given to its object. */
        fields->depth++;
        engine->values.room++;
        outcome = field_add(engine, fields, engine->state->name_self, owner);
    }
    Py_DECREF(owner);
    return outcome;
}

int
object_attributes(Engine *engine, Fields *fields, PyObject *object, Layout *layout)
{
    if (layout->form == FORM_METHOD) {
        return method_attributes(engine, fields, object);
    }
    if (layout->count && member_attributes(engine, fields, object, layout) < 0) {
        return -1;
    }
    if (layout->has_dict) {
        int outcome = layout->form == FORM_ENUM
                          ? enum_attributes(engine, fields, object)
                          : dict_attributes(engine, fields, object, layout);
        if (outcome < 0) {
            return -1;
        }
    }
    if (layout->form == FORM_EXCEPTION) {
        PyObject *cause = PyException_GetCause(object);
        if (cause != NULL) {
            int failed = field_add(engine, fields, engine->state->name_cause, cause) < 0;
            Py_DECREF(cause);
            return failed ? -1 : 0;
        }
    }
    return 0;
}

int
attributes_prepare(void)
{
    get_dict = (GetDict)find_function("PyType_GetDict");
    get_member = (descrgetfunc)PyType_GetSlot(&PyMemberDescr_Type, Py_tp_descr_get);
    return get_dict == NULL || get_member == NULL ? -1 : 0;
}
