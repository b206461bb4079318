/* Trend: whether packets take longer and longer to arrive (relay/trend.py, draft-ietf-rmcat-gcc-02 sections 5.2 to 5.4).
 * The same sums in the same order. */
#include "engine.h"
#include <math.h>

static const double BURST = 0.005, SMOOTHING = 0.9, GAIN = 4.0, OVERUSE_TIME = 0.01;
static const double THRESHOLD = 12.5, LOWEST_THRESHOLD = 6.0, HIGHEST_THRESHOLD = 600.0, K_UP = 0.0087, K_DOWN = 0.039;

static int trend_init(Trend *self, PyObject *args, PyObject *keywords)
{
    (void)args;
    (void)keywords;
    self->first_sent = self->last_sent = self->last_arrived = self->sent_before = self->arrived_before = -1.0;
    self->threshold = THRESHOLD;
    return 0;
}

/* What was sent before says nothing of what comes; the threshold stays. */
static void trend_restart(Trend *self)
{
    self->groups = self->filled = self->next = 0;
    self->first_sent = self->sent_before = -1.0;
    self->accumulated = self->smoothed = self->slope = self->over_since = 0.0;
    self->overused = self->underused = 0;
}

/* Least squares through the points, oldest first. */
static double trend_slope(const Trend *self)
{
    double sum = 0.0, over = 0.0, under = 0.0;
    for (int i = 0; i < WINDOW; i++)
        sum += self->times[(self->next + i) % WINDOW];
    double mean = sum / WINDOW;
    for (int i = 0; i < WINDOW; i++) {
        double away = self->times[(self->next + i) % WINDOW] - mean;
        over += away * away;
        under += away * self->delays[(self->next + i) % WINDOW];
    }
    return over != 0.0 ? under / over : 0.0;
}

/* The threshold follows the noise of the path, so that others' traffic does not starve ours (section 5.4). */
static void trend_adapt(Trend *self, double trend, double passed)
{
    if (trend > self->threshold + 15)
        return;
    double k = trend < self->threshold ? K_DOWN : K_UP;
    double threshold = self->threshold + k * (trend - self->threshold) * passed * 1000;
    self->threshold = fmin(fmax(threshold, LOWEST_THRESHOLD), HIGHEST_THRESHOLD);
}

static void trend_detect(Trend *self, double slope, double trend, double passed)
{
    if (trend > self->threshold) {
        self->over_since += passed;
        if (self->over_since > OVERUSE_TIME && slope >= self->slope)
            self->overused = 1;
    } else {
        self->over_since = 0.0;
        self->overused = 0;
    }
    self->underused = trend < -self->threshold;
    trend_adapt(self, fabs(trend), fmin(passed, 0.1));
}

/* One group more: seconds between it and the one before, at the sender and at the receiver. */
static void trend_measure(Trend *self, double sent, double arrived)
{
    if (arrived > 3 || sent > 3) {
        trend_restart(self);
        return;
    }
    self->groups += 1;
    self->accumulated += (arrived - sent) * 1000;
    self->smoothed = SMOOTHING * self->smoothed + (1 - SMOOTHING) * self->accumulated;
    self->times[self->next] = self->last_arrived * 1000;
    self->delays[self->next] = self->smoothed;
    self->next = (self->next + 1) % WINDOW;
    if (self->filled < WINDOW)
        self->filled += 1;
    double slope = self->filled == WINDOW ? trend_slope(self) : 0.0;
    trend_detect(self, slope, (self->groups < 60 ? self->groups : 60) * slope * GAIN, fmax(sent, 0.0));
    self->slope = slope;
}

/* The next packet that arrived, in the order of sending. */
static void trend_add(Trend *self, double sent, double arrived)
{
    if (sent - self->first_sent <= BURST && self->first_sent >= 0) {
        self->last_sent = sent;
        self->last_arrived = fmax(self->last_arrived, arrived);
        return;
    }
    if (self->sent_before >= 0)
        trend_measure(self, self->last_sent - self->sent_before, self->last_arrived - self->arrived_before);
    self->sent_before = self->last_sent;
    self->arrived_before = self->last_arrived;
    self->first_sent = self->last_sent = sent;
    self->last_arrived = arrived;
}

/* `add_all(acked)`: see relay/trend.py. */
static PyObject *trend_add_all(Trend *self, PyObject *given)
{
    double latest = -INFINITY, shortest = INFINITY;
    PyObject *acked = PySequence_Tuple(given);
    for (Py_ssize_t at = 0; acked && at < PyTuple_GET_SIZE(acked); at++) {
        double sent, arrived;
        PyObject *size, *packet = PyTuple_GET_ITEM(acked, at);
        if (!PyTuple_Check(packet) || !PyArg_ParseTuple(packet, "dOd", &sent, &size, &arrived)) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_TypeError, "a packet is (sent, size, arrived)");
            Py_CLEAR(acked);
            break;
        }
        latest = fmax(latest, arrived);
        shortest = fmin(shortest, arrived - sent);
        trend_add(self, sent, arrived);
    }
    if (!acked)
        return NULL;
    Py_DECREF(acked);
    return Py_BuildValue("(dd)", latest, shortest);
}

/* `add(sent, arrived)`. */
static PyObject *trend_add_method(Trend *self, PyObject *args)
{
    double sent, arrived;
    if (!PyArg_ParseTuple(args, "dd", &sent, &arrived))
        return NULL;
    trend_add(self, sent, arrived);
    Py_RETURN_NONE;
}

static PyObject *trend_restart_method(Trend *self, PyObject *unused)
{
    (void)unused;
    trend_restart(self);
    Py_RETURN_NONE;
}

static PyMethodDef trend_methods[] = {
    {"add", (PyCFunction)trend_add_method, METH_VARARGS, NULL},
    {"add_all", (PyCFunction)trend_add_all, METH_O, NULL},
    {"restart", (PyCFunction)trend_restart_method, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef trend_members[] = {
    {"overused", T_BOOL, offsetof(Trend, overused), READONLY, NULL},
    {"underused", T_BOOL, offsetof(Trend, underused), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject TrendType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "relay.native._engine.Trend",
    .tp_basicsize = sizeof(Trend),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)trend_init,
    .tp_methods = trend_methods,
    .tp_members = trend_members,
};
