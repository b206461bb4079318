"""What stands beside a mark in a picture: the same words as the viewer's, in the language of who asks."""

from django.utils.translation import gettext as _

from imaging.models import Annotation


def lines(row: Annotation) -> list[str]:
    """Its text, then a line for each thing measured."""
    said, found = row.figures, [row.text] if row.text else []
    unit, values = said.get("unit", "px"), said.get("values", "")
    detector = f" {_('(at the detector)')}" if said.get("at") == "detector" else ""
    if "ms" in said:
        found += [f"{said['ms']:.0f} ms", f"{said['mv']:.2f} mV"]
    elif "length" in said:
        found.append(f"{said['length']:.1f} {unit}{detector}")
    if "angle" in said:
        found.append(f"{said['angle']:.1f}°")
    if "area" in said:
        found.append(f"{said['area']:.1f} {unit}²{detector}")
    if "mean" in said:
        mean = _("Mean %(mean)s") % {"mean": f"{said['mean']:.1f}"}
        found += [f"{mean} {values}".strip(), f"SD {said['sd']:.1f}"]
    if "value" in said:
        found.append(f"{said['value']:.1f} {values}".strip())
    if "rgb" in said:
        found.append(" ".join(["RGB", *map(str, said["rgb"])]))
    return found
