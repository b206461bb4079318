/* SentLog: numbers the packets of one viewer's line and remembers when each was sent (relay/state.py). */
#include "engine.h"

static int sentlog_init(SentLog *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"send", "clock", NULL};
    PyObject *send, *clock;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO", names, &send, &clock))
        return -1;
    if (!self->sent)
        self->sent = PyMem_Calloc(REMEMBERED, sizeof(Sent));
    if (!self->sent) {
        PyErr_NoMemory();
        return -1;
    }
    Py_INCREF(send);
    Py_INCREF(clock);
    Py_XSETREF(self->send, send);
    Py_XSETREF(self->clock, clock);
    self->number = 0x10000;
    self->bytes = 0;
    return 0;
}

static int sentlog_traverse(SentLog *self, visitproc visit, void *arg)
{
    Py_VISIT(self->send);
    Py_VISIT(self->clock);
    return 0;
}

static int sentlog_clear(SentLog *self)
{
    Py_CLEAR(self->send);
    Py_CLEAR(self->clock);
    return 0;
}

static void sentlog_dealloc(SentLog *self)
{
    PyObject_GC_UnTrack(self);
    sentlog_clear(self);
    PyMem_Free(self->sent);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* What the clock says; -1 and an exception when it fails. */
static double sentlog_now(SentLog *self)
{
    PyObject *told = PyObject_CallNoArgs(self->clock);
    double now = told ? PyFloat_AsDouble(told) : -1.0;
    Py_XDECREF(told);
    return now;
}

static void sentlog_note(SentLog *self, double now, Py_ssize_t payload)
{
    Sent *entry = &self->sent[self->number & (REMEMBERED - 1)];
    entry->size = (int)payload + OVERHEAD;
    self->bytes += entry->size;
    entry->number = self->number++;
    entry->total = self->bytes;
    entry->at = now;
}

/* Sends by the outlet, which `send` must be; how many, -1 and an exception when that failed. */
Py_ssize_t sentlog_send(SentLog *self, const Lane *lane, const Packet *packets, Py_ssize_t count)
{
    Py_ssize_t sent = outlet_send((Outlet *)self->send, lane, packets, count, self->number);
    if (sent <= 0)
        return sent;
    double now = sentlog_now(self);
    if (now == -1.0 && PyErr_Occurred())
        return -1;
    for (Py_ssize_t at = 0; at < sent; at++)
        sentlog_note(self, now, PyBytes_GET_SIZE(packets[at].payload));
    return sent;
}

/* `log(lane, packets)`: as it is called by Python, with whatever `send` is. */
static PyObject *sentlog_call(SentLog *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"lane", "packets", NULL};
    PyObject *lane, *given;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO", names, &lane, &given) || !self->send)
        return NULL;
    PyObject *packets = PySequence_Tuple(given);
    PyObject *done = packets ? PyObject_CallFunction(self->send, "OOL", lane, packets, self->number) : NULL;
    Py_ssize_t sent = done ? PyLong_AsSsize_t(done) : -1;
    double now = done && !PyErr_Occurred() ? sentlog_now(self) : -1.0;
    for (Py_ssize_t at = 0; at < sent && !PyErr_Occurred() && at < PyTuple_GET_SIZE(packets); at++) {
        Packet packet;
        if (packet_from_python(PyTuple_GET_ITEM(packets, at), &packet) < 0)
            break;
        sentlog_note(self, now, PyBytes_GET_SIZE(packet.payload));
        Py_DECREF(packet.payload);
    }
    Py_XDECREF(packets);
    if (PyErr_Occurred())
        Py_CLEAR(done);
    return done;
}

/* Where the ticks of a feedback go on from the last ones heard of, when each wraps after 2^32. */
static long long unwrap(long long ticks, long long last)
{
    return last + (int32_t)(uint32_t)((uint64_t)ticks - (uint64_t)last);
}

/* What `match` finds, piece by piece. `last` is the ticks heard of last, when `heard`; `shift` is added to those of this
 * feedback, once `shifted`. */
