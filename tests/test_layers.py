"""The import table of docs/architecture.md, and sizes: no file over 400 lines, no function over 60."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("telemed", "consult", "imaging", "relay")
DOORS = {"views", "web", "forms", "live", "tasks", "management", "middleware", "templatetags", "urls"}
DOORS |= {"context_processors", "dimse"}
LEAVES = {"states", "errors", "events", "notify", "paper", "reel", "codes", "dicom", "raster"}
INNER = {"models": LEAVES, "policies": {"models"} | LEAVES, "services": {"policies", "models"} | LEAVES}
DOOR_MAY = {"services", "policies", "models"} | LEAVES
DOOR_ALSO = {
    "views": {"forms"},
    "urls": {"views", "web"},
    "management": {"dimse"},
}  # the only doors another door may use
OPEN = {"migrations", "apps", ""}  # wiring of an app: apps.py and the package itself


def files() -> list[Path]:
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return [path for path in found if "migrations" not in path.parts]


def layer(module: str) -> tuple[str, str]:
    """`consult.services.triage` -> ("consult", "services")."""
    parts = module.split(".")
    return parts[0], parts[1] if len(parts) > 1 else ""


def module_of(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    """Every module of ours that the code names, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                kept = len(parts) - node.level + (1 if is_package else 0)
                base = ".".join([*parts[:kept], *([base] if base else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in PACKAGES)


def wrong(importer: str, imported: str) -> str:
    """Why `importer` may not import `imported`; empty when it may."""
    (app, inside), (other, target) = layer(importer), layer(imported)
    if app == "telemed" or (app == other and (inside == target or inside in OPEN or target in OPEN)):
        return ""
    if other == "telemed":
        return "nobody imports telemed"
    if "relay" in (app, other):
        return "" if app == other else "relay and the rest know each other only by the socket"
    if app == "consult" and other == "imaging":
        return "consult never imports imaging"
    if inside in LEAVES:
        return "a leaf imports nothing of ours"
    if inside in DOORS:
        allowed = DOOR_MAY | DOOR_ALSO.get(inside, set())
    else:
        allowed = INNER.get(inside, set())
    if app != other:  # imaging uses consult
        allowed = {"models", *LEAVES} if inside == "models" else DOOR_MAY
    return "" if target in allowed or (app != other and inside in OPEN) else f"{inside} may not use {target}"


def breaches(path: Path, source: str) -> list[str]:
    module = module_of(path)
    tree = ast.parse(source)
    found = {(name, wrong(module, name)) for name in imports(tree, module, path.name == "__init__.py")}
    return sorted(f"{module} imports {name}: {why}" for name, why in found if why)


def long_functions(path: Path, source: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > 60
    ]


def test_every_layer_imports_only_what_its_row_says() -> None:
    assert len(files()) > 60
    assert [line for path in files() for line in breaches(path, path.read_text())] == []


def test_no_file_is_longer_than_400_lines_and_no_function_than_60() -> None:
    every = [*files(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "deploy").rglob("*.py")]
    compiled = (ROOT / "relay" / "native").glob("*.[ch]")
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in [*every, *compiled]}
    assert {name: count for name, count in lines.items() if count > 400} == {}
    assert [line for path in every for line in long_functions(path, path.read_text())] == []


def test_no_browser_module_has_200_lines() -> None:
    scripts = list((ROOT / "static" / "js").rglob("*.js"))
    assert len(scripts) > 5
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in scripts}
    assert {name: count for name, count in lines.items() if count >= 200} == {}


@pytest.mark.parametrize(
    ("importer", "imported", "why"),
    [
        ("consult.views.triage", "consult.services.triage", ""),
        ("consult.views.triage", "consult.forms.triage", ""),
        ("consult.urls", "consult.views.triage", ""),
        ("consult.live.room", "consult.policies", ""),
        ("imaging.services.intake", "consult.models", ""),
        ("imaging.services.intake", "consult.services.audit", ""),
        ("imaging.models.image", "consult.services.audit", "models may not use services"),
        ("imaging.views.image", "imaging.dicom.read", ""),
        ("telemed.views", "consult.services.relay", ""),
        ("consult.views.triage", "consult.live.room", "views may not use live"),
        ("consult.forms.triage", "consult.views.triage", "forms may not use views"),
        ("consult.services.triage", "consult.views.triage", "services may not use views"),
        ("consult.policies.person", "consult.services.triage", "policies may not use services"),
        ("consult.models.person", "consult.policies.person", "models may not use policies"),
        ("consult.events", "consult.models", "a leaf imports nothing of ours"),
        ("imaging.dicom.read", "imaging.models", "a leaf imports nothing of ours"),
        ("consult.services.triage", "imaging.services.intake", "consult never imports imaging"),
        ("imaging.views.image", "consult.views.home", "views may not use views"),
        ("consult.services.relay", "relay.room", "relay and the rest know each other only by the socket"),
        ("relay.room", "consult.models", "relay and the rest know each other only by the socket"),
        ("consult.services.relay", "telemed.env", "nobody imports telemed"),
    ],
)
def test_the_table_itself(importer: str, imported: str, why: str) -> None:
    assert wrong(importer, imported) == why


def test_an_import_inside_a_function_is_seen_and_a_relative_one_too() -> None:
    source = "def run():\n    from telemed import env\n    from . import views\n"
    path = ROOT / "consult" / "services.py"
    assert breaches(path, source) == [
        "consult.services imports consult.views: services may not use views",
        "consult.services imports telemed.env: nobody imports telemed",
    ]
