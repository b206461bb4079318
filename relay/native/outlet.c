/* Outlet: the way to one peer, encrypts packets into the slots of the egress (relay/outlet.py). */
#include "engine.h"

SrtpCall srtp_protect, srtp_unprotect, srtp_protect_rtcp;

static int outlet_init(Outlet *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"egress", NULL};
    PyObject *egress;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O", names, &egress))
        return -1;
    /* Without a socket (tests) it never sends. */
    if (egress != Py_None && !PyObject_TypeCheck(egress, &EgressType)) {
        PyErr_SetString(PyExc_TypeError, "an Egress is needed");
        return -1;
    }
    Py_INCREF(egress);
    Py_XSETREF(self->egress, (Egress *)egress);
    return 0;
}

static int outlet_traverse(Outlet *self, visitproc visit, void *arg)
{
    Py_VISIT(self->egress);
    Py_VISIT(self->cipher);
    Py_VISIT(self->address);
    return 0;
}

static int outlet_clear(Outlet *self)
{
    self->srtp = NULL;
    Py_CLEAR(self->egress);
    Py_CLEAR(self->cipher);
    Py_CLEAR(self->address);
    return 0;
}

static void outlet_dealloc(Outlet *self)
{
    PyObject_GC_UnTrack(self);
    outlet_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* libsrtp's context of a `SrtpCipher`, valid as long as that lives; NULL and an exception when it has none. */
void *cipher_context(PyObject *cipher)
{
    PyObject *address = PyObject_GetAttrString(cipher, "address");
    void *context = address ? PyLong_AsVoidPtr(address) : NULL;
    Py_XDECREF(address);
    if (!context && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "a cipher without a context");
    return context;
}

static PyObject *outlet_open(Outlet *self, PyObject *cipher)
{
    void *srtp = cipher_context(cipher);
    if (!srtp)
        return NULL;
    Py_INCREF(cipher);
    self->srtp = srtp;
    Py_XSETREF(self->cipher, cipher);
    Py_RETURN_NONE;
}

static PyObject *outlet_close(Outlet *self, PyObject *unused)
{
    (void)unused;
    self->srtp = NULL;
    Py_CLEAR(self->cipher);
    Py_RETURN_NONE;
}

/* `destination` has the address for Python, and `packed` as the kernel wants it. */
static PyObject *outlet_aim(Outlet *self, PyObject *destination)
{
    PyObject *address = PyObject_GetAttrString(destination, "address");
    PyObject *packed = address ? PyObject_GetAttrString(destination, "packed") : NULL;
    char *bytes;
    Py_ssize_t length;
    if (!packed || PyBytes_AsStringAndSize(packed, &bytes, &length) < 0)
        goto failed;
    if (length < (Py_ssize_t)sizeof(struct sockaddr_in) || length > (Py_ssize_t)sizeof self->name.address) {
        PyErr_SetString(PyExc_ValueError, "not a socket address");
        goto failed;
    }
    memset(&self->name, 0, sizeof self->name);
    memcpy(&self->name.address, bytes, (size_t)length);
    self->name.length = (socklen_t)length;
    Py_XSETREF(self->address, address);
    Py_DECREF(packed);
    Py_RETURN_NONE;
failed:
    Py_XDECREF(address);
    Py_XDECREF(packed);
    return NULL;
}

/* Encrypts `count` packets into slots, those of a numbered lane from `number` on; how many were, fewer when libsrtp
 * refuses one, none without a cipher and an address; -1 and an exception when the egress failed. */
Py_ssize_t outlet_send(Outlet *self, const Lane *lane, const Packet *packets, Py_ssize_t count, int64_t number)
{
    Py_ssize_t sent = 0;
    for (; sent < count; sent++) {
        if (!self->srtp || !self->name.length || !self->egress)
            break;
        unsigned char *slot = egress_slot(self->egress);
        if (!slot)
            return -1;
        Py_ssize_t size = lane_write(lane, &packets[sent], number + sent, slot);
        if (size < 0 || !self->srtp)
            break;
        int length = (int)size;
        if (srtp_protect(self->srtp, slot, &length) != 0 || length <= 0 || length > BUFFER_SIZE)
            break;
        egress_add(self->egress, (size_t)length, &self->name);
    }
    return sent;
}

/* Reads (index, marker, timestamp, payload); the payload is held: Py_DECREF it. */
int packet_from_python(PyObject *tuple, Packet *packet)
{
    if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) != 4 || !PyBytes_Check(PyTuple_GET_ITEM(tuple, 3))) {
        PyErr_SetString(PyExc_TypeError, "a packet is (index, marker, timestamp, payload)");
        return -1;
    }
    packet->index = PyLong_AsLongLong(PyTuple_GET_ITEM(tuple, 0));
    packet->marker = PyLong_AsLong(PyTuple_GET_ITEM(tuple, 1)) & 0x80;
    packet->timestamp = (uint32_t)PyLong_AsUnsignedLongLongMask(PyTuple_GET_ITEM(tuple, 2));
    if (PyErr_Occurred())
        return -1;
    packet->payload = PyTuple_GET_ITEM(tuple, 3);
    Py_INCREF(packet->payload);
    return 0;
}

