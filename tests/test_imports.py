"""Who may know whom, and how long a file and a function may be."""

from __future__ import annotations

import ast
import functools
import graphlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "napari_blindspot"
FILES = sorted(file for file in PACKAGE.rglob("*.py") if file.name != "_version.py")

NUMPY_ONLY = {"params", "events", "halting", "axes", "normalization", "tiling"}
PARTS = {"masking", "networks", "losses", "inference"}
# A room may import its own row and the rows before it; the four parts know one another not.
ROWS = (
    NUMPY_ONLY
    | {
        "_samples",
        "_shapes",
        "budget",
        "io",
        "leftovers",
        "locks",
        "measure",
        "picture",
        "quality",
        "series",
    }
    | {"held_out", "pace", "regions", "settling", "simulate", "telling"},
    {"pairs", "patches", "ring", "noise", "device", "memory", "filters", "photons", "triangular"}
    | {"chance", "heap", "interruption", "lattice", "openmp", "optimizer", "tensors"},
    {"details"},
    PARTS,
    {"checkpoint"},
    {"methods", "training"},
    {"job", "model"},
    {"blind"},
    {"sources", "specs"},
    {"pieces"},
    {"blending", "exam", "prediction", "preview"},
    {"lesson"},
    {"fitting"},
    {"layouts", "results"},
    {"run"},
    {"reporting"},
    {"api", "batch", "cli", "_gui"},
)
RANK = {room: rank for rank, row in enumerate(ROWS) for room in row}
WITHOUT_TORCH = ROWS[0] | {"job", "methods", "reporting", "api", "batch", "cli", "_gui"}
GUI_LIBRARIES = {"napari", "qtpy", "magicgui", "superqt", "PyQt6", "PySide6"}


@dataclass(frozen=True)
class Import:
    """Dotted module or name, and where and how it is imported."""

    target: str
    line: int
    for_types: bool
    on_import: bool

    @property
    def library(self):
        return self.target.split(".")[0]

    @property
    def room(self):
        return room_of_name(self.target) if self.library == PACKAGE.name else None


@functools.cache
def parsed(file):
    return ast.parse(file.read_text("utf-8"))


def room_of(file):
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@functools.cache
def public_homes():
    """Public names of the package and the modules that they come from."""
    for node in parsed(PACKAGE / "__init__.py").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES":
            return ast.literal_eval(node.value)
    raise AssertionError("napari_blindspot/__init__.py has no _HOMES")


def room_of_name(target):
    room = target.split(".")[1] if "." in target else "__init__"
    return public_homes().get(room, room)


@functools.cache
def imports(file):
    package = ".".join(file.relative_to(PACKAGE.parent).parts[:-1])
    return tuple(walk(parsed(file), package, for_types=False, on_import=True))


def walk(node, package, *, for_types, on_import):
    for child in ast.iter_child_nodes(node):
        typed = for_types or (
            isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
        )
        direct = on_import and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        for target in targets(child, package):
            yield Import(target, child.lineno, typed, direct)
        yield from walk(child, package, for_types=typed, on_import=direct)


def targets(node, package):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    module = node.module or ""
    if node.level:
        outer = package.split(".")[: len(package.split(".")) - node.level + 1]
        module = ".".join([*outer, *filter(None, [module])])
    return [f"{module}.{alias.name}" for alias in node.names]


def listed(file, found):
    """Offending imports in words; empty when there are none."""
    return [f"{file.relative_to(ROOT)}:{item.line} imports {item.target}" for item in found]


every_file = pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))


@every_file
def test_file_lies_in_a_known_room(file):
    assert room_of(file) in {*RANK, "__init__"}, f"add {room_of(file)!r} to ROWS, where it belongs"


@every_file
def test_imports_point_down(file):
    room = room_of(file)
    if room == "__init__":
        return
    upward = [
        item
        for item in imports(file)
        if item.room and not item.for_types and RANK.get(item.room, -1) > RANK[room]
    ]
    assert not listed(file, upward)


def test_no_circles():
    modules = {module_name(file): file for file in FILES}
    known = {
        name: {nearest(item.target, modules) for item in imports(file) if item.room} - {name}
        for name, file in modules.items()
    }
    graphlib.TopologicalSorter(known).prepare()  # raises CycleError, which names the circle


def module_name(file):
    dotted = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
    return dotted.removesuffix(".__init__")


