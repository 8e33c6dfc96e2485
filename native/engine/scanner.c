#include "scanner.h"

#include <string.h>

#include "entries.h"
#include "facts.h"
#include "instructions.h"
#include "names.h"
#include "valuestack.h"

#define STAR 2                /* as in scanner.py */
#define LARGEST_SMALL_INT 256 /* the largest int that CPython keeps */

static const WayStep no_step;

static void
add_call_to(Scanner *scanner, LineFacts *line, const Entry *callee)
{
    Call call = entry_call(scanner->arena, scanner->instructions, callee, line, scanner->stack.line);
    call.start = scanner->start;
    Call *more = calls_more(scanner->arena, &line->calls);
    if (more != NULL) {
        *more = call;
    }
}

static void
add_call(Scanner *scanner, const Entry *callee)
{
    EACH_LINE(&scanner->stack, line) {
        add_call_to(scanner, line, callee);
    }
}

/* ---- what the instructions mean */

/* Adds a call that may change anything, if a line no longer leads to an object that it stored into. */
static void
lose_if(Scanner *scanner, LineFacts *line, int is_lost)
{
    if (is_lost) {
        add_call_to(scanner, line, NULL);
    }
}

/* Notes that a line binds a variable, which may have led to what it has changed. */
static void
rebinds(Scanner *scanner, LineFacts *line, PyObject *name, int is_global)
{
    for (int at = 0; at < line->calls.count; at++) {
        Call *call = &line->calls.items[at];
        call->is_rebound |= call->way != NULL && way_leads(call->way, name, is_global);
    }
    int is_own = 0;
    int is_lost = 0;
    for (int at = 0; at < line->targets.count; at++) {
        TargetFact *target = &line->targets.items[at];
        const Way *way = target->way;
        if (target->key != NULL && target->key->way != NULL
            && way_leads(target->key->way, name, is_global)) {
            target->key = NULL;
        }
        if (target->is_in_place && way->name == name && way->is_global == is_global
            && way->length == 0) {
            target->is_in_place = 0;
            is_own = 1;
        }
        else {
            is_lost |= way_leads(way, name, is_global);
        }
    }
    if (!is_own) {
        ways_add(scanner->arena, &line->rebinds,
                 way_new(scanner->arena, name, is_global, NULL, no_step));
    }
    lose_if(scanner, line, is_lost);
}

/* Notes that the line names a variable. Returns what is known of its value. */
static const Entry *
variable(Scanner *scanner, PyObject *name, int is_global, int binds)
{
    if ((PyUnicode_GetLength(name) > 0 && PyUnicode_ReadChar(name, 0) == '.')
        || PySet_Contains(scanner->instructions->not_variables, name) == 1) {
        return NULL;
    }
    EACH_LINE(&scanner->stack, line) {
        names_add(scanner->arena, is_global ? &line->globals : &line->locals, name, binds);
        if (binds) {
            rebinds(scanner, line, name, is_global);
        }
    }
    for (int at = 0; binds && at < scanner->stack.height; at++) {
        const Entry *entry = scanner->stack.values[at];
        if (entry != NULL && entry_leads_from(entry, name, is_global)) {
            /* It was read before. */
            scanner->stack.values[at] =
                entry->tag == ENTRY_METHOD
                    ? entry_new(scanner->arena, (Entry){.tag = ENTRY_METHOD, .name = entry->name})
                    : NULL;
        }
    }
    const Way *way = way_new(scanner->arena, name, is_global, NULL, no_step);
    return way == NULL ? NULL : entry_new(scanner->arena, (Entry){.tag = ENTRY_PLACE, .way = way});
}

/* Returns the name of a slot, borrowed from the code object; NULL with an exception. */
static PyObject *
slot_name(Scanner *scanner, int slot)
{
    if (slot < scanner->slot_count && scanner->slots[slot] != NULL) {
        return scanner->slots[slot];
    }
    PyObject *number = PyLong_FromLong(slot);
    PyObject *found =
        number == NULL ? NULL
                       : PyObject_CallMethodObjArgs(scanner->code, scanner->instructions->slot_name,
                                                    number, NULL);
    Py_XDECREF(number);
    if (found == NULL) {
        return NULL;
    }
    /* The code object keeps it. */
    Py_DECREF(found);
    if (slot >= scanner->slot_count) {
        PyObject **moved =
            PyMem_Realloc(scanner->slots, (size_t)(slot + 16) * sizeof(*scanner->slots));
        if (moved == NULL) {
            return PyErr_NoMemory();
        }
        memset(moved + scanner->slot_count, 0,
               (size_t)(slot + 16 - scanner->slot_count) * sizeof(*moved));
        scanner->slots = moved;
        scanner->slot_count = slot + 16;
    }
    scanner->slots[slot] = found;
    return found;
}

