/* The ordinary packet, in C: from the socket to every viewer without the interpreter.
 *
 * Ordinary is: SRTP from a known address, of a known stream, the number that follows the last one, nobody waiting for
 * a keyframe. `ingress.c` decides that from the header, before anything is decrypted; whatever is not ordinary goes to
 * Python as it came, and Python stays the authority. What both read and write are the types below, with a twin in
 * Python each (relay/state.py, relay/egress.py, relay/ingress.py, relay/outlet.py, relay/lane.py): the attributes have
 * the same names and mean the same.
 *
 * Rules: lengths from the wire are checked before use; objects that come from Python are checked for their type at each
 * use and held (Py_INCREF) while Python code may run; nothing of a Python list or dict is kept.
 */
#ifndef RELAY_ENGINE_H
#define RELAY_ENGINE_H

#define PY_SSIZE_T_CLEAN
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <Python.h>
#include <netinet/in.h>
#include <stdint.h>
#include <structmember.h>
#include <sys/socket.h>

enum {
    SLOTS = 64,           /* datagrams read, and sent, with one call */
    BUFFER_SIZE = 2048,   /* as in relay/srtp.py */
    MAX_TRAILER = 160,    /* what libsrtp may add, and some */
    MAX_DATAGRAM = 1500,  /* as in relay/mux.py */
    HEADER_LENGTH = 12,   /* RFC 3550 section 5.1 */
    MAX_BLOCK = 288,      /* a header extension block of ours: a MID has 255 bytes at most */
    NUMBER_AT = 5,        /* where a block of ours has the transport-wide number, as in relay/rtp.py */
    OVERHEAD = 64,        /* as in relay/state.py */
    REMEMBERED = 4096,    /* as in relay/state.py */
    WINDOW = 20,          /* as in relay/trend.py */
    JOTTED = 1024,        /* as Jotter.limit in relay/state.py */
    NOTHING_HEARD = 128,  /* as in relay/state.py */
};

/* A packet of a stream: its unwrapped number, timestamp, marker bit (0 or 0x80) and payload, a bytes object. */
typedef struct {
    int64_t index;
    uint32_t timestamp;
    uint8_t marker;
    PyObject *payload;
} Packet;

typedef struct {
    struct sockaddr_in6 address; /* has room for a sockaddr_in too */
    socklen_t length;
} Name;

/* libsrtp, called by address: pylibsrtp carries its own copy and exports nothing else. */
typedef int (*SrtpCall)(void *context, void *packet, int *length);
extern SrtpCall srtp_protect, srtp_unprotect, srtp_protect_rtcp;

typedef struct {
    PyObject_HEAD
    int fd;
    PyObject *socket;
    char gathers, segments;
    int used;
    long long sent, dropped;
    unsigned char (*slots)[BUFFER_SIZE];
    size_t lengths[SLOTS];
    Name names[SLOTS];
} Egress;

typedef struct {
    PyObject_HEAD
    long long add, late;
    unsigned int ssrc;
    int kind;
    char numbered;
    Py_ssize_t size;
    unsigned char head[HEADER_LENGTH + MAX_BLOCK];
} Lane;

typedef struct {
    PyObject_HEAD
    Egress *egress;
    PyObject *cipher, *address;
    void *srtp;
    Name name;
} Outlet;

typedef struct {
    int64_t number, total;
    double at;
    int size;
} Sent;

typedef struct {
    PyObject_HEAD
    PyObject *send, *clock;
    long long number, bytes;
    Sent *sent;
} SentLog;

typedef struct {
    PyObject_HEAD
    PyObject *send, *lane;
    long long highest, last_timestamp, packets, octets;
} Leg;

typedef struct {
    PyObject_HEAD
    PyObject *cipher, *sink;
    void *srtp;
    long long allowance, rejected;
    double last_valid;
} Gate;

typedef struct {
    PyObject_HEAD
    int count;
    struct {
        double at;
        uint16_t sequence;
    } jotted[JOTTED];
} Jotter;

typedef struct {
    PyObject_HEAD
    PyObject *streams, *arrivals;
    int number_extension;
    double feedback_at;
} Desk;

typedef struct {
    PyObject_HEAD
    long long highest, received, timestamp;
    double deviation, clock, transit;
    char has_transit;
} Progress;

typedef struct {
    PyObject_HEAD
    PyObject *viewers, *waiting, *reception, *defer;
    Packet *history, *fresh;
    int fresh_count, fresh_room, payload_type, level_extension, loudest;
    long long mask, octets, accepted;
    double arrived;
    char is_video, stopped, wants_keyframe;
} Intake;

typedef struct {
    PyObject_HEAD
    int fd, count, at;
    PyObject *socket, *owners, *buffers;
    Py_buffer views[SLOTS];
    int viewed;
    char stamped;
    struct iovec *vectors;
    struct mmsghdr *messages;
    unsigned char *names, *controls;
    socklen_t name_size;
    double now, came, booted;
    long long passed;
} Ingress;

typedef struct {
    PyObject_HEAD
    double first_sent, last_sent, last_arrived, sent_before, arrived_before;
    double accumulated, smoothed, threshold, slope, over_since;
    double times[WINDOW], delays[WINDOW];
    int groups, filled, next;
    char overused, underused;
} Trend;

extern PyTypeObject EgressType, LaneType, OutletType, SentLogType, LegType, GateType, JotterType, DeskType, ProgressType,
    IntakeType, IngressType, TrendType;

/* egress.c */
unsigned char *egress_slot(Egress *self);
void egress_add(Egress *self, size_t length, const Name *name);
int egress_flush(Egress *self);

/* lane.c */
Py_ssize_t lane_write(const Lane *self, const Packet *packet, int64_t number, unsigned char *slot);

/* outlet.c */
Py_ssize_t outlet_send(Outlet *self, const Lane *lane, const Packet *packets, Py_ssize_t count, int64_t number);
int packet_from_python(PyObject *tuple, Packet *packet);
PyObject *packet_to_python(const Packet *packet);
void *cipher_context(PyObject *cipher);

/* sentlog.c */
Py_ssize_t sentlog_send(SentLog *self, const Lane *lane, const Packet *packets, Py_ssize_t count);

/* leg.c */
int leg_forward(Leg *self, const Packet *packets, Py_ssize_t count);

/* intake.c */
void progress_time(Progress *self, uint32_t timestamp, double now);
int intake_accept(Intake *self, int64_t index, uint8_t marker, uint32_t timestamp, const unsigned char *payload,
                  Py_ssize_t size);

/* feedback.c */
PyObject *read_feedback(PyObject *module, PyObject *given);
PyObject *jotter_written(Jotter *self, PyObject *args);

/* extension.c */
int extension_find(const unsigned char *packet, Py_ssize_t length, int wanted, Py_ssize_t *at);

static const double TICK = 0.00025; /* seconds, as in relay/feedback.py */

static inline uint16_t get16(const unsigned char *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static inline uint32_t get32(const unsigned char *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }

static inline void put16(unsigned char *at, uint16_t value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

static inline void put32(unsigned char *at, uint32_t value)
{
    put16(at, (uint16_t)(value >> 16));
    put16(at + 2, (uint16_t)value);
}

#endif