def nearest(target, modules):
    """The module that is or holds what is imported."""
    while target not in modules:
        target = target.rpartition(".")[0]
    return target


@pytest.mark.parametrize("part", sorted(PARTS))
def test_parts_do_not_know_one_another(part):
    others = PARTS - {part}
    for file in sorted((PACKAGE / part).rglob("*.py")):
        assert not listed(file, [item for item in imports(file) if item.room in others])


def test_training_knows_no_method():
    file = PACKAGE / "training.py"
    known = [item for item in imports(file) if item.room == "methods"]
    contract = "napari_blindspot.methods.base."
    assert not listed(
        file, [i for i in known if not (i.for_types and i.target.startswith(contract))]
    )


@every_file
def test_gui_stays_in_its_folder(file):
    if room_of(file) == "_gui":
        return
    found = [i for i in imports(file) if i.library in GUI_LIBRARIES or i.room == "_gui"]
    assert not listed(file, found)


@every_file
def test_torch_waits_until_it_is_needed(file):
    if room_of(file) not in WITHOUT_TORCH:
        return
    even_later = room_of(file) in ROWS[0]
    found = [
        item
        for item in imports(file)
        if item.library == "torch" and (even_later or (item.on_import and not item.for_types))
    ]
    assert not listed(file, found)


@pytest.mark.parametrize("room", sorted(NUMPY_ONLY))
def test_numpy_base_needs_only_numpy(room):
    file = PACKAGE / f"{room}.py"
    allowed = sys.stdlib_module_names | {"numpy", PACKAGE.name}
    assert not listed(file, [item for item in imports(file) if item.library not in allowed])


@every_file
def test_shapes_can_be_checked(file):
    """A shape whose array type exists for type checkers only would go unchecked in the tests."""
    names = {item.target for item in imports(file) if item.for_types}
    if not any(item.library == "jaxtyping" for item in imports(file)):
        return
    hidden = {name for name in names if name.startswith("jaxtyping.") or name == "torch.Tensor"}
    assert not hidden, f"{file.relative_to(ROOT)}: import {sorted(hidden)} for the run time too"


def test_every_library_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    requirements = project["dependencies"] + extras["dask"] + extras["plot"]
    declared = {re.split(r"[\[<>=!~ ;]", text)[0].lower() for text in requirements}
    homes = importlib.metadata.packages_distributions()
    undeclared = {
        item.library
        for file in FILES
        if room_of(file) != "_gui"
        for item in imports(file)
        if not item.for_types
        and item.library not in sys.stdlib_module_names | {PACKAGE.name}
        and not declared & {home.lower() for home in homes.get(item.library, [item.library])}
    }
    assert not undeclared, "declare them in pyproject.toml"


START = """
import sys
{statement}
heavy = {{"torch", "napari", "qtpy", "magicgui"}} & set(sys.modules)
sys.exit(f"imported: {{heavy}}" if heavy else 0)
"""
COMMAND = """
import sys
from napari_blindspot.cli import main
sys.argv = ["blindspot", {arguments}]
try:
    main()
except SystemExit as exit:
    if exit.code:
        raise
"""


@pytest.mark.parametrize(
    "statement",
    [
        "import napari_blindspot; dir(napari_blindspot); napari_blindspot.__version__",
        "import napari_blindspot; napari_blindspot.methods.available()",
        COMMAND.format(arguments="'--help'"),
        COMMAND.format(arguments="'methods', '--json'"),
        "import napari_blindspot; napari_blindspot.noise_report([[1.0, 2.0], [3.0, 4.0]])",
    ],
    ids=["import", "list methods", "blindspot --help", "blindspot methods --json", "noise report"],
)
def test_start_is_quick(statement):
    program = START.format(statement=statement)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@every_file
def test_file_is_short(file):
    lines = len(file.read_text("utf-8").splitlines())
    assert lines <= 400, f"{file.name} has {lines} lines; split it"


@every_file
def test_functions_are_short(file):
    long = {
        f"{node.name} at line {node.lineno}": body_lines(node)
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body_lines(node) > 40
    }
    assert not long


def body_lines(function):
    """Lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


@every_file
def test_no_bare_except(file):
    bare = [
        n.lineno for n in ast.walk(parsed(file)) if isinstance(n, ast.ExceptHandler) and not n.type
    ]
    assert not bare
