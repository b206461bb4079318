/* Intake and Progress: what an incoming stream keeps of its packets, and who gets them (relay/state.py). */
#include "engine.h"
#include <math.h>

static int progress_init(Progress *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"clock", "first", NULL};
    self->received = 0;
    self->timestamp = -1;
    self->deviation = 0;
    self->has_transit = 0;
    return PyArg_ParseTupleAndKeywords(args, keywords, "dL", names, &self->clock, &self->highest) ? 0 : -1;
}

/* Interarrival jitter (RFC 3550 section A.8), between the first packets of pictures. */
void progress_time(Progress *self, uint32_t timestamp, double now)
{
    self->timestamp = timestamp;
    double transit = now * self->clock - timestamp;
    double change = fabs(transit - self->transit);
    /* A timestamp that wrapped or jumped says nothing of the network. */
    if (self->has_transit && change < self->clock * 4)
        self->deviation += (change - self->deviation) / 16;
    self->transit = transit;
    self->has_transit = 1;
}

static PyObject *progress_time_method(Progress *self, PyObject *args)
{
    unsigned int timestamp;
    double now;
    if (!PyArg_ParseTuple(args, "Id", &timestamp, &now))
        return NULL;
    progress_time(self, timestamp, now);
    Py_RETURN_NONE;
}

static PyMethodDef progress_methods[] = {
    {"time", (PyCFunction)progress_time_method, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef progress_members[] = {
    {"highest", T_LONGLONG, offsetof(Progress, highest), 0, NULL},
    {"received", T_LONGLONG, offsetof(Progress, received), 0, NULL},
    {"timestamp", T_LONGLONG, offsetof(Progress, timestamp), 0, NULL},
    {"deviation", T_DOUBLE, offsetof(Progress, deviation), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject ProgressType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "relay.native._engine.Progress",
    .tp_basicsize = sizeof(Progress),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)progress_init,
    .tp_methods = progress_methods,
    .tp_members = progress_members,
};

static void release(Packet *packets, Py_ssize_t count)
{
    for (Py_ssize_t at = 0; packets && at < count; at++)
        Py_CLEAR(packets[at].payload);
}

static int intake_init(Intake *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"payload_type", "is_video", "history", "defer", NULL};
    int payload_type, is_video, history;
    PyObject *defer;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "ipiO", names, &payload_type, &is_video, &history, &defer))
        return -1;
    if (history < 1 || history > 65536 || history & (history - 1) || self->history) {
        PyErr_SetString(PyExc_ValueError, "a history is a power of two");
        return -1;
    }
    self->history = PyMem_Calloc((size_t)history, sizeof(Packet));
    self->viewers = PyTuple_New(0);
    self->waiting = PyTuple_New(0);
    if (!self->history || !self->viewers || !self->waiting) {
        PyErr_NoMemory();
        return -1;
    }
    self->mask = history - 1;
    self->payload_type = payload_type;
    self->is_video = (char)is_video;
    self->loudest = NOTHING_HEARD;
    Py_INCREF(defer);
    Py_XSETREF(self->defer, defer);
    return 0;
}

static int intake_traverse(Intake *self, visitproc visit, void *arg)
{
    Py_VISIT(self->viewers);
    Py_VISIT(self->waiting);
    Py_VISIT(self->reception);
    Py_VISIT(self->defer);
    return 0;
}

static int intake_clear(Intake *self)
{
    Py_CLEAR(self->viewers);
    Py_CLEAR(self->waiting);
    Py_CLEAR(self->reception);
    Py_CLEAR(self->defer);
    return 0;
}