static int
follow_fast(Scanner *scanner, int opcode, int argument)
{
    const unsigned char *does = scanner->instructions->does[opcode];
    for (int at = 0; at < 2 && does[at]; at++) {
        int slot = !does[1] ? argument : at == 0 ? argument >> 4 : argument & 15;
        PyObject *name = slot_name(scanner, slot);
        if (name == NULL) {
            return -1;
        }
        if (does[at] == 'S') {
            valuestack_pop(&scanner->stack);
        }
        const Entry *entry = variable(scanner, name, 0, does[at] != 'L');
        if (does[at] == 'L') {
            valuestack_push(&scanner->stack, entry);
        }
    }
    return 0;
}

static int
follow_named(Scanner *scanner, int kind, int opcode, int argument)
{
    int does = scanner->instructions->does[opcode][0];
    int is_global = kind == KIND_GLOBAL || (kind == KIND_NAME && scanner->at_module);
    PyObject *name = kind == KIND_DEREF ? slot_name(scanner, argument)
                                        : PyTuple_GetItem(scanner->names, argument);
    if (name == NULL) {
        return -1;
    }
    if (does == 'S') {
        valuestack_pop(&scanner->stack);
    }
    const Entry *entry = variable(scanner, name, is_global, does != 'L');
    if (!is_global && kind == KIND_NAME) {
        /* In a class body, it is a global variable unless the body binds it. */
        variable(scanner, name, 1, 0);
        entry = NULL;
    }
    if (does == 'L') {
        int change;
        if (change_of(scanner->instructions, opcode, argument, 0, &change) < 0) {
            return -1;
        }
        valuestack_drop(&scanner->stack, 1 - change);
        valuestack_push(&scanner->stack, entry);
    }
    return 0;
}

/* Pushes what is known of a constant. */
static int
follow_constant(Scanner *scanner, int opcode, int argument)
{
    const Instructions *instructions = scanner->instructions;
    PyObject *value;
    if (opcode == instructions->load_constant) {
        value = PyTuple_GetItem(scanner->constants, argument);
    }
    else if (opcode == instructions->load_common_constant) {
        value = argument < MOST_OPERANDS ? instructions->common[argument] : NULL;
    }
    else if (argument <= LARGEST_SMALL_INT) {
        /* It is cached: the reference is the interpreter's. */
        value = PyLong_FromLong(argument);
        Py_XDECREF(value);
    }
    else {
        value = NULL;
    }
    if (value == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_IndexError, "no constant %d", argument);
        }
        return -1;
    }
    PyTypeObject *type = Py_TYPE(value);
    Entry entry = {.tag = ENTRY_PLAIN, .type = (PyObject *)type};
    if (value == PyExc_AssertionError || value == PyExc_NotImplementedError) {
        entry = (Entry){.tag = ENTRY_CALLABLE, .type = value};
    }
    else if (type == &PyUnicode_Type || type == &PyLong_Type || type == &PyBool_Type
             || value == Py_None) {
        entry.name = value;
    }
    else if (type == Py_TYPE(scanner->code)) {
        entry.name = PyObject_GetAttr(value, instructions->code_name);
        if (entry.name == NULL) {
            return -1;
        }
        Py_DECREF(entry.name);
        entry.is_code = 1;
    }
    else if (type == &PyType_Type || type == &PyCFunction_Type) {
        valuestack_push(&scanner->stack, NULL);
        return 0;
    }
    else if (type == &PyTuple_Type) {
        scanner->names_given = value;
    }
    valuestack_push(&scanner->stack, entry_new(scanner->arena, entry));
    return 0;
}

static void
hide(Scanner *scanner)
{
    EACH_LINE(&scanner->stack, line) {
        line->hides = 1;
    }
}

static void
bear(Scanner *scanner)
{
    EACH_LINE(&scanner->stack, line) {
        line->births++;
    }
}

static void
reach(Scanner *scanner)
{
    EACH_LINE(&scanner->stack, line) {
        line->reach++;
    }
}

/* Notes that a line takes an attribute. */
static void
takes(Scanner *scanner, const Entry *entry, const Entry *attribute)
{
    if (has_tag(entry, ENTRY_PLACE) && has_tag(attribute, ENTRY_PLACE)) {
        EACH_LINE(&scanner->stack, line) {
            ways_add(scanner->arena, &line->attributes, attribute->way);
        }
        return;
    }
    hide(scanner);
}

