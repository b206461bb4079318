/* Gate, Desk and Jotter: what a transport lets in, how a publisher's packets find their streams, and when they came
 * (relay/state.py). Used by ingress.c. */
#include "engine.h"

static int gate_traverse(Gate *self, visitproc visit, void *arg)
{
    Py_VISIT(self->cipher);
    Py_VISIT(self->sink);
    return 0;
}

static int gate_clear(Gate *self)
{
    self->srtp = NULL;
    Py_CLEAR(self->cipher);
    Py_CLEAR(self->sink);
    return 0;
}

static void gate_dealloc(Gate *self)
{
    PyObject_GC_UnTrack(self);
    gate_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *gate_get_cipher(Gate *self, void *unused)
{
    (void)unused;
    PyObject *cipher = self->cipher ? self->cipher : Py_None;
    Py_INCREF(cipher);
    return cipher;
}

static int gate_set_cipher(Gate *self, PyObject *cipher, void *unused)
{
    (void)unused;
    void *srtp = NULL;
    if (cipher && cipher != Py_None && !(srtp = cipher_context(cipher)))
        return -1;
    self->srtp = srtp;
    Py_XINCREF(cipher);
    Py_XSETREF(self->cipher, cipher);
    return 0;
}

static PyMemberDef gate_members[] = {
    {"_sink", T_OBJECT, offsetof(Gate, sink), 0, NULL},
    {"_allowance", T_LONGLONG, offsetof(Gate, allowance), 0, NULL},
    {"rejected", T_LONGLONG, offsetof(Gate, rejected), 0, NULL},
    {"last_valid", T_DOUBLE, offsetof(Gate, last_valid), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef gate_properties[] = {
    {"_cipher", (getter)gate_get_cipher, (setter)gate_set_cipher, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject GateType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "relay.native._engine.Gate",
    .tp_basicsize = sizeof(Gate),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_dealloc = (destructor)gate_dealloc,
    .tp_traverse = (traverseproc)gate_traverse,
    .tp_clear = (inquiry)gate_clear,
    .tp_members = gate_members,
    .tp_getset = gate_properties,
};

static int desk_init(Desk *self, PyObject *args, PyObject *keywords)
{
    (void)args;
    (void)keywords;
    PyObject *streams = PyDict_New();
    Py_XSETREF(self->streams, streams);
    return streams ? 0 : -1;
}

static int desk_traverse(Desk *self, visitproc visit, void *arg)
{
    Py_VISIT(self->streams);
    Py_VISIT(self->arrivals);
    return 0;
}

static int desk_clear(Desk *self)
{
    Py_CLEAR(self->streams);
    Py_CLEAR(self->arrivals);
    return 0;
}

static void desk_dealloc(Desk *self)
{
    PyObject_GC_UnTrack(self);
    desk_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMemberDef desk_members[] = {
    {"streams", T_OBJECT, offsetof(Desk, streams), 0, NULL},
    {"arrivals", T_OBJECT, offsetof(Desk, arrivals), 0, NULL},
    {"number_extension", T_INT, offsetof(Desk, number_extension), 0, NULL},
    {"feedback_at", T_DOUBLE, offsetof(Desk, feedback_at), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject DeskType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "relay.native._engine.Desk",
    .tp_basicsize = sizeof(Desk),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)desk_init,
    .tp_dealloc = (destructor)desk_dealloc,
    .tp_traverse = (traverseproc)desk_traverse,
    .tp_clear = (inquiry)desk_clear,
    .tp_members = desk_members,
};

static PyObject *jotter_arrived(Jotter *self, PyObject *args)
{
    int sequence;
    double at;
    if (!PyArg_ParseTuple(args, "id", &sequence, &at))
        return NULL;
    if (self->count < JOTTED) {
        self->jotted[self->count].sequence = (uint16_t)sequence;
        self->jotted[self->count++].at = at;
    }
    Py_RETURN_NONE;
}

static PyObject *jotter_take(Jotter *self, PyObject *unused)
{
    (void)unused;
    int count = self->count;
    PyObject *taken = PyList_New(count);
    for (int at = 0; taken && at < count; at++) {
        PyObject *entry = Py_BuildValue("(id)", (int)self->jotted[at].sequence, self->jotted[at].at);
        if (!entry) {
            Py_CLEAR(taken);
            break;
        }
        PyList_SET_ITEM(taken, at, entry);
    }
    self->count = 0;
    return taken;
}

static Py_ssize_t jotter_length(Jotter *self) { return self->count; }

static PyMethodDef jotter_methods[] = {
    {"arrived", (PyCFunction)jotter_arrived, METH_VARARGS, NULL},
    {"take", (PyCFunction)jotter_take, METH_NOARGS, NULL},
    {"written", (PyCFunction)jotter_written, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PySequenceMethods jotter_as_sequence = {.sq_length = (lenfunc)jotter_length};

PyTypeObject JotterType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "relay.native._engine.Jotter",
    .tp_basicsize = sizeof(Jotter),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
    .tp_methods = jotter_methods,
    .tp_as_sequence = &jotter_as_sequence,
};
