/* The state of the engine's module: the objects that are bound once, when the module is loaded. Also finds
   functions of CPython that its stable ABI does not declare.

   An Engine and a Capture keep a pointer to the state, so an event looks nothing up; other functions
   receive it. The module, which owns the state, lives as long as its types, and they as long as their
   instances. What is left in globals of the process holds no object of an interpreter, or is walked by what
   receives no module: watchers of code objects, the audit hook, fork handlers and hooks of streams
   (ADR 21, and the list in tests/project/test_native_globals.py). The GIL guards it.

   Because of these globals only one interpreter of a process may load the module. CPython refuses it to
   interpreters that have their own GIL (Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED), and state_prepare to
   those that share one (Py_NewInterpreter); they record with the engine in Python. */
#ifndef CODETRACER_CONSTANTS_H
#define CODETRACER_CONSTANTS_H

#include <Python.h>

#pragma GCC visibility push(hidden)

/* Interned names: the member, and the text. */
#define STATE_NAMES(BIND) \
    BIND(name_asyncio, "_asyncio") \
    BIND(name_call, "__call__") \
    BIND(name_cause, "__cause__") \
    BIND(name_contains, "__contains__") \
    BIND(name_current_task, "current_task") \
    BIND(name_delete, "__delete__") \
    BIND(name_empty, "") \
    BIND(name_eq, "__eq__") \
    BIND(name_f_builtins, "f_builtins") \
    BIND(name_f_globals, "f_globals") \
    BIND(name_f_lasti, "f_lasti") \
    BIND(name_f_lineno, "f_lineno") \
    BIND(name_f_locals, "f_locals") \
    BIND(name_func, "__func__") \
    BIND(name_get, "__get__") \
    BIND(name_getitem, "__getitem__") \
    BIND(name_gi_code, "gi_code") \
    BIND(name_hash, "__hash__") \
    BIND(name_iadd, "__iadd__") \
    BIND(name_init, "__init__") \
    BIND(name_iter, "__iter__") \
    BIND(name_name, "__name__") \
    BIND(name_new, "__new__") \
    BIND(name_next, "__next__") \
    BIND(name_partial_func, "func") \
    BIND(name_qualname, "__qualname__") \
    BIND(name_running_loop, "_get_running_loop") \
    BIND(name_self, "__self__") \
    BIND(name_set, "__set__") \
    BIND(name_task, "Task") \
    BIND(name_wrapped, "__wrapped__")

/* Objects of CPython's modules: the type in C, the member, the module and the attribute. */
#define STATE_IMPORTS(BIND) \
    BIND(PyTypeObject, builtin_type, "types", "BuiltinFunctionType") \
    BIND(PyTypeObject, class_method_descriptor_type, "types", "ClassMethodDescriptorType") \
    BIND(PyTypeObject, function_type, "types", "FunctionType") \
    BIND(PyTypeObject, generator_type, "types", "GeneratorType") \
    BIND(PyTypeObject, method_descriptor_type, "types", "MethodDescriptorType") \
    BIND(PyTypeObject, method_type, "types", "MethodType") \
    BIND(PyTypeObject, class_method_type, "builtins", "classmethod") \
    BIND(PyTypeObject, static_method_type, "builtins", "staticmethod") \
    BIND(PyTypeObject, deque, "_collections", "deque") \
    BIND(PyTypeObject, cache_type, "_functools", "_lru_cache_wrapper") \
    BIND(PyTypeObject, partial_type, "_functools", "partial") \
    BIND(PyTypeObject, buffer_base, "_io", "BufferedReader") \
    BIND(PyTypeObject, bytes_io, "_io", "BytesIO") \
    BIND(PyTypeObject, text_base, "_io", "TextIOWrapper") \
    BIND(PyObject, urandom, "posix", "urandom")

/* What the units find or make in their `prepare`: the type in C, and the member. */
#define STATE_OTHERS(BIND) \
    BIND(PyObject, disable)         /* sys.monitoring.DISABLE */ \
    BIND(PyObject, mro_of)          /* the descriptor type.__mro__ */ \
    BIND(PyObject, type_call)       /* type.__call__, and so on */ \
    BIND(PyObject, item_of_dict) \
    BIND(PyObject, item_of_list) \
    BIND(PyObject, item_of_str) \
    BIND(PyObject, item_of_tuple) \
    BIND(PyObject, list_append) \
    BIND(PyObject, list_extend) \
    BIND(PyObject, int_bit_length) \
    BIND(PyObject, int_to_bytes) \
    BIND(PyTypeObject, log_type)    /* the engine's own */ \
    BIND(PyTypeObject, buffer_type) \
    BIND(PyTypeObject, reading_type) \
    BIND(PyTypeObject, text_type)

typedef struct {
#define DECLARE_NAME(member, text) PyObject *member;
#define DECLARE_IMPORT(type, member, module, attribute) type *member;
#define DECLARE_OTHER(type, member) type *member;
    STATE_NAMES(DECLARE_NAME)
    STATE_IMPORTS(DECLARE_IMPORT)
    STATE_OTHERS(DECLARE_OTHER)
#undef DECLARE_NAME
#undef DECLARE_IMPORT
#undef DECLARE_OTHER
} ModuleState;

/* Binds the names, the imports and DISABLE. Returns -1 with an exception, an ImportError in any interpreter
   but the first that calls it. */
int state_prepare(ModuleState *state);

/* For the collector of garbage: visits the objects, and drops them. */
int state_traverse(const ModuleState *state, visitproc visit, void *arg);
void state_clear(ModuleState *state);

/* Returns a function that is not in the stable ABI, but there in 3.12 to 3.15. NULL with an
   ImportError: without it there is no engine. */
void *find_function(const char *function);

#pragma GCC visibility pop

#endif