/* Notes that a line takes items of a value. */
static void
takes_item(Scanner *scanner, const Entry *entry)
{
    if (has_tag(entry, ENTRY_PLACE)) {
        EACH_LINE(&scanner->stack, line) {
            ways_add(scanner->arena, &line->containers, entry->way);
        }
    }
    else if (has_tag(entry, ENTRY_FRESH)) {
        /* The part that a loop runs again takes what the line has made before. */
        if (scanner->stack.again != NULL) {
            scanner->stack.again->hides = 1;
        }
    }
    else if (!has_tag(entry, ENTRY_ITEM) && !has_tag(entry, ENTRY_PLAIN)) {
        hide(scanner);
    }
}

/* Notes that a line takes an item, and pushes what is known of that. */
static void
item(Scanner *scanner, const Entry *entry, const Entry *key)
{
    takes_item(scanner, entry);
    const Key *step = entry_key(scanner->arena, key, scanner->stack.line);
    LineFacts *line = scanner->stack.line;
    valuestack_push(&scanner->stack,
                    has_tag(entry, ENTRY_PLACE)
                        ? entry_new(scanner->arena, (Entry){.tag = ENTRY_ITEM,
                                                            .way = entry->way,
                                                            .key = step,
                                                            .line = line})
                        : entry_part(scanner->arena, entry, (WayStep){NULL, step}, line));
    reach(scanner);
}

static TargetFact *
target_of(const LineFacts *line, const Way *way, const PyObject *method)
{
    for (int at = 0; at < line->targets.count; at++) {
        TargetFact *target = &line->targets.items[at];
        if (target->method == method && way_equal(target->way, way)) {
            return target;
        }
    }
    return NULL;
}

/* Notes that a line changes an object by a special method. */
static void
stores(Scanner *scanner, const Entry *entry, PyObject *method)
{
    EACH_LINE(&scanner->stack, line) {
        if (line->stores_at < 0) {
            line->stores_at = scanner->start;
            line->stores_item = method == scanner->instructions->setitem;
        }
    }
    if (has_tag(entry, ENTRY_PLACE) || has_tag(entry, ENTRY_ITEM)) {
        int levels = entry->tag == ENTRY_PLACE ? 1 : 2;
        const Key *key = levels == 2 && entry->line == scanner->stack.line ? entry->key : NULL;
        if (key != NULL && key->way != NULL && key->way->length > 0) {
            /* Whoever changes an attribute or an item changes the key. */
            key = NULL;
        }
        EACH_LINE(&scanner->stack, line) {
            TargetFact *target = target_of(line, entry->way, method);
            if (target == NULL) {
                target = targets_more(scanner->arena, &line->targets);
                if (target != NULL) {
                    *target = (TargetFact){entry->way, method, key, levels, 0};
                }
            }
            else {
                target->levels = levels > target->levels ? levels : target->levels;
                target->key = key_equal(target->key, key) ? target->key : NULL;
            }
        }
    }
    else if (has_tag(entry, ENTRY_WITHIN)) {
        EACH_LINE(&scanner->stack, line) {
            line->is_wide = 1;
        }
    }
    else if (!has_tag(entry, ENTRY_FRESH)) {
        add_call(scanner, NULL);
    }
}

/* Notes that a line iterates over a value, which may be an iterator. */
static void
iterates(Scanner *scanner, const Entry *entry)
{
    const Entry **values = has_tag(entry, ENTRY_ITERATOR) ? entry->sources : &entry;
    int count = has_tag(entry, ENTRY_ITERATOR) ? entry->count : 1;
    for (int at = 0; at < count; at++) {
        if (has_tag(values[at], ENTRY_PLACE)) {
            EACH_LINE(&scanner->stack, line) {
                ways_add(scanner->arena, &line->moves, values[at]->way);
            }
        }
    }
}

static int
follow_next(Scanner *scanner, int opcode, int argument, int following)
{
    int change;
    int when_it_jumps;
    if (change_of(scanner->instructions, opcode, argument, 0, &change) < 0
        || change_of(scanner->instructions, opcode, argument, 1, &when_it_jumps) < 0) {
        return -1;
    }
    /* The iterator of an outer loop is below; from 3.15 on, something is above. */
    const Entry *found = NULL;
    for (int at = 1; at <= 2 && found == NULL; at++) {
        const Entry *each = valuestack_top(&scanner->stack, at, 0);
        found = has_tag(each, ENTRY_ITERATOR) ? each : NULL;
    }
    valuestack_jump(&scanner->stack, following + 2 * argument, when_it_jumps);
    const Entry *unknown = NULL;
    const Entry **sources = found == NULL ? &unknown : found->sources;
    int count = found == NULL ? 1 : found->count;
    for (int at = 0; at < count; at++) {
        iterates(scanner, sources[at]);
        takes_item(scanner, sources[at]);
        if (has_tag(sources[at], ENTRY_ITEM)) {
            /* It may be an iterator, which makes what it gives. */
            hide(scanner);
        }
    }
    const Entry *given = NULL;
    if (count == 1 && has_tag(sources[0], ENTRY_PLACE)) {
        given = entry_new(scanner->arena, (Entry){.tag = ENTRY_ITEM, .way = sources[0]->way});
    }
    valuestack_push_unknown(&scanner->stack, change - 1);
    valuestack_push(&scanner->stack, given);
    return 0;
}