static void intake_dealloc(Intake *self)
{
    PyObject_GC_UnTrack(self);
    intake_clear(self);
    release(self->history, (Py_ssize_t)self->mask + 1);
    release(self->fresh, self->fresh_count);
    PyMem_Free(self->history);
    PyMem_Free(self->fresh);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Remembers a packet; takes over the reference to its payload. */
static Packet *intake_keep(Intake *self, int64_t index, uint8_t marker, uint32_t timestamp, PyObject *payload)
{
    Packet *place = &self->history[index & self->mask];
    place->index = index;
    place->marker = marker;
    place->timestamp = timestamp;
    Py_XSETREF(place->payload, payload);
    self->octets += PyBytes_GET_SIZE(payload);
    self->accepted += 1;
    return place;
}

/* The viewers get a copy of `packet` when all that has arrived is read; -1 and an exception when that cannot be. */
static int intake_pass_on(Intake *self, const Packet *packet)
{
    if (!self->viewers || !PyTuple_Check(self->viewers) || PyTuple_GET_SIZE(self->viewers) == 0)
        return 0;
    if (self->fresh_count == self->fresh_room) {
        int room = self->fresh_room ? 2 * self->fresh_room : 8;
        Packet *larger = PyMem_Realloc(self->fresh, (size_t)room * sizeof(Packet));
        if (!larger) {
            PyErr_NoMemory();
            return -1;
        }
        self->fresh = larger;
        self->fresh_room = room;
    }
    Py_INCREF(packet->payload);
    self->fresh[self->fresh_count++] = *packet;
    if (self->fresh_count > 1)
        return 0;
    PyObject *hand_on = PyObject_GetAttrString((PyObject *)self, "hand_on");
    PyObject *done = hand_on && self->defer ? PyObject_CallOneArg(self->defer, hand_on) : NULL;
    Py_XDECREF(hand_on);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* An ordinary packet: keeps it and passes it on. */
int intake_accept(Intake *self, int64_t index, uint8_t marker, uint32_t timestamp, const unsigned char *payload,
                  Py_ssize_t size)
{
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)payload, size);
    if (!bytes)
        return -1;
    return intake_pass_on(self, intake_keep(self, index, marker, timestamp, bytes));
}

static PyObject *intake_keep_method(Intake *self, PyObject *args)
{
    Packet packet;
    if (packet_from_python(args, &packet) < 0)
        return NULL;
    if (!self->history) {
        Py_DECREF(packet.payload);
        PyErr_SetString(PyExc_ValueError, "no history");
        return NULL;
    }
    intake_keep(self, packet.index, packet.marker, packet.timestamp, packet.payload);
    Py_RETURN_NONE;
}

/* The place of packet `given` in the history, NULL when another or none is there; -1 in `failed` with an exception. */
static Packet *intake_find(Intake *self, PyObject *given, int *failed)
{
    long long index = PyLong_AsLongLong(given);
    *failed = index == -1 && PyErr_Occurred() != NULL;
    if (*failed || !self->history)
        return NULL;
    Packet *place = &self->history[index & self->mask];
    return place->payload && place->index == index ? place : NULL;
}

