/* Ingress: reads many datagrams with one system call (relay/ingress.py), keeps ordinary packets to itself and hands the
 * rest to Python in the order in which they came. */
#include "engine.h"
#include <errno.h>
#include <time.h>

/* The control message of SO_TIMESTAMPNS (socket(7)): a header, then a struct timespec of the wall clock. */
typedef struct {
    struct cmsghdr header;
    struct timespec came;
} Stamp;

/* Has the caller's PacketBuffers stay where they are: the kernel and libsrtp write into them. */
static int ingress_hold_buffers(Ingress *self, PyObject *buffers)
{
    self->buffers = PySequence_Tuple(buffers);
    if (!self->buffers)
        return -1;
    if (PyTuple_GET_SIZE(self->buffers) != SLOTS) {
        PyErr_SetString(PyExc_ValueError, "as many buffers as slots are needed");
        return -1;
    }
    for (; self->viewed < SLOTS; self->viewed++) {
        PyObject *view = PyObject_GetAttrString(PyTuple_GET_ITEM(self->buffers, self->viewed), "view");
        int failed = !view || PyObject_GetBuffer(view, &self->views[self->viewed], PyBUF_WRITABLE) < 0;
        Py_XDECREF(view);
        if (failed)
            return -1;
        if (self->views[self->viewed].len != BUFFER_SIZE) {
            PyBuffer_Release(&self->views[self->viewed]);
            PyErr_SetString(PyExc_ValueError, "buffers of another size");
            return -1;
        }
    }
    return 0;
}

static void ingress_describe(Ingress *self)
{
    for (int at = 0; at < SLOTS; at++) {
        struct msghdr *header = &self->messages[at].msg_hdr;
        self->vectors[at].iov_base = self->views[at].buf;
        self->vectors[at].iov_len = BUFFER_SIZE;
        header->msg_iov = &self->vectors[at];
        header->msg_iovlen = 1;
        header->msg_name = self->names + (size_t)at * sizeof(struct sockaddr_in6);
        header->msg_namelen = sizeof(struct sockaddr_in6);
        header->msg_control = self->controls + (size_t)at * sizeof(Stamp);
        header->msg_controllen = sizeof(Stamp);
    }
}

static int ingress_init(Ingress *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"sock", "owners", "buffers", NULL};
    PyObject *sock, *owners, *buffers;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO!O", names, &sock, &PyDict_Type, &owners, &buffers))
        return -1;
    self->fd = PyObject_AsFileDescriptor(sock);
    int on = 1;
    if (self->fd < 0)
        return -1;
    if (self->messages) {
        PyErr_SetString(PyExc_ValueError, "it has a socket");
        return -1;
    }
    self->stamped = setsockopt(self->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) == 0;
    Py_INCREF(sock);
    Py_INCREF(owners);
    self->socket = sock;
    self->owners = owners;
    self->vectors = PyMem_Calloc(SLOTS, sizeof *self->vectors);
    self->messages = PyMem_Calloc(SLOTS, sizeof *self->messages);
    self->names = PyMem_Calloc(SLOTS, sizeof(struct sockaddr_in6));
    self->controls = PyMem_Calloc(SLOTS, sizeof(Stamp));
    if (!self->vectors || !self->messages || !self->names || !self->controls) {
        PyErr_NoMemory();
        return -1;
    }
    if (ingress_hold_buffers(self, buffers) < 0)
        return -1;
    ingress_describe(self);
    return 0;
}

static int ingress_traverse(Ingress *self, visitproc visit, void *arg)
{
    Py_VISIT(self->socket);
    Py_VISIT(self->owners);
    Py_VISIT(self->buffers);
    return 0;
}