static int
in_set(PyObject *names, PyObject *name)
{
    return PySet_Contains(names, name) == 1;
}

/* Returns which of the keywords of the next call has the name "key"; -1 if none has it. */
static int
keyword_key(const Scanner *scanner)
{
    Py_ssize_t count = scanner->keywords == NULL ? 0 : PyTuple_Size(scanner->keywords);
    for (Py_ssize_t at = 0; at < count; at++) {
        if (PyTuple_GetItem(scanner->keywords, at) == scanner->instructions->key) {
            return (int)at;
        }
    }
    return -1;
}

/* Notes which arguments a call iterates over. Returns what is known of its result. */
static const Entry *
returned(Scanner *scanner, const Entry *callee, const Entry **given, int count)
{
    const Instructions *instructions = scanner->instructions;
    if (!has_tag(callee, ENTRY_PLACE) && !has_tag(callee, ENTRY_METHOD)) {
        return NULL;
    }
    PyObject *name = callee->tag == ENTRY_PLACE ? callee->way->name : callee->name;
    for (int at = 0; at < count && in_set(instructions->taking, name); at++) {
        iterates(scanner, given[at]);
    }
    if (callee->tag == ENTRY_METHOD && has_tag(callee->owner, ENTRY_PLACE)
        && in_set(instructions->views, name)) {
        return entry_iterator(scanner->arena, (const Entry **)&callee->owner, 1);
    }
    if (callee->tag == ENTRY_PLACE && callee->way->length == 0 && count > 0
        && in_set(instructions->passing, name)) {
        int total = 0;
        for (int at = 0; at < count; at++) {
            total += has_tag(given[at], ENTRY_ITERATOR) ? given[at]->count : 1;
        }
        const Entry **sources = arena_get(scanner->arena, (size_t)total * sizeof(*sources));
        if (sources == NULL) {
            return NULL;
        }
        total = 0;
        for (int at = 0; at < count; at++) {
            if (has_tag(given[at], ENTRY_ITERATOR)) {
                memcpy(sources + total, given[at]->sources,
                       (size_t)given[at]->count * sizeof(*sources));
                total += given[at]->count;
            }
            else {
                sources[total++] = given[at];
            }
        }
        for (int at = 0; at < total; at++) {
            takes_item(scanner, sources[at]);
        }
        return entry_iterator(scanner->arena, sources, total);
    }
    return entry_new(scanner->arena, (Entry){.tag = ENTRY_RETURNED,
                                      .count = scanner->stack.line->calls.count - 1,
                                      .line = scanner->stack.line});
}

static int
follow_call(Scanner *scanner, int kind, int opcode, int argument)
{
    const Entry **given = NULL;
    int count = 0;
    if (kind == KIND_CALL_SPREAD) {
        int change;
        if (change_of(scanner->instructions, opcode, argument, 0, &change) < 0) {
            return -1;
        }
        valuestack_drop(&scanner->stack, -1 - change);
    }
    else {
        if (kind == KIND_CALL_KEYWORDS) {
            valuestack_pop(&scanner->stack);
            scanner->keywords = scanner->names_given;
        }
        count = argument;
        given = arena_get(scanner->arena, ((size_t)count + 1) * sizeof(*given));
        if (given == NULL) {
            return 0;
        }
        for (int at = 0; at < count; at++) {
            given[at] = valuestack_top(&scanner->stack, count, at);
        }
        valuestack_drop(&scanner->stack, count);
    }
    const Entry *first = valuestack_top(&scanner->stack, 2, 0);
    const Entry *second = valuestack_top(&scanner->stack, 2, 1);
    valuestack_drop(&scanner->stack, 2);
    const Entry *callee = has_tag(first, ENTRY_NULL) ? second : first;
    int key = keyword_key(scanner);
    if (key >= 0 && (has_tag(callee, ENTRY_PLACE) || has_tag(callee, ENTRY_METHOD))
        && in_set(scanner->instructions->keyed,
                  callee->tag == ENTRY_PLACE ? callee->way->name : callee->name)) {
        int at = count - (int)PyTuple_Size(scanner->keywords) + key;
        if (at >= 0 && at < count && has_tag(given[at], ENTRY_PLACE)) {
            add_call(scanner, entry_as_method(scanner->arena, given[at]));
        }
    }
    scanner->keywords = NULL;
    add_call(scanner, callee);
    valuestack_push(&scanner->stack, returned(scanner, callee, given, count));
    return 0;
}

