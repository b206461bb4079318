/* The module `relay.native._engine`: see engine.h. */
#include "engine.h"

#ifndef BUILT_FROM
#define BUILT_FROM "" /* build.py says what the sources were */
#endif

/* `bind(protect, unprotect, protect_rtcp)`: addresses of libsrtp's functions, before anything is sent. */
static PyObject *bind_srtp(PyObject *module, PyObject *args)
{
    (void)module;
    unsigned long long protect, unprotect, protect_rtcp;
    if (!PyArg_ParseTuple(args, "KKK", &protect, &unprotect, &protect_rtcp))
        return NULL;
    if (!protect || !unprotect || !protect_rtcp) {
        PyErr_SetString(PyExc_ValueError, "libsrtp is missing");
        return NULL;
    }
    srtp_protect = (SrtpCall)(uintptr_t)protect;
    srtp_unprotect = (SrtpCall)(uintptr_t)unprotect;
    srtp_protect_rtcp = (SrtpCall)(uintptr_t)protect_rtcp;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"bind", bind_srtp, METH_VARARGS, NULL},
    {"read_feedback", read_feedback, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "relay.native._engine",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__engine(void)
{
    PyTypeObject *types[] = {&EgressType, &LaneType,   &OutletType, &SentLogType,  &LegType,    &GateType,
                             &JotterType, &DeskType,   &IntakeType, &ProgressType, &IngressType, &TrendType};
    PyObject *module = PyModule_Create(&definition);
    for (size_t at = 0; module && at < sizeof types / sizeof *types; at++)
        if (PyModule_AddType(module, types[at]) < 0)
            Py_CLEAR(module);
    if (module && PyModule_AddStringConstant(module, "built_from", BUILT_FROM) < 0)
        Py_CLEAR(module);
    return module;
}