typedef struct {
    PyObject *acked, *numbers;
    long long lost, told, last, shift;
    int heard, shifted;
} Found;

/* One packet that a feedback is about; -1 and an exception when memory ran out or `arrived` is no number. */
static int match_one(SentLog *self, long long number, PyObject *arrived, Found *found)
{
    Sent *entry = number > 0 ? &self->sent[number & (REMEMBERED - 1)] : NULL;
    if (!entry || entry->number != number)
        return 0;
    entry->number = 0;
    if (arrived == Py_None) {
        found->lost += 1;
        return 0;
    }
    long long ticks = PyLong_AsLongLong(arrived);
    if (ticks == -1 && PyErr_Occurred())
        return -1;
    if (!found->shifted) {
        found->last = unwrap(ticks, found->heard ? found->last : ticks);
        found->shift = found->last - ticks;
        found->heard = found->shifted = 1;
    }
    found->told = entry->total;
    PyObject *packet = Py_BuildValue("(did)", entry->at, entry->size, (double)(ticks + found->shift) * TICK);
    int failed = !packet || PyList_Append(found->acked, packet) < 0;
    Py_XDECREF(packet);
    if (!failed && found->numbers != Py_None) {
        PyObject *told = PyLong_FromLongLong(number);
        failed = !told || PyList_Append(found->numbers, told) < 0;
        Py_XDECREF(told);
    }
    return failed ? -1 : 0;
}

/* `match(first, arrivals, step, last, numbers)`: see relay/state.py. */
static PyObject *sentlog_match(SentLog *self, PyObject *args)
{
    long long first, step;
    PyObject *given, *last;
    Found found = {.told = -1};
    if (!PyArg_ParseTuple(args, "LOLOO", &first, &given, &step, &last, &found.numbers))
        return NULL;
    if (!self->sent || step < 1 || (found.numbers != Py_None && !PyList_Check(found.numbers))) {
        PyErr_SetString(PyExc_ValueError, "nothing to match");
        return NULL;
    }
    found.heard = last != Py_None;
    found.last = found.heard ? PyLong_AsLongLong(last) : 0;
    PyObject *arrivals = PyErr_Occurred() ? NULL : PySequence_Tuple(given);
    found.acked = arrivals ? PyList_New(0) : NULL;
    Py_ssize_t end = arrivals ? PyTuple_GET_SIZE(arrivals) - 1 : -1;
    int failed = !found.acked;
    for (Py_ssize_t at = 0; !failed && at < end; at += (Py_ssize_t)step)
        failed = match_one(self, first + at, PyTuple_GET_ITEM(arrivals, at), &found) < 0;
    if (!failed && end >= 0)
        failed = match_one(self, first + end, PyTuple_GET_ITEM(arrivals, end), &found) < 0;
    Py_XDECREF(arrivals);
    if (failed) {
        Py_XDECREF(found.acked);
        return NULL;
    }
    PyObject *heard = found.heard ? PyLong_FromLongLong(found.last) : Py_NewRef(Py_None);
    return Py_BuildValue("(NLLN)", found.acked, found.lost, found.told, heard);
}

static PyMethodDef sentlog_methods[] = {
    {"match", (PyCFunction)sentlog_match, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef sentlog_members[] = {
    {"number", T_LONGLONG, offsetof(SentLog, number), 0, NULL},
    {"bytes", T_LONGLONG, offsetof(SentLog, bytes), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject SentLogType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "relay.native._engine.SentLog",
    .tp_basicsize = sizeof(SentLog),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)sentlog_init,
    .tp_dealloc = (destructor)sentlog_dealloc,
    .tp_traverse = (traverseproc)sentlog_traverse,
    .tp_clear = (inquiry)sentlog_clear,
    .tp_call = (ternaryfunc)sentlog_call,
    .tp_methods = sentlog_methods,
    .tp_members = sentlog_members,
};