/* ---- instructions */

/* Follows an instruction of which only the effect on the stack's height is known. */
static int
settle(Scanner *scanner, int opcode, int argument)
{
    int change;
    if (change_of(scanner->instructions, opcode, argument, 0, &change) < 0) {
        return -1;
    }
    valuestack_settle(&scanner->stack, change);
    return 0;
}

static int
is_mixing(int kind)
{
    return kind == KIND_LOAD_ATTRIBUTE || kind == KIND_LOAD_ITEM || kind == KIND_OPERATOR
           || kind == KIND_CONTAINS || kind == KIND_RESULT || kind == KIND_CALL
           || kind == KIND_CALL_KEYWORDS || kind == KIND_CALL_SPREAD || kind == KIND_NEXT;
}

static int
follow_attribute(Scanner *scanner, int argument)
{
    PyObject *name = PyTuple_GetItem(scanner->names, argument >> 1);
    if (name == NULL) {
        return -1;
    }
    const Entry *entry = valuestack_pop(&scanner->stack);
    reach(scanner);
    if (argument & 1) {
        const Entry *method = entry_new(
            scanner->arena, (Entry){.tag = ENTRY_METHOD, .name = name, .owner = entry});
        valuestack_push(&scanner->stack, method);
        valuestack_push(&scanner->stack, method);
    }
    else {
        const Entry *attribute = entry_attribute(scanner->arena, entry, name);
        takes(scanner, entry, attribute);
        valuestack_push(&scanner->stack, attribute);
    }
    if (name == scanner->instructions->name_dict) {
        /* Whoever changes the dict changes the object. */
        add_call(scanner, NULL);
    }
    return 0;
}

static int
follow_jump(Scanner *scanner, int kind, int opcode, int argument, int following)
{
    const Instructions *instructions = scanner->instructions;
    if (kind == KIND_JUMP_IF) {
        valuestack_pop(&scanner->stack);
    }
    if (instructions->is_backward[opcode]) {
        int target = following - 2 * argument;
        int is_within = 0;
        for (int at = 0; at < scanner->part_count; at++) {
            is_within |= scanner->parts[at].start <= target && target < scanner->parts[at].end;
        }
        if (opcode != instructions->waiting) {
            EACH_LINE(&scanner->stack, line) {
                line->loops |= is_within || line->again != NULL;
            }
        }
    }
    else {
        valuestack_jump(&scanner->stack, following + 2 * argument, 0);
    }
    scanner->stack.is_cut_off = kind == KIND_JUMP;
    return 0;
}

static int
follow_store_attribute(Scanner *scanner, int kind, int argument)
{
    const Instructions *instructions = scanner->instructions;
    PyObject *name = PyTuple_GetItem(scanner->names, argument);
    if (name == NULL) {
        return -1;
    }
    const Entry *entry = valuestack_pop(&scanner->stack);
    if (kind == KIND_STORE_ATTRIBUTE) {
        valuestack_pop(&scanner->stack);
    }
    EACH_LINE(&scanner->stack, line) {
        int is_lost = 0;
        for (int at = 0; at < line->targets.count; at++) {
            TargetFact *target = &line->targets.items[at];
            const Way *way = target->way;
            if (target->is_in_place && way->length > 0
                && way->steps[way->length - 1].name == name) {
                target->is_in_place = 0;
                continue;
            }
            for (int step = 0; step < way->length; step++) {
                is_lost |= way->steps[step].name == name;
            }
        }
        lose_if(scanner, line, is_lost);
    }
    stores(scanner, entry,
           kind == KIND_STORE_ATTRIBUTE ? instructions->setattr : instructions->delattr);
    if (name == instructions->name_class) {
        /* For the log it is another object then. */
        add_call(scanner, NULL);
    }
    reach(scanner);
    return 0;
}

