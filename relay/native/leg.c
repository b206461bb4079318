/* Leg: the end of the way to a viewer; what `OutboundTrack.forward` does with ordinary packets (relay/outbound.py). */
#include "engine.h"

static int leg_traverse(Leg *self, visitproc visit, void *arg)
{
    Py_VISIT(self->send);
    Py_VISIT(self->lane);
    return 0;
}

static int leg_clear(Leg *self)
{
    Py_CLEAR(self->send);
    Py_CLEAR(self->lane);
    return 0;
}

static void leg_dealloc(Leg *self)
{
    PyObject_GC_UnTrack(self);
    leg_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Sends packets in the order of their numbers. 1 when done, 0 when Python has to: a lane that needs a look, a way that
 * leads through Python, packets that were overtaken. -1 and an exception when sending failed. */
int leg_forward(Leg *self, const Packet *packets, Py_ssize_t count)
{
    PyObject *send = self->send, *lane = self->lane;
    if (!send || !lane || !Py_IS_TYPE(lane, &LaneType))
        return 0;
    int numbers = Py_IS_TYPE(send, &SentLogType);
    PyObject *way = numbers ? ((SentLog *)send)->send : send;
    int64_t add = ((Lane *)lane)->add;
    if (!way || !Py_IS_TYPE(way, &OutletType) || packets[0].index <= self->highest - add)
        return 0;
    Py_INCREF(send);
    Py_INCREF(lane);
    Py_ssize_t sent = numbers ? sentlog_send((SentLog *)send, (Lane *)lane, packets, count)
                              : outlet_send((Outlet *)send, (Lane *)lane, packets, count, 0);
    if (sent > 0) {
        self->highest = packets[sent - 1].index + add;
        self->last_timestamp = packets[sent - 1].timestamp + ((Lane *)lane)->late;
        self->packets += sent;
        for (Py_ssize_t at = 0; at < sent; at++)
            self->octets += PyBytes_GET_SIZE(packets[at].payload);
    }
    Py_DECREF(send);
    Py_DECREF(lane);
    return sent < 0 ? -1 : 1;
}

static PyMemberDef leg_members[] = {
    {"_send", T_OBJECT, offsetof(Leg, send), 0, NULL},
    {"_lane", T_OBJECT, offsetof(Leg, lane), 0, NULL},
    {"_highest", T_LONGLONG, offsetof(Leg, highest), 0, NULL},
    {"_last_timestamp", T_LONGLONG, offsetof(Leg, last_timestamp), 0, NULL},
    {"packets", T_LONGLONG, offsetof(Leg, packets), 0, NULL},
    {"octets", T_LONGLONG, offsetof(Leg, octets), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject LegType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "relay.native._engine.Leg",
    .tp_basicsize = sizeof(Leg),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_dealloc = (destructor)leg_dealloc,
    .tp_traverse = (traverseproc)leg_traverse,
    .tp_clear = (inquiry)leg_clear,
    .tp_members = leg_members,
};
