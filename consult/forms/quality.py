"""Sums of one page about its call."""

from django import forms

DAY = 24 * 3600


class QualityForm(forms.Form):
    """Seconds, shares (0 to 1), milliseconds and kbit/s; names as in `CallQuality`."""

    session = forms.RegexField(r"^[A-Za-z0-9_-]{16,64}$")
    seconds = forms.IntegerField(min_value=0, max_value=3 * DAY)
    slow = forms.IntegerField(min_value=0, max_value=3 * DAY)
    poor = forms.IntegerField(min_value=0, max_value=3 * DAY)
    lost = forms.IntegerField(min_value=0, max_value=3 * DAY)
    loss_in = forms.FloatField(min_value=0, max_value=1)
    loss_out = forms.FloatField(min_value=0, max_value=1)
    trip_ms = forms.IntegerField(min_value=0, max_value=600_000)
    trip_worst_ms = forms.IntegerField(min_value=0, max_value=600_000)
    jitter_ms = forms.IntegerField(min_value=0, max_value=600_000)
    frozen_seconds = forms.FloatField(min_value=0, max_value=3 * DAY)
    up_kbps = forms.IntegerField(min_value=0, max_value=1_000_000)
    down_kbps = forms.IntegerField(min_value=0, max_value=1_000_000)