static int
follow_store_item(Scanner *scanner, int kind)
{
    const Instructions *instructions = scanner->instructions;
    int count = kind == KIND_STORE_ITEM ? 3 : kind == KIND_DELETE_ITEM ? 2 : 4;
    const Entry *entry = valuestack_top(&scanner->stack, count, kind == KIND_DELETE_ITEM ? 0 : 1);
    valuestack_drop(&scanner->stack, count);
    EACH_LINE(&scanner->stack, line) {
        int is_lost = 0;
        for (int at = 0; at < line->targets.count; at++) {
            TargetFact *target = &line->targets.items[at];
            if (target->levels > 1) {
                is_lost |= !target->is_in_place;
                target->is_in_place = 0;
            }
        }
        lose_if(scanner, line, is_lost);
    }
    stores(scanner, entry, kind == KIND_DELETE_ITEM ? instructions->delitem : instructions->setitem);
    reach(scanner);
    return 0;
}

static int
follow_operator(Scanner *scanner, int argument)
{
    if (argument >= scanner->instructions->operator_count) {
        PyErr_Format(PyExc_IndexError, "no operator %d", argument);
        return -1;
    }
    PyObject *method = scanner->instructions->in_place[argument];
    const Entry *left = valuestack_top(&scanner->stack, 2, 0);
    const Entry *right = valuestack_top(&scanner->stack, 2, 1);
    valuestack_drop(&scanner->stack, 2);
    /* The % of a text takes items. */
    iterates(scanner, right);
    if (method != NULL) {
        stores(scanner, left, method);
        EACH_LINE(&scanner->stack, line) {
            TargetFact *target = has_tag(left, ENTRY_PLACE) || has_tag(left, ENTRY_ITEM)
                                     ? target_of(line, left->way, method)
                                     : NULL;
            if (target != NULL) {
                target->is_in_place = 1;
            }
        }
    }
    hide(scanner);
    valuestack_push(&scanner->stack, NULL);
    return 0;
}

/* Follows the instructions that only move values. Returns 0 if it is none, and -1 with an exception. */
static int
follow_moving(Scanner *scanner, int kind, int opcode, int argument)
{
    int height = scanner->stack.height;
    if ((kind == KIND_COPY || kind == KIND_SWAP) && argument < 1) {
        PyErr_SetString(PyExc_IndexError, "a copy or swap with nothing on the stack");
        return -1;
    }
    if (kind == KIND_SET_FUNCTION) {
        const Entry *function = valuestack_pop(&scanner->stack);
        if (scanner->stack.height > 0) {
            scanner->stack.height--;
        }
        valuestack_push(&scanner->stack, function);
    }
    else if (kind == KIND_COPY) {
        valuestack_copy(&scanner->stack, argument);
    }
    else if (kind == KIND_SWAP) {
        if (argument > height) {
            return settle(scanner, opcode, argument) < 0 ? -1 : 1;
        }
        const Entry *top = scanner->stack.values[height - 1];
        scanner->stack.values[height - 1] = scanner->stack.values[height - argument];
        scanner->stack.values[height - argument] = top;
    }
    else if (kind == KIND_PUSH_NULL) {
        valuestack_push(&scanner->stack, &null_entry);
    }
    else {
        return 0;
    }
    return 1;
}

static int
follow_iterate(Scanner *scanner, int opcode, int argument)
{
    int change;
    const Entry *entry = valuestack_pop(&scanner->stack);
    if (change_of(scanner->instructions, opcode, argument, 0, &change) < 0) {
        return -1;
    }
    iterates(scanner, entry);
    valuestack_push(&scanner->stack, has_tag(entry, ENTRY_ITERATOR)
                                         ? entry
                                         : entry_iterator(scanner->arena, &entry, 1));
    for (int at = 0; at < change; at++) {
        valuestack_push(&scanner->stack, &null_entry);
    }
    return 0;
}

static int
follow_super(Scanner *scanner, int argument)
{
    PyObject *name = PyTuple_GetItem(scanner->names, argument >> 2);
    if (name == NULL) {
        return -1;
    }
    const Entry *instance = valuestack_top(&scanner->stack, 3, 2);
    valuestack_drop(&scanner->stack, 3);
    reach(scanner);
    if (argument & 1) {
        const Entry *method = entry_new(scanner->arena, (Entry){.tag = ENTRY_METHOD,
                                                                .name = name,
                                                                .owner = instance,
                                                                .is_super = 1});
        valuestack_push(&scanner->stack, method);
        valuestack_push(&scanner->stack, method);
    }
    else {
        valuestack_push(&scanner->stack, NULL);
    }
    hide(scanner);
    return 0;
}

