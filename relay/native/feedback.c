/* Transport-wide feedback, read from viewers and written to publishers (relay/feedback.py, relay/twcc.py). */
#include "engine.h"

enum { HEAD = 16, MAX_PACKETS = 1024, CHUNK_MOST = 14, TICKS_PER_REFERENCE = 256, MISSING = 0, SMALL = 1, BIG = 2 };

static PyObject *refuse(const char *why)
{
    PyErr_SetString(PyExc_ValueError, why);
    return NULL;
}

/* The status of each packet (section 3.1.1) into `symbols`, which has room for MAX_PACKETS + CHUNK_MOST; where the
 * deltas begin, -1 and an exception for nonsense. */
static Py_ssize_t read_symbols(const unsigned char *body, Py_ssize_t length, int total, unsigned char *symbols)
{
    Py_ssize_t at = HEAD;
    int count = 0;
    while (count < total) {
        if (at + 2 > length) {
            refuse("transport feedback has too few chunks");
            return -1;
        }
        unsigned chunk = get16(body + at);
        at += 2;
        if (!(chunk & 0x8000)) {
            int run = (int)(chunk & 0x1FFF);
            if (run == 0) {
                refuse("transport feedback has an empty run");
                return -1;
            }
            for (; run > 0 && count < total; run--)
                symbols[count++] = (unsigned char)(chunk >> 13);
        } else if (chunk & 0x4000) {
            for (int shift = 12; shift >= 0; shift -= 2)
                symbols[count++] = chunk >> shift & 3;
        } else {
            for (int bit = 13; bit >= 0; bit--)
                symbols[count++] = chunk >> bit & 1;
        }
    }
    if (memchr(symbols, 3, (size_t)total)) {
        refuse("transport feedback has a reserved status");
        return -1;
    }
    return at;
}

/* The arrival ticks of `total` packets as a tuple, None for those that did not arrive. */
static PyObject *read_deltas(const unsigned char *body, Py_ssize_t length, Py_ssize_t at, int total,
                             const unsigned char *symbols, long ticks)
{
    Py_ssize_t needed = 0;
    for (int i = 0; i < total; i++)
        needed += symbols[i];
    if (length - at < needed)
        return refuse("transport feedback has too few deltas");
    PyObject *arrivals = PyTuple_New(total);
    for (int i = 0; arrivals && i < total; i++) {
        PyObject *entry = Py_None;
        if (symbols[i] == MISSING) {
            Py_INCREF(entry);
        } else {
            ticks += symbols[i] == SMALL ? body[at] : (int16_t)get16(body + at);
            at += symbols[i];
            entry = PyLong_FromLong(ticks);
        }
        if (entry)
            PyTuple_SET_ITEM(arrivals, i, entry);
        else
            Py_CLEAR(arrivals);
    }
    return arrivals;
}

/* `read_feedback(body)`: (ssrc, base, count, arrivals), as in relay/feedback.py. */
PyObject *read_feedback(PyObject *module, PyObject *given)
{
    (void)module;
    char *bytes;
    Py_ssize_t length;
    unsigned char symbols[MAX_PACKETS + CHUNK_MOST];
    if (PyBytes_AsStringAndSize(given, &bytes, &length) < 0)
        return NULL;
    const unsigned char *body = (const unsigned char *)bytes;
    if (length < HEAD + 2)
        return refuse("transport feedback is cut short");
    int total = get16(body + 10);
    if (total == 0 || total > MAX_PACKETS)
        return refuse("transport feedback is about no packet, or too many");
    Py_ssize_t at = read_symbols(body, length, total, symbols);
    if (at < 0)
        return NULL;
    uint32_t last = get32(body + 12);
    long reference = (long)(last >> 8);
    if (reference >= 1 << 23)
        reference -= 1 << 24;
    PyObject *arrivals = read_deltas(body, length, at, total, symbols, reference * TICKS_PER_REFERENCE);
    if (!arrivals)
        return NULL;
    return Py_BuildValue("(kiiN)", (unsigned long)get32(body + 4), (int)get16(body + 8), (int)(last & 0xFF), arrivals);
}

/* The deltas of what was jotted, when that is every packet from `next` on, in order and each soon after the other; -1
 * when it is not. `reference` becomes the ticks they count from. */
static int ordinary_deltas(const Jotter *self, long long next, unsigned char *deltas, long long *reference)
{
    if (self->count == 0 || (next & 0xFFFF) + self->count > 0x10000)
        return -1;
    long long before = (long long)(self->jotted[0].at / TICK) / TICKS_PER_REFERENCE * TICKS_PER_REFERENCE;
    *reference = before / TICKS_PER_REFERENCE;
    for (int i = 0; i < self->count; i++) {
        double at = self->jotted[i].at;
        if (self->jotted[i].sequence != (next & 0xFFFF) + i || !(at >= 0 && at < 1e12))
            return -1;
        long long ticks = (long long)(at / TICK);
        if (ticks < before || ticks - before > 0xFF)
            return -1;
        deltas[i] = (unsigned char)(ticks - before);
        before = ticks;
    }
    return 0;
}

/* `jotter.written(sender, ssrc, next, count)`: the RTCP packet about all that was jotted, which is then forgotten, when
 * it is an ordinary one (one run of small deltas, as `twcc.pack` writes it); None when Python has to write it. */
PyObject *jotter_written(Jotter *self, PyObject *args)
{
    unsigned int sender, ssrc;
    long long next, reference;
    int count;
    unsigned char packet[4 + HEAD + 2 + JOTTED + 4] = {0};
    if (!PyArg_ParseTuple(args, "IILi", &sender, &ssrc, &next, &count))
        return NULL;
    if (next < 0 || ordinary_deltas(self, next, packet + 4 + HEAD + 2, &reference) < 0)
        Py_RETURN_NONE;
    size_t length = 4 + HEAD + 2 + (size_t)self->count, padding = -length % 4;
    packet[0] = (unsigned char)(0x80 | (padding ? 0x20 : 0) | 15);
    packet[1] = 205;
    put16(packet + 2, (uint16_t)((length + padding) / 4 - 1));
    put32(packet + 4, sender);
    put32(packet + 8, ssrc);
    put16(packet + 12, (uint16_t)next);
    put16(packet + 14, (uint16_t)self->count);
    put32(packet + 16, (uint32_t)(((uint64_t)reference & 0xFFFFFF) << 8 | (unsigned)(count & 0xFF)));
    put16(packet + 20, (uint16_t)(SMALL << 13 | self->count));
    if (padding)
        packet[length + padding - 1] = (unsigned char)padding;
    self->count = 0;
    return PyBytes_FromStringAndSize((const char *)packet, (Py_ssize_t)(length + padding));
}
