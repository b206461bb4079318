"""Specialists who change a shift with a colleague: asked, accepted or refused, approved or refused."""

import random
from collections import Counter
from datetime import timedelta

from django.utils import timezone

from consult.errors import Refusal
from consult.models import Shift
from consult.policies import swap as policies
from consult.services import swap
from telemed.simulation.province import Province


def of_a_day(province: Province, chance: random.Random, told: Counter[str]) -> None:
    """What is asked on one day."""
    now = timezone.now()
    for _each in range(chance.randrange(3)):
        role = chance.choice(province.experts)
        coming = Shift.objects.filter(role=role, starts_at__gt=now, starts_at__lt=now + timedelta(days=10))
        shifts = list(coming.filter(level=Shift.Level.ON_CALL) if chance.random() < 0.9 else coming)
        if shifts:
            try:
                _ask(chance.choice(shifts), province, chance)
            except Refusal as refusal:
                told[refusal.code] += 1


def _ask(shift: Shift, province: Province, chance: random.Random) -> None:
    partners = list(policies.partners(shift))
    if not partners:
        return
    taker = chance.choice(partners)
    backs = [each for each in policies.returns(shift) if each.role_id == taker.pk and each.level == shift.level]
    asked = swap.ask(
        by=shift.role.person, shift=shift, taker=taker, back=chance.choice(backs) if backs else None, reason="家中有事"
    )
    if chance.random() < 0.2:
        swap.move(swap=asked, by=taker.person, name="decline", reason="当日有手术")
        return
    swap.move(swap=asked, by=taker.person, name="accept")
    swap.move(swap=asked, by=province.scheduler, name="approve" if chance.random() < 0.9 else "refuse")