static int
follow_special(Scanner *scanner, int kind, int argument)
{
    const Instructions *instructions = scanner->instructions;
    const Entry *entry = valuestack_pop(&scanner->stack);
    Entry method = {.tag = ENTRY_METHOD, .owner = entry};
    if (kind == KIND_LOAD_SPECIAL) {
        method.name = argument < 4 ? instructions->special[argument] : instructions->nothing;
        const Entry *found = entry_new(scanner->arena, method);
        valuestack_push(&scanner->stack, found);
        valuestack_push(&scanner->stack, found);
        return 0;
    }
    method.name = instructions->special[0];
    add_call(scanner, entry_new(scanner->arena, method));
    method.name = instructions->special[1];
    valuestack_push(&scanner->stack, entry_new(scanner->arena, method));
    valuestack_push(&scanner->stack, NULL);
    return 0;
}

static int
follow_items(Scanner *scanner, int opcode, int argument)
{
    int change;
    const Entry *entry = valuestack_pop(&scanner->stack);
    if (change_of(scanner->instructions, opcode, argument, 0, &change) < 0) {
        return -1;
    }
    iterates(scanner, entry);
    takes_item(scanner, entry);
    valuestack_push_unknown(&scanner->stack, change + 1);
    if (opcode == scanner->instructions->unpack_ex) {
        bear(scanner);
    }
    return 0;
}

/* Follows the instructions that run code which is not in the line, or of which only the effect on the
   stack is known. */
static int
follow_unknown(Scanner *scanner, int kind, int opcode, int argument)
{
    if (settle(scanner, opcode, argument) < 0) {
        return -1;
    }
    if (kind == KIND_UNKNOWN || (kind == KIND_INTRINSIC && argument == STAR)) {
        add_call(scanner, NULL);
    }
    if (kind == KIND_UNKNOWN) {
        hide(scanner);
    }
    return 0;
}

static int
follow_making(Scanner *scanner, int kind, int opcode, int argument)
{
    int change;
    if (change_of(scanner->instructions, opcode, argument, 0, &change) < 0) {
        return -1;
    }
    const Entry *last = valuestack_top(&scanner->stack, 1, 0);
    valuestack_drop(&scanner->stack, 1 - change);
    const Entry *made = kind == KIND_BUILD ? &fresh_entry : NULL;
    valuestack_push(&scanner->stack, opcode == scanner->instructions->make_function
                                         ? entry_function(scanner->arena, last)
                                         : made);
    if (kind == KIND_RESULT) {
        hide(scanner);
    }
    else {
        bear(scanner);
    }
    return 0;
}

