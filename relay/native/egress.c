/* Egress: collects datagrams and sends them with one system call (relay/egress.py). */
#include "engine.h"
#include <errno.h>
#include <netinet/udp.h>

enum { MAX_SEGMENTS_BYTES = 60000 }; /* as in relay/egress.py */

/* The control message that asks for segments of one size (UDP_SEGMENT, udp(7)). */
typedef union {
    char bytes[CMSG_SPACE(sizeof(uint16_t))];
    struct cmsghdr aligned;
} Control;

static int egress_init(Egress *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"sock", NULL};
    PyObject *sock;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O", names, &sock))
        return -1;
    int fd = PyObject_AsFileDescriptor(sock);
    if (fd < 0)
        return -1;
    if (!self->slots)
        self->slots = PyMem_Calloc(SLOTS, BUFFER_SIZE);
    if (!self->slots) {
        PyErr_NoMemory();
        return -1;
    }
    Py_INCREF(sock);
    Py_XSETREF(self->socket, sock);
    self->fd = fd;
    self->segments = 1;
    self->used = 0;
    return 0;
}

static void egress_dealloc(Egress *self)
{
    PyMem_Free(self->slots);
    Py_XDECREF(self->socket);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Room for the next datagram. NULL and an exception when `__init__` was never called, or flushing failed. */
unsigned char *egress_slot(Egress *self)
{
    if (!self->slots) {
        PyErr_SetString(PyExc_ValueError, "no socket");
        return NULL;
    }
    if (self->used == SLOTS && egress_flush(self) < 0)
        return NULL;
    return self->slots[self->used];
}

/* Sends the datagram written into the next slot at the next flush. */
void egress_add(Egress *self, size_t length, const Name *name)
{
    self->lengths[self->used] = length;
    self->names[self->used] = *name;
    self->used += 1;
}

/* How many datagrams from slot `first` on can go as one: for one address, equal ones and a shorter one behind. */
static int egress_run(const Egress *self, int first)
{
    size_t size = self->lengths[first], total = size;
    int end = first + 1;
    if (!self->segments || size == 0)
        return 1;
    for (; end < self->used; end++) {
        const Name *one = &self->names[first], *other = &self->names[end];
        if (one->length != other->length || memcmp(&one->address, &other->address, one->length) != 0)
            break;
        total += self->lengths[end];
        if (self->lengths[end] > size || total > MAX_SEGMENTS_BYTES)
            break;
        if (self->lengths[end] < size) {
            end += 1;
            break;
        }
    }
    return end - first;
}

static void egress_describe(Egress *self, int first, int count, struct iovec *vectors, struct msghdr *header,
                            Control *control)
{
    for (int at = first; at < first + count; at++) {
        vectors[at].iov_base = self->slots[at];
        vectors[at].iov_len = self->lengths[at];
    }
    memset(header, 0, sizeof *header);
    header->msg_name = &self->names[first].address;
    header->msg_namelen = self->names[first].length;
    header->msg_iov = vectors + first;
    header->msg_iovlen = (size_t)count;
    if (count > 1) {
        header->msg_control = control->bytes;
        header->msg_controllen = sizeof control->bytes;
        memset(control, 0, sizeof *control);
        struct cmsghdr *message = CMSG_FIRSTHDR(header);
        uint16_t size = (uint16_t)self->lengths[first];
        message->cmsg_level = IPPROTO_UDP;
        message->cmsg_type = UDP_SEGMENT;
        message->cmsg_len = CMSG_LEN(sizeof size);
        memcpy(CMSG_DATA(message), &size, sizeof size);
    }
}

/* One message was refused (no route, no room): its datagrams go one by one. */
static void egress_send_singly(Egress *self, int first, int count)
{
    for (int at = first; at < first + count; at++) {
        ssize_t done = sendto(self->fd, self->slots[at], self->lengths[at], 0, (struct sockaddr *)&self->names[at].address,
                              self->names[at].length);
        if (done < 0)
            self->dropped += 1;
        else
            self->sent += 1;
    }
}

/* The kernel does not know UDP_SEGMENT: never asked again, and said in the log by Python. */
static int egress_without_segments(Egress *self, int error)
{
    self->segments = 0;
    PyObject *module = PyImport_ImportModule("relay.egress");
    PyObject *told = module ? PyObject_CallMethod(module, "no_segments", "i", error) : NULL;
    Py_XDECREF(module);
    Py_XDECREF(told);
    return told ? 0 : -1;
}

/* Hands all queued datagrams to the kernel; -1 and an exception only when the log could not be written. */
int egress_flush(Egress *self)
{
    struct iovec vectors[SLOTS];
    struct mmsghdr messages[SLOTS];
    Control controls[SLOTS];
    int firsts[SLOTS + 1], count = 0, error = 0, used = self->used;
    for (int at = 0; at < used; count++) {
        int run = egress_run(self, at);
        egress_describe(self, at, run, vectors, &messages[count].msg_hdr, &controls[count]);
        firsts[count] = at;
        at += run;
    }
    firsts[count] = used;
    for (int at = 0; at < count;) {
        int done = sendmmsg(self->fd, messages + at, (unsigned)(count - at), 0);
        if (done > 0) {
            self->sent += firsts[at + done] - firsts[at];
            at += done;
            continue;
        }
        int alone = firsts[at + 1] - firsts[at];
        if (alone > 1 && (errno == EINVAL || errno == EIO || errno == ENOPROTOOPT || errno == EOPNOTSUPP))
            error = errno;
        egress_send_singly(self, firsts[at], alone);
        at += 1;
    }
    self->used = 0;
    return error && self->segments ? egress_without_segments(self, error) : 0;
}

static PyObject *egress_flush_method(Egress *self, PyObject *unused)
{
    (void)unused;
    if (egress_flush(self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Sends one datagram at once: STUN, DTLS. */
static PyObject *egress_send_method(Egress *self, PyObject *args)
{
    PyObject *datagram, *address;
    if (!PyArg_ParseTuple(args, "OO", &datagram, &address) || !egress_slot(self))
        return NULL;
    PyObject *done = PyObject_CallMethod(self->socket, "sendto", "OO", datagram, address);
    if (!done) {
        if (!PyErr_ExceptionMatches(PyExc_OSError))
            return NULL;
        PyErr_Clear();
        self->dropped += 1;
        Py_RETURN_NONE;
    }
    Py_DECREF(done);
    self->sent += 1;
    Py_RETURN_NONE;
}

static PyMethodDef egress_methods[] = {
    {"flush", (PyCFunction)egress_flush_method, METH_NOARGS, NULL},
    {"send", (PyCFunction)egress_send_method, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef egress_members[] = {
    {"gathers", T_BOOL, offsetof(Egress, gathers), 0, NULL},
    {"sent", T_LONGLONG, offsetof(Egress, sent), 0, NULL},
    {"dropped", T_LONGLONG, offsetof(Egress, dropped), 0, NULL},
    {"_segments", T_BOOL, offsetof(Egress, segments), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject EgressType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "relay.native._engine.Egress",
    .tp_basicsize = sizeof(Egress),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)egress_init,
    .tp_dealloc = (destructor)egress_dealloc,
    .tp_methods = egress_methods,
    .tp_members = egress_members,
};
