"""What stands beside a mark in a picture: the same words as the viewer's, in the language of who asks."""

from django.utils.translation import gettext as _

from imaging.models import Annotation

MICRONS_BELOW = {1: 1.0, 2: 0.1}  # mm, mm²


def lines(row: Annotation) -> list[str]:
    """Its text, then a line for each thing measured."""
    said, found = row.figures, [row.text] if row.text else []
    unit, values = said.get("unit", "px"), said.get("values", "")
    detector = f" {_('(at the detector)')}" if said.get("at") == "detector" else ""
    on_slide = said.get("at") == "slide"
    if "ms" in said:
        found += [f"{said['ms']:.0f} ms", f"{said['mv']:.2f} mV"]
    elif "length" in said:
        found.append(_on_slide(said["length"], 1) if on_slide else f"{said['length']:.1f} {unit}{detector}")
    if "angle" in said:
        found.append(f"{said['angle']:.1f}°")
    if "area" in said:
        found.append(_on_slide(said["area"], 2) if on_slide else f"{said['area']:.1f} {unit}²{detector}")
    if "mean" in said:
        mean = _("Mean %(mean)s") % {"mean": f"{said['mean']:.1f}"}
        found += [f"{mean} {values}".strip(), f"SD {said['sd']:.1f}"]
    if "value" in said:
        found.append(f"{said['value']:.1f} {values}".strip())
    if "rgb" in said:
        found.append(" ".join(["RGB", *map(str, said["rgb"])]))
    return found


def _on_slide(size: float, power: int) -> str:
    """A length (`power` 1, mm) or area (2, mm²) under the microscope: in micrometres where that reads better."""
    mark = "²" if power == 2 else ""
    if size < MICRONS_BELOW[power]:
        return f"{size * 1000**power:.1f} µm{mark}"
    return f"{size:.3f} mm{mark}"