static int
follow(Scanner *scanner, int opcode, int argument, int following)
{
    const Instructions *instructions = scanner->instructions;
    int kind = instructions->kinds[opcode];
    if (kind == KIND_OPERATOR && argument == instructions->subscript) {
        kind = KIND_LOAD_ITEM;
    }
    int done = follow_moving(scanner, kind, opcode, argument);
    if (done != 0) {
        return done < 0 ? -1 : 0;
    }
    int change;
    PyObject *name;
    const Entry *entry;
    const Entry *key;
    switch (kind) {
    case KIND_FAST:
        return follow_fast(scanner, opcode, argument);
    case KIND_NOTHING:
        if (opcode == instructions->keyword_names) {
            PyObject *given = PyTuple_GetItem(scanner->constants, argument);
            scanner->keywords = given != NULL && PyTuple_Check(given) ? given : NULL;
            return given == NULL ? -1 : 0;
        }
        return 0;
    case KIND_LOAD_ATTRIBUTE:
        return follow_attribute(scanner, argument);
    case KIND_CONSTANT:
        return follow_constant(scanner, opcode, argument);
    case KIND_DROP:
        if (change_of(scanner->instructions, opcode, argument, 0, &change) < 0) {
            return -1;
        }
        valuestack_discard(&scanner->stack, -change);
        return 0;
    case KIND_MAKE:
    case KIND_RESULT:
    case KIND_BUILD:
        if (opcode == instructions->load_assertion_error) {
            valuestack_push(&scanner->stack,
                            entry_new(scanner->arena, (Entry){.tag = ENTRY_CALLABLE,
                                                              .type = PyExc_AssertionError}));
            return 0;
        }
        return follow_making(scanner, kind, opcode, argument);
    case KIND_LOAD_GLOBAL:
        name = PyTuple_GetItem(scanner->names, argument >> 1);
        if (name == NULL) {
            return -1;
        }
        valuestack_push(&scanner->stack, variable(scanner, name, 1, 0));
        if (argument & 1) {
            /* In 3.12 it is below. */
            valuestack_push(&scanner->stack, &null_entry);
        }
        return 0;
    case KIND_CALL:
    case KIND_CALL_KEYWORDS:
    case KIND_CALL_SPREAD:
        return follow_call(scanner, kind, opcode, argument);
    case KIND_DEREF:
    case KIND_NAME:
    case KIND_GLOBAL:
        return follow_named(scanner, kind, opcode, argument);
    case KIND_JUMP:
    case KIND_JUMP_IF:
        return follow_jump(scanner, kind, opcode, argument, following);
    case KIND_LEAVE:
        if (opcode != instructions->return_constant) {
            valuestack_pop(&scanner->stack);
        }
        scanner->stack.is_cut_off = 1;
        return 0;
    case KIND_STORE_ATTRIBUTE:
    case KIND_DELETE_ATTRIBUTE:
        return follow_store_attribute(scanner, kind, argument);
    case KIND_LOAD_ITEM:
        entry = valuestack_top(&scanner->stack, 2, 0);
        key = valuestack_top(&scanner->stack, 2, 1);
        valuestack_drop(&scanner->stack, 2);
        item(scanner, entry, key);
        if (!has_tag(key, ENTRY_PLAIN) || key->type == (PyObject *)&PySlice_Type) {
            /* A slice makes a new object. */
            bear(scanner);
        }
        return 0;
    case KIND_STORE_ITEM:
    case KIND_DELETE_ITEM:
    case KIND_STORE_SLICE:
        return follow_store_item(scanner, kind);
    case KIND_LOAD_SLICE:
        entry = valuestack_top(&scanner->stack, 3, 0);
        valuestack_drop(&scanner->stack, 3);
        item(scanner, entry, NULL);
        if (scanner->stack.height > 0) {
            scanner->stack.values[scanner->stack.height - 1] = &fresh_entry;
        }
        bear(scanner);
        return 0;
    case KIND_OPERATOR:
        return follow_operator(scanner, argument);
    case KIND_ITERATE:
        return follow_iterate(scanner, opcode, argument);
    case KIND_NEXT:
        return follow_next(scanner, opcode, argument, following);
    case KIND_CONTAINS:
        entry = valuestack_top(&scanner->stack, 2, 1);
        valuestack_drop(&scanner->stack, 2);
        iterates(scanner, entry);
        valuestack_push(&scanner->stack,
                        entry_new(scanner->arena, (Entry){.tag = ENTRY_PLAIN,
                                                          .type = (PyObject *)&PyLong_Type}));
        return 0;
    case KIND_LOAD_SUPER:
        return follow_super(scanner, argument);
    case KIND_LOAD_SPECIAL:
    case KIND_WITH:
        return follow_special(scanner, kind, argument);
    case KIND_EXTEND:
    case KIND_UNPACK:
        return follow_items(scanner, opcode, argument);
    default:
        return follow_unknown(scanner, kind, opcode, argument);
    }
}

int
scanner_follow(Scanner *scanner, LineFacts *line, LineFacts *again, int offset, int opcode,
               int argument, int following)
{
    const Instructions *instructions = scanner->instructions;
    int kind = instructions->kinds[opcode];
    scanner->start = offset;
    valuestack_turn_to(&scanner->stack, line, again);
    if (kind == KIND_EXTEND || kind == KIND_UNPACK || kind == KIND_NEXT
        || instructions->is_yielding[opcode]) {
        EACH_LINE(&scanner->stack, each) {
            each->pauses = 1;
        }
    }
    if (scanner->stack.jump_count > 0 || scanner->stack.is_cut_off) {
        valuestack_arrive(&scanner->stack, offset);
    }
    if (is_mixing(kind)) {
        EACH_LINE(&scanner->stack, each) {
            each->is_mixed |= each->is_wide || each->targets.count > 0;
        }
    }
    if (follow(scanner, opcode, argument, following) < 0) {
        return -1;
    }
    if (scanner->arena->failed) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

int
scanner_begin(Scanner *scanner, Arena *arena, const Instructions *instructions, PyObject *code,
              int at_module)
{
    *scanner = (Scanner){.arena = arena,
                         .instructions = instructions,
                         .code = code,
                         .at_module = at_module,
                         .stack = {.arena = arena, .told_in = 1}};
    scanner->names = get_attribute(code, "co_names");
    scanner->constants =
        scanner->names == NULL ? NULL : get_attribute(code, "co_consts");
    return scanner->constants == NULL ? -1 : 0;
}

void
scanner_end(Scanner *scanner)
{
    Py_CLEAR(scanner->names);
    Py_CLEAR(scanner->constants);
    PyMem_Free(scanner->slots);
    valuestack_end(&scanner->stack);
    scanner->slots = NULL;
}
