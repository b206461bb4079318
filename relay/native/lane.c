/* Lane: what all packets of one SSRC on their way to one viewer have in common (relay/lane.py). */
#include "engine.h"

static int lane_init(Lane *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"ssrc", "kind", "block", "add", "late", "numbered", "padded", NULL};
    Py_buffer block = {0};
    int numbered = 0, padded = 0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "Ii|y*$LLpp", names, &self->ssrc, &self->kind, &block, &self->add,
                                     &self->late, &numbered, &padded))
        return -1;
    int fits = block.len <= MAX_BLOCK && (!numbered || block.len >= NUMBER_AT + 2) && self->kind >= 0 && self->kind < 128;
    if (fits) {
        self->numbered = numbered != 0;
        self->size = HEADER_LENGTH + block.len;
        memset(self->head, 0, HEADER_LENGTH);
        self->head[0] = (unsigned char)(0x80 | (padded ? 0x20 : 0) | (block.len ? 0x10 : 0));
        put32(self->head + 8, self->ssrc);
        if (block.len)
            memcpy(self->head + HEADER_LENGTH, block.buf, (size_t)block.len);
    } else {
        PyErr_SetString(PyExc_ValueError, "no such lane");
    }
    if (block.obj)
        PyBuffer_Release(&block);
    return fits ? 0 : -1;
}

/* Writes header and payload of `packet` into `slot`, which has BUFFER_SIZE bytes; the length, -1 when it has no room. */
Py_ssize_t lane_write(const Lane *self, const Packet *packet, int64_t number, unsigned char *slot)
{
    Py_ssize_t size = PyBytes_GET_SIZE(packet->payload);
    if (self->size < HEADER_LENGTH || size > BUFFER_SIZE - MAX_TRAILER - self->size)
        return -1;
    memcpy(slot, self->head, (size_t)self->size);
    slot[1] = (unsigned char)(packet->marker | self->kind);
    put16(slot + 2, (uint16_t)((uint64_t)packet->index + (uint64_t)self->add));
    put32(slot + 4, (uint32_t)(packet->timestamp + (uint64_t)self->late));
    if (self->numbered)
        put16(slot + HEADER_LENGTH + NUMBER_AT, (uint16_t)number);
    memcpy(slot + self->size, PyBytes_AS_STRING(packet->payload), (size_t)size);
    return self->size + size;
}

static PyMemberDef lane_members[] = {
    {"ssrc", T_UINT, offsetof(Lane, ssrc), READONLY, NULL},
    {"kind", T_INT, offsetof(Lane, kind), READONLY, NULL},
    {"add", T_LONGLONG, offsetof(Lane, add), READONLY, NULL},
    {"late", T_LONGLONG, offsetof(Lane, late), READONLY, NULL},
    {"numbered", T_BOOL, offsetof(Lane, numbered), READONLY, NULL},
    {"size", T_PYSSIZET, offsetof(Lane, size), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject LaneType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "relay.native._engine.Lane",
    .tp_basicsize = sizeof(Lane),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)lane_init,
    .tp_members = lane_members,
};
