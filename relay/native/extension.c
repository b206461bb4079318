/* RTP header extension elements (RFC 8285), as `find` in relay/rtp.py. */
#include "engine.h"

static int find_one_byte(const unsigned char *packet, Py_ssize_t at, Py_ssize_t end, int wanted, Py_ssize_t *found)
{
    while (at < end) {
        int head = packet[at];
        if (head == 0) {
            at += 1;
            continue;
        }
        if (head >> 4 == 15) /* reserved: stop, RFC 8285 section 4.2 */
            return -1;
        int size = (head & 0x0F) + 1;
        if (at + 1 + size > end)
            return -1;
        if (head >> 4 == wanted) {
            *found = at + 1;
            return size;
        }
        at += 1 + size;
    }
    return -1;
}

static int find_two_byte(const unsigned char *packet, Py_ssize_t at, Py_ssize_t end, int wanted, Py_ssize_t *found)
{
    while (at < end) {
        if (packet[at] == 0) {
            at += 1;
            continue;
        }
        if (at + 2 > end)
            return -1;
        int size = packet[at + 1];
        if (at + 2 + size > end)
            return -1;
        if (packet[at] == wanted) {
            *found = at + 2;
            return size;
        }
        at += 2 + size;
    }
    return -1;
}

/* The size of the element with id `wanted`, and where its value is; -1 when it is absent or cut short. */
int extension_find(const unsigned char *packet, Py_ssize_t length, int wanted, Py_ssize_t *at)
{
    if (length < HEADER_LENGTH || !(packet[0] & 0x10))
        return -1;
    Py_ssize_t start = HEADER_LENGTH + ((packet[0] & 0x0F) << 2);
    if (start + 4 > length)
        return -1;
    unsigned profile = get16(packet + start);
    Py_ssize_t end = start + 4 + ((Py_ssize_t)get16(packet + start + 2) << 2);
    if (end > length)
        return -1;
    if (profile == 0xBEDE)
        return find_one_byte(packet, start + 4, end, wanted, at);
    if ((profile & 0xFFF0) == 0x1000)
        return find_two_byte(packet, start + 4, end, wanted, at);
    return -1;
}