static void ingress_dealloc(Ingress *self)
{
    PyObject_GC_UnTrack(self);
    for (int at = 0; at < self->viewed; at++)
        PyBuffer_Release(&self->views[at]);
    PyMem_Free(self->vectors);
    PyMem_Free(self->messages);
    PyMem_Free(self->names);
    PyMem_Free(self->controls);
    Py_XDECREF(self->socket);
    Py_XDECREF(self->owners);
    Py_XDECREF(self->buffers);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static double seconds(const struct timespec *at) { return (double)at->tv_sec + (double)at->tv_nsec * 1e-9; }

/* `receive(now)`: reads what has arrived; itself, to go through what Python has to look at. */
static PyObject *ingress_receive(Ingress *self, PyObject *given)
{
    double now = PyFloat_AsDouble(given);
    if (now == -1.0 && PyErr_Occurred())
        return NULL;
    self->count = self->at = 0;
    if (!self->messages) {
        PyErr_SetString(PyExc_ValueError, "no socket");
        return NULL;
    }
    for (int at = 0; at < SLOTS; at++) {
        self->messages[at].msg_hdr.msg_namelen = sizeof(struct sockaddr_in6);
        self->messages[at].msg_hdr.msg_controllen = sizeof(Stamp);
    }
    int count = recvmmsg(self->fd, self->messages, SLOTS, MSG_DONTWAIT, NULL);
    if (count < 0 && errno != EAGAIN && errno != EINTR)
        return PyErr_SetFromErrno(PyExc_OSError);
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    self->count = count > 0 ? count : 0;
    self->now = now;
    self->booted = now - seconds(&wall);
    Py_INCREF(self);
    return (PyObject *)self;
}

/* When datagram `at` came: never later than now and never before the last one, whatever somebody does to the wall
 * clock. */
static double ingress_when(Ingress *self, int at)
{
    const struct msghdr *header = &self->messages[at].msg_hdr;
    const Stamp *stamp = (const Stamp *)header->msg_control;
    double came = self->now;
    if (self->stamped && header->msg_controllen >= sizeof(Stamp) && stamp->header.cmsg_type == SO_TIMESTAMPNS)
        came = self->booted + seconds(&stamp->came);
    if (came < self->came)
        came = self->came;
    self->came = came < self->now ? came : self->now;
    return self->came;
}

/* The stream of an ordinary packet, NULL for all others, by what its header claims before anything is verified: the
 * worst a forged one can do is that Python looks at it. */
static Intake *ordinary_stream(const Desk *desk, const unsigned char *packet)
{
    if (!desk->streams || !PyDict_Check(desk->streams))
        return NULL;
    PyObject *ssrc = PyLong_FromUnsignedLong(get32(packet + 8));
    PyObject *found = ssrc ? PyDict_GetItemWithError(desk->streams, ssrc) : NULL;
    Py_XDECREF(ssrc);
    PyErr_Clear();
    if (!found || !PyObject_TypeCheck(found, &IntakeType))
        return NULL;
    Intake *stream = (Intake *)found;
    if (stream->stopped || stream->wants_keyframe || !stream->history || stream->payload_type != (packet[1] & 0x7F))
        return NULL;
    if (!stream->is_video && (!stream->waiting || !PyTuple_Check(stream->waiting) || PyTuple_GET_SIZE(stream->waiting)))
        return NULL;
    if (!stream->reception || !PyObject_TypeCheck(stream->reception, &ProgressType))
        return NULL;
    const Progress *progress = (const Progress *)stream->reception;
    return (uint16_t)(progress->highest + 1) == get16(packet + 2) ? stream : NULL;
}

/* Notes the transport-wide number of a packet, and when it came; whether it has one. */
static int note_number(const Desk *desk, const unsigned char *packet, Py_ssize_t length, double came)
{
    Py_ssize_t at;
    if (!desk->number_extension || !desk->arrivals || !PyObject_TypeCheck(desk->arrivals, &JotterType) ||
        extension_find(packet, length, desk->number_extension, &at) != 2)
        return 0;
    Jotter *jotter = (Jotter *)desk->arrivals;
    if (jotter->count < JOTTED) {
        jotter->jotted[jotter->count].sequence = get16(packet + at);
        jotter->jotted[jotter->count++].at = came;
    }
    return 1;
}

/* Has Python say what came when; -1 and an exception when it failed. */
static int answer(Desk *desk, uint32_t ssrc, double came)
{
    PyObject *said = PyObject_CallMethod((PyObject *)desk, "send_feedback", "kd", (unsigned long)ssrc, came);
    Py_XDECREF(said);
    return said ? 0 : -1;
}

/* What `Publisher.on_rtp` and `InboundStream.receive` do with a verified packet that is ordinary; -1 and an exception
 * when memory ran out. */
static int accept_packet(Desk *desk, Intake *stream, const unsigned char *packet, Py_ssize_t length, double came)
{
    Py_ssize_t start = HEADER_LENGTH, at;
    if (packet[0] & 0x10)
        start = length < HEADER_LENGTH + 4 ? length + 1 : start + 4 + ((Py_ssize_t)get16(packet + 14) << 2);
    if (start > length)
        return 0;
    int counted = note_number(desk, packet, length, came);
    if (stream->level_extension && extension_find(packet, length, stream->level_extension, &at) > 0 &&
        (packet[at] & 0x7F) < stream->loudest)
        stream->loudest = packet[at] & 0x7F;
    Progress *progress = (Progress *)stream->reception;
    uint32_t timestamp = get32(packet + 4);
    progress->highest += 1;
    progress->received += 1;
    stream->arrived = came;
    if (timestamp != progress->timestamp)
        progress_time(progress, timestamp, came);
    if (intake_accept(stream, progress->highest, packet[1] & 0x80, timestamp, packet + start, length - start) < 0)
        return -1;
    return counted && came >= desk->feedback_at && answer(desk, get32(packet + 8), came) < 0 ? -1 : 1;
}

/* Decrypts an ordinary packet where it lies and does all that is to do with it. 1 when done, 0 when it was not what it
 * claimed, -1 and an exception when memory ran out. The caller holds gate and stream. */
static int carry(Gate *gate, Desk *desk, Intake *stream, unsigned char *packet, int length, double came)
{
    gate->allowance -= 1;
    int size = length;
    if (srtp_unprotect(gate->srtp, packet, &size) != 0 || size < HEADER_LENGTH || size > length) {
        PyObject *said = PyObject_CallMethod((PyObject *)gate, "reject", NULL);
        Py_XDECREF(said);
        return said ? 0 : -1;
    }
    gate->last_valid = came;
    int done = accept_packet(desk, stream, packet, size, came);
    if (done == 0)
        gate->rejected += 1;
    return done;
}

/* Whether datagram `at` was ordinary and is dealt with; 0: Python has to look at it. What goes wrong with an ordinary
 * one costs nobody else's packets: it is said, and dropped. */
static int ingress_carries(Ingress *self, int at, double came)
{
    unsigned length = self->messages[at].msg_len;
    unsigned char *packet = self->views[at].buf;
    if (length < HEADER_LENGTH + 4 || length > MAX_DATAGRAM || (packet[0] & 0xEF) != 0x80)
        return 0;
    if (packet[1] >= 192 && packet[1] <= 223) /* RTCP, RFC 5761 section 4 */
        return 0;
    const struct msghdr *header = &self->messages[at].msg_hdr;
    PyObject *name = PyBytes_FromStringAndSize(header->msg_name, header->msg_namelen);
    PyObject *owner = name ? PyDict_GetItemWithError(self->owners, name) : NULL;
    Py_XDECREF(name);
    PyErr_Clear();
    if (!owner || !PyObject_TypeCheck(owner, &GateType))
        return 0;
    Gate *gate = (Gate *)owner;
    if (!gate->srtp || gate->allowance <= 0 || !gate->sink || !PyObject_TypeCheck(gate->sink, &DeskType))
        return 0;
    Desk *desk = (Desk *)gate->sink;
    Intake *stream = ordinary_stream(desk, packet);
    if (!stream)
        return 0;
    PyObject *held[] = {owner, (PyObject *)desk, (PyObject *)stream};
    for (int i = 0; i < 3; i++)
        Py_INCREF(held[i]);
    self->passed += 1;
    if (carry(gate, desk, stream, packet, (int)length, came) < 0)
        PyErr_WriteUnraisable(owner);
    for (int i = 0; i < 3; i++)
        Py_DECREF(held[i]);
    return 1;
}

/* The next datagram that Python has to look at: (buffer, length, packed address, when it came). */
static PyObject *ingress_next(Ingress *self)
{
    while (self->at < self->count) {
        int at = self->at++;
        double came = ingress_when(self, at);
        if (ingress_carries(self, at, came))
            continue;
        const struct msghdr *header = &self->messages[at].msg_hdr;
        return Py_BuildValue("(Oly#d)", PyTuple_GET_ITEM(self->buffers, at), (long)self->messages[at].msg_len,
                             header->msg_name, (Py_ssize_t)header->msg_namelen, came);
    }
    return NULL;
}

static PyObject *ingress_itself(PyObject *self)
{
    Py_INCREF(self);
    return self;
}

static PyMethodDef ingress_methods[] = {
    {"receive", (PyCFunction)ingress_receive, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef ingress_members[] = {
    {"passed", T_LONGLONG, offsetof(Ingress, passed), READONLY, NULL},
    {"stamped", T_BOOL, offsetof(Ingress, stamped), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject IngressType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "relay.native._engine.Ingress",
    .tp_basicsize = sizeof(Ingress),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)ingress_init,
    .tp_dealloc = (destructor)ingress_dealloc,
    .tp_traverse = (traverseproc)ingress_traverse,
    .tp_iter = ingress_itself,
    .tp_iternext = (iternextfunc)ingress_next,
    .tp_methods = ingress_methods,
    .tp_members = ingress_members,
};