static PyObject *intake_pass_on_method(Intake *self, PyObject *given)
{
    int failed;
    Packet *packet = intake_find(self, given, &failed);
    if (failed || (packet && intake_pass_on(self, packet) < 0))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *intake_packet(Intake *self, PyObject *given)
{
    int failed;
    Packet *packet = intake_find(self, given, &failed);
    if (packet)
        return packet_to_python(packet);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *intake_forget(Intake *self, PyObject *unused)
{
    (void)unused;
    release(self->history, (Py_ssize_t)self->mask + 1);
    Py_RETURN_NONE;
}

/* What was overtaken on the way is back in its place. */
static void sort(Packet *packets, Py_ssize_t count)
{
    for (Py_ssize_t end = 1; end < count; end++) {
        Packet moved = packets[end];
        Py_ssize_t at = end;
        for (; at > 0 && packets[at - 1].index > moved.index; at--)
            packets[at] = packets[at - 1];
        packets[at] = moved;
    }
}

static PyObject *to_list(const Packet *packets, Py_ssize_t count)
{
    PyObject *list = PyList_New(count);
    for (Py_ssize_t at = 0; list && at < count; at++) {
        PyObject *packet = packet_to_python(&packets[at]);
        if (packet)
            PyList_SET_ITEM(list, at, packet);
        else
            Py_CLEAR(list);
    }
    return list;
}

/* Gives each of `viewers`, a tuple, these packets; -1 and an exception when one failed. */
static int forward(PyObject *viewers, const Packet *packets, Py_ssize_t count)
{
    PyObject *list = NULL;
    int result = 0;
    for (Py_ssize_t at = 0; result == 0 && at < PyTuple_GET_SIZE(viewers); at++) {
        PyObject *viewer = PyTuple_GET_ITEM(viewers, at);
        int done = PyObject_TypeCheck(viewer, &LegType) ? leg_forward((Leg *)viewer, packets, count) : 0;
        if (done == 0) {
            if (!list)
                list = to_list(packets, count);
            PyObject *said = list ? PyObject_CallMethod(viewer, "forward", "O", list) : NULL;
            done = said ? 1 : -1;
            Py_XDECREF(said);
        }
        result = done < 0 ? -1 : 0;
    }
    Py_XDECREF(list);
    return result;
}

/* Gives the viewers what has arrived since the last time. A viewer may have this called again meanwhile: then there is
 * nothing left. */
static PyObject *intake_hand_on(Intake *self, PyObject *unused)
{
    (void)unused;
    Packet *packets = self->fresh;
    int count = self->fresh_count, room = self->fresh_room;
    PyObject *viewers = self->viewers;
    if (!count || !viewers || !PyTuple_Check(viewers))
        Py_RETURN_NONE;
    self->fresh = NULL;
    self->fresh_count = self->fresh_room = 0;
    sort(packets, count);
    Py_INCREF(viewers);
    int failed = forward(viewers, packets, count);
    Py_DECREF(viewers);
    release(packets, count);
    if (self->fresh) {
        PyMem_Free(packets);
    } else {
        self->fresh = packets;
        self->fresh_room = room;
    }
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef intake_methods[] = {
    {"keep", (PyCFunction)intake_keep_method, METH_VARARGS, NULL},
    {"pass_on", (PyCFunction)intake_pass_on_method, METH_O, NULL},
    {"hand_on", (PyCFunction)intake_hand_on, METH_NOARGS, NULL},
    {"packet", (PyCFunction)intake_packet, METH_O, NULL},
    {"forget", (PyCFunction)intake_forget, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef intake_members[] = {
    {"viewers", T_OBJECT, offsetof(Intake, viewers), 0, NULL},
    {"waiting", T_OBJECT, offsetof(Intake, waiting), 0, NULL},
    {"_reception", T_OBJECT, offsetof(Intake, reception), 0, NULL},
    {"_payload_type", T_INT, offsetof(Intake, payload_type), READONLY, NULL},
    {"_is_video", T_BOOL, offsetof(Intake, is_video), READONLY, NULL},
    {"_mask", T_LONGLONG, offsetof(Intake, mask), READONLY, NULL},
    {"_stopped", T_BOOL, offsetof(Intake, stopped), 0, NULL},
    {"wants_keyframe", T_BOOL, offsetof(Intake, wants_keyframe), 0, NULL},
    {"arrived", T_DOUBLE, offsetof(Intake, arrived), 0, NULL},
    {"octets", T_LONGLONG, offsetof(Intake, octets), 0, NULL},
    {"accepted", T_LONGLONG, offsetof(Intake, accepted), 0, NULL},
    {"level_extension", T_INT, offsetof(Intake, level_extension), 0, NULL},
    {"loudest", T_INT, offsetof(Intake, loudest), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject IntakeType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "relay.native._engine.Intake",
    .tp_basicsize = sizeof(Intake),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)intake_init,
    .tp_dealloc = (destructor)intake_dealloc,
    .tp_traverse = (traverseproc)intake_traverse,
    .tp_clear = (inquiry)intake_clear,
    .tp_methods = intake_methods,
    .tp_members = intake_members,
};