PyObject *packet_to_python(const Packet *packet)
{
    return Py_BuildValue("(LikO)", (long long)packet->index, (int)packet->marker, (unsigned long)packet->timestamp,
                         packet->payload);
}

/* `outlet(lane, packets, number=0)`. */
static PyObject *outlet_call(Outlet *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"lane", "packets", "number", NULL};
    PyObject *lane, *given;
    long long number = 0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!O|L", names, &LaneType, &lane, &given, &number))
        return NULL;
    PyObject *packets = PySequence_Tuple(given);
    if (!packets)
        return NULL;
    Py_ssize_t total = 0, count = PyTuple_GET_SIZE(packets);
    for (; total < count; total++) {
        Packet packet;
        if (packet_from_python(PyTuple_GET_ITEM(packets, total), &packet) < 0)
            goto failed;
        Py_ssize_t sent = outlet_send(self, (Lane *)lane, &packet, 1, number + total);
        Py_DECREF(packet.payload);
        if (sent < 0)
            goto failed;
        if (sent == 0)
            break;
    }
    Py_DECREF(packets);
    return PyLong_FromSsize_t(total);
failed:
    Py_DECREF(packets);
    return NULL;
}

/* One RTCP compound packet (RFC 3711 section 3.4), at once or with all else that is gathered. */
static PyObject *outlet_send_rtcp(Outlet *self, PyObject *packet)
{
    char *bytes;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(packet, &bytes, &size) < 0)
        return NULL;
    if (!self->srtp || !self->name.length || !self->egress || size > BUFFER_SIZE - MAX_TRAILER)
        Py_RETURN_NONE;
    unsigned char *slot = egress_slot(self->egress);
    if (!slot)
        return NULL;
    memcpy(slot, bytes, (size_t)size);
    int length = (int)size;
    if (self->srtp && srtp_protect_rtcp(self->srtp, slot, &length) == 0 && length > 0 && length <= BUFFER_SIZE) {
        egress_add(self->egress, (size_t)length, &self->name);
        if (!self->egress->gathers && egress_flush(self->egress) < 0)
            return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *outlet_is_open(Outlet *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(self->srtp != NULL);
}

static PyMethodDef outlet_methods[] = {
    {"open", (PyCFunction)outlet_open, METH_O, NULL},
    {"aim", (PyCFunction)outlet_aim, METH_O, NULL},
    {"close", (PyCFunction)outlet_close, METH_NOARGS, NULL},
    {"send_rtcp", (PyCFunction)outlet_send_rtcp, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef outlet_members[] = {
    {"address", T_OBJECT, offsetof(Outlet, address), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef outlet_properties[] = {
    {"is_open", (getter)outlet_is_open, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject OutletType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "relay.native._engine.Outlet",
    .tp_basicsize = sizeof(Outlet),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)outlet_init,
    .tp_dealloc = (destructor)outlet_dealloc,
    .tp_traverse = (traverseproc)outlet_traverse,
    .tp_clear = (inquiry)outlet_clear,
    .tp_call = (ternaryfunc)outlet_call,
    .tp_methods = outlet_methods,
    .tp_members = outlet_members,
    .tp_getset = outlet_properties,
};
