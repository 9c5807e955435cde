"""User functions as bundles: 18 kinds, in another process, compared with the live result."""

from __future__ import annotations

import atexit
import importlib
import inspect
import json
import linecache
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import aiqc
from aiqc.core.errors import CorruptBlob, InvalidFunction
from aiqc.core.functions import (
    FunctionBundle,
    bundle_function,
    describe_signature,
    from_bytes,
    load_function,
    reveal_code,
    to_bytes,
)

HELPERS = '''
import math

SCALE = 3
_hidden = {"shift": 10}

def deep(x):
    return x * SCALE

def scaled(x):
    """Nested helper."""
    return deep(x) + _hidden["shift"]

class Doubler:
    factor = 2

    def __init__(self, base):
        self.base = base

    @property
    def value(self):
        return self.base * self.factor + math.floor(0.5)

    @staticmethod
    def plus(x):
        return scaled(x)
'''

KINDS = """
import functools
import threading
import numpy as np
import os.path as osp
import xml.dom
import helpers_mod
from collections import OrderedDict as OD
from helpers_mod import Doubler, scaled, deep as deeper

RATE = 0.5
TABLE = {"a": [1, 2, (3, None)], "inf": float("inf")}
STEP = np.float32(0.25)
WEIGHTS = np.arange(4.0)
LOCK = threading.Lock()
HANDLE = open(__file__)

def simple(x):
    return x + 1

def uses_import(x):
    return float(np.linalg.norm([x, 4.0]))

def uses_alias(x):
    return osp.basename(f"a/{x}"), list(OD(k=x))

def uses_submodule(x):
    return xml.dom.EMPTY_NAMESPACE, x

def uses_constant(x):
    return x * RATE + TABLE["a"][2][0] + float(STEP)

def local_helper(x):
    return [uses_constant(i) for i in range(x)]

def uses_helper(x):
    return sum(local_helper(x))

def uses_imported_helper(x):
    return scaled(x) + deeper(x)

def uses_class(x):
    return Doubler(x).value + Doubler.plus(x)

def recursive(x):
    return 1 if x < 2 else x * recursive(x - 1)

def is_even(x):
    return True if x == 0 else is_odd(x - 1)

def is_odd(x):
    return False if x == 0 else is_even(x - 1)

def inner_use(x, scale=RATE, *, shift=(1, 2)):
    def inside(y):
        return [deeper(y) * k * scale for k in shift]
    return inside(x)

def wraps(fn):
    @functools.wraps(fn)
    def wrapper(*args, **hp):
        return fn(*args, **hp) + RATE
    return wrapper

@wraps
def decorated(x):
    return x * 10

@functools.lru_cache(maxsize=None)
def cached(x):
    return x * 11

def bare_wraps(fn):
    def wrapper(x):
        return fn(x) + 1
    return wrapper

@bare_wraps
def decorated_bare(x):
    return x * 12

def outer(bonus):
    def closure(x):
        return x + bonus
    return closure

closure = outer(7)
square = lambda x: x ** 2
part = functools.partial(inner_use, scale=2.0)

class Builder:
    def __init__(self, k):
        self.k = k
    def build(self, x):
        return x * self.k

bound = Builder(6).build

def uses_array(x):
    return float(WEIGHTS.sum()) + x

def uses_lock(x):
    with LOCK:
        return x

def uses_file(x):
    return HANDLE.read()

def uses_module(x):
    return helpers_mod.scaled(x)

def uses_undefined(x):
    return not_there(x)

def uses_own_file(x):
    return __file__
"""

#: kind -> what it becomes; an empty reason is a readable bundle
STORED = {
    "simple": "",
    "uses_import": "",
    "uses_alias": "",
    "uses_submodule": "",
    "uses_constant": "",
    "uses_helper": "",
    "uses_imported_helper": "",
    "uses_class": "",
    "recursive": "",
    "is_even": "",
    "inner_use": "",
    "decorated": "",
    "cached": "",
    "decorated_bare": "closure over 'fn'",
    "closure": "closure over 'bonus'",
    "square": "lambda",
    "part": "partial of 'inner_use'",
    "bound": "bound method of 'Builder'",
    "uses_array": "global array 'WEIGHTS'",
}

#: kind -> texts of the refusal: the global and the remedy
REFUSED = {
    "uses_lock": ("'LOCK'", "a lock", "inside the function"),
    "uses_file": ("'HANDLE'", "an open file", "inside the function"),
    "uses_module": ("'helpers_mod'", "from helpers_mod import scaled", "copied"),
    "uses_undefined": ("'not_there'", "is not defined", "import 'not_there'"),
    "uses_own_file": ("__file__", "no other process", "hyperparameter"),
}

LOADER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from aiqc.core.functions import from_bytes, load_function
RATE = "a trap: another global of the same name"
scaled = local_helper = RATE
results = {}
for file in sorted(Path(sys.argv[2]).glob("*.bundle")):
    function = load_function(from_bytes(file.read_bytes()))
    results[file.stem] = repr(function(4))
print(json.dumps(results))
"""

ROOT = str(Path(aiqc.__file__).parents[1])


def run_python(code: str, *arguments: str, **variables: str) -> str:
    """Return what a process without the user's modules on its path printed."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, ROOT, *arguments]
        if not variables
        else [sys.executable, "-c", code, ROOT, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_module(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(textwrap.dedent(text))


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("notebooks")
    write_module(folder, "helpers_mod", HELPERS)
    write_module(folder, "kinds_mod", KINDS)
    sys.path.insert(0, str(folder))
    module = importlib.import_module("kinds_mod")
    yield module
    module.HANDLE.close()
    sys.path.remove(str(folder))
    for name in ("kinds_mod", "helpers_mod"):
        del sys.modules[name]


@pytest.fixture(scope="module")
def bundles(kinds: ModuleType) -> dict[str, FunctionBundle]:
    return {name: bundle_function(getattr(kinds, name), "fn_build") for name in STORED}


@pytest.fixture(scope="module")
def elsewhere(bundles, tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("stored")
    for name, bundle in bundles.items():
        (folder / f"{name}.bundle").write_bytes(to_bytes(bundle))
    return json.loads(run_python(LOADER, str(folder)))


@pytest.mark.parametrize(("kind", "reason"), STORED.items())
def test_kind(kind, reason, bundles):
    bundle = bundles[kind]
    assert (bundle.reason, bundle.is_opaque) == (reason, bool(reason))
    assert bundle.name == "fn_build"


@pytest.mark.parametrize("kind", STORED)
def test_same_result_in_another_process(kind, kinds, elsewhere):
    assert elsewhere[kind] == repr(getattr(kinds, kind)(4))


@pytest.mark.parametrize(("kind", "texts"), REFUSED.items())
def test_refused(kind, texts, kinds):
    with pytest.raises(InvalidFunction) as caught:
        bundle_function(getattr(kinds, kind), "fn_train")
    for text in ("fn_train", *texts):
        assert text in str(caught.value)


def test_text_is_complete_and_in_order(bundles):
    assert bundles["uses_class"].source == (
        "import math\n\n\n"
        "SCALE = 3\n_hidden = {'shift': 10}\n\n\n"
        "def deep(x):\n    return x * SCALE\n\n\n"
        'def scaled(x):\n    """Nested helper."""\n    return deep(x) + _hidden["shift"]\n\n\n'
        "class Doubler:\n    factor = 2\n\n"
        "    def __init__(self, base):\n        self.base = base\n\n"
        "    @property\n    def value(self):\n"
        "        return self.base * self.factor + math.floor(0.5)\n\n"
        "    @staticmethod\n    def plus(x):\n        return scaled(x)\n\n\n"
        "def uses_class(x):\n    return Doubler(x).value + Doubler.plus(x)\n"
    )


@pytest.mark.parametrize("kind", [name for name, reason in STORED.items() if not reason])
def test_bundle_of_a_loaded_bundle_is_the_same(kind, bundles):
    again = bundle_function(load_function(bundles[kind]), "fn_build")
    assert again.source == bundles[kind].source
    assert again.sha256 == bundles[kind].sha256


def test_loaded_function_shows_its_text_and_is_loaded_once(bundles):
    function = load_function(bundles["uses_helper"])
    assert function is load_function(from_bytes(to_bytes(bundles["uses_helper"])))
    filename = function.__code__.co_filename
    assert "".join(linecache.getlines(filename)) == bundles["uses_helper"].source
    # autograph drops the entry and lets the module's loader bring it back
    linecache.updatecache(filename, function.__globals__)
    assert inspect.getsource(function) == "def uses_helper(x):\n    return sum(local_helper(x))\n"


def test_bundle_sees_no_name_of_the_loading_process(bundles, kinds, monkeypatch):
    monkeypatch.setattr(sys.modules["__main__"], "RATE", "trap", raising=False)
    monkeypatch.setattr(kinds, "RATE", "changed later")
    assert load_function(bundles["uses_constant"])(4) == 4 * 0.5 + 3 + 0.25


# identity ---------------------------------------------------------------------------------

IDENTITY = """
import sys
sys.path[:0] = sys.argv[1:3]
import kinds_mod
from aiqc.core.functions import bundle_function
kinds_mod.HANDLE.close()
for name in sys.argv[3:]:
    print(name, bundle_function(getattr(kinds_mod, name), "fn_lose").sha256)
"""


@pytest.mark.parametrize("seed", ["0", "1"])
def test_identity_is_the_same_in_every_process(seed, kinds, bundles):
    names = [name for name, reason in STORED.items() if not reason]
    folder = str(Path(kinds.__file__).parent)
    printed = run_python(IDENTITY, folder, *names, PYTHONHASHSEED=seed)
    expected = [f"{name} {bundles[name].sha256}" for name in names]
    assert printed.splitlines() == expected


@pytest.mark.parametrize(
    "changed",
    [
        FunctionBundle("fn_build", "f", "def f(): return 2\n"),
        FunctionBundle("fn_build", "g", "def f(): return 1\n"),
        FunctionBundle("fn_build", "f", "def f(): return 1\n", b""),
        FunctionBundle("fn_build", "f", "def f(): return 1\n", b"other"),
        FunctionBundle("fn_build", "fd", "ef f(): return 1\n"),
    ],
)
def test_identity_covers_what_runs_and_what_is_shown(changed):
    honest = FunctionBundle("fn_build", "f", "def f(): return 1\n")
    assert changed.sha256 != honest.sha256
    assert FunctionBundle("fn_lose", "f", honest.source, None, "r").sha256 == honest.sha256


# notebooks --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    from IPython.core.interactiveshell import InteractiveShell

    os.environ["IPYTHONDIR"] = str(tmp_path_factory.mktemp("ipython"))
    shell = InteractiveShell()

    def run(cell: str):
        shell.run_cell(textwrap.dedent(cell), store_history=True).raise_error()
        return shell.user_ns

    yield run
    atexit.unregister(shell.atexit_operations)
    shell.history_manager.end_session()
    shell.history_manager.db.close()


def test_notebook_cells(notebook):
    notebook("import numpy as np\nfrom dataclasses import dataclass, field\nRATE = 2")
    notebook("""
        @dataclass
        class Config:
            rate: float = RATE
            sizes: list = field(default_factory=list)
    """)
    notebook("""
        class Net:
            def run(self, x):
                return helper(x) + Config().rate
    """)
    notebook("def helper(x):\n    return int(np.prod([x, 2]))")
    cell = "def fn_build(x, **hp):\n    # a comment\n    with_open = open\n    return Net().run(x)"
    bundle = bundle_function(notebook(cell)["fn_build"], "fn_build")
    assert bundle.reason == ""
    assert bundle.source == textwrap.dedent("""\
        import numpy as np
        from dataclasses import dataclass, field


        RATE = 2


        def helper(x):
            return int(np.prod([x, 2]))


        @dataclass
        class Config:
            rate: float = RATE
            sizes: list = field(default_factory=list)


        class Net:
            def run(self, x):
                return helper(x) + Config().rate


        def fn_build(x, **hp):
            # a comment
            with_open = open
            return Net().run(x)
    """).replace("import dataclass, field", "import dataclass\nfrom dataclasses import field")
    assert load_function(bundle)(5) == 12
    assert bundle_function(notebook(cell)["fn_build"], "fn_build").sha256 == bundle.sha256


def test_notebook_helper_run_again_with_another_text_is_the_one_that_is_stored(notebook):
    notebook("def level():\n    return 1")
    notebook("def fn_lose():\n    return level()")
    first = bundle_function(notebook("pass")["fn_lose"], "fn_lose")
    second = bundle_function(notebook("def level():\n    return 2")["fn_lose"], "fn_lose")
    assert (load_function(first)(), load_function(second)()) == (1, 2)
    assert first.sha256 != second.sha256


def test_notebook_only_names_are_refused(notebook):
    function = notebook("def listing():\n    !ls\n    return 1")["listing"]
    with pytest.raises(InvalidFunction, match=r"'get_ipython', which exists only in a notebook"):
        bundle_function(function, "fn_build")


# what the live objects hold counts, not what their text says ---------------------------------


def define(text: str, **names: object) -> dict[str, object]:
    """Execute a text as a module whose source linecache knows, as notebooks do."""
    text = textwrap.dedent(text)
    filename = f"<cell {hash(text)}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    space: dict[str, object] = {"__name__": "__main__", "_ih": [text], **names}
    exec(compile(text, filename, "exec", dont_inherit=True), space)
    return space


DECORATOR = """
def deco(fn):
    @functools.wraps(fn)
    def w():
        return fn() + {}
    return w
"""

#: the same decorator with another number, as if its cell had been edited and run again
LATER_DECORATOR = f"""
import linecache
text = {DECORATOR.format(2)!r}
linecache.cache["<edited>"] = (len(text), None, text.splitlines(True), "<edited>")
exec(compile(text, "<edited>", "exec"))
"""

CHANGED = {
    # a default that was made from a global that has changed since
    "default": ("A = 1\ndef f(x=A):\n    return x", "A = 2", "the default 'A' of 'f'"),
    "computed": ("def f(x=[1].copy()):\n    return x", "", "the default '[1].copy()' of 'f'"),
    "mutated": ("def f(x=[]):\n    return x", "f.__defaults__[0].append(1)", "the default '[]'"),
    "attribute": (
        "class C:\n    k = 1\ndef f():\n    return C.k",
        "C.k = 5",
        "attribute 'k' of class 'C' was changed",
    ),
    "method": (
        "class C:\n    def m(self):\n        return 1\ndef f():\n    return C().m()",
        "def other(self):\n    return 2\nC.m = other",
        "the text of 'm' is not what the live function runs",
    ),
    "attached": (
        "class C:\n    def m(self):\n        return 1\ndef f():\n    return C().m()",
        "C.extra = lambda self: 3",
        "method 'extra' was attached to class 'C'",
    ),
    "base": (
        "class B:\n    k = 1\nclass C(B):\n    j = 2\ndef f():\n    return C.k",
        "class B:\n    k = 9",
        "the base 'B' of class 'C' was redefined",
    ),
    "decorator": (
        f"import functools{DECORATOR.format(1)}@deco\ndef f():\n    return 1",
        LATER_DECORATOR,
        "decorated by 'deco'",
    ),
    "computed attribute": (
        "def g():\n    return 4\nclass C:\n    k = g()\ndef f():\n    return C.k",
        "",
        "attribute 'k' of class 'C' is computed",
    ),
    "code": ("def f():\n    return 1", "f.__code__ = (lambda: 2).__code__", "lambda"),
    "function attribute": ("def f():\n    return f.k", "f.k = 2", "attributes set on 'f'"),
    "own class": (
        "class K:\n    def f(x):\n        return x\nf = K.f",
        "",
        "'K.f' is defined inside a class",
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_changed_since_defined_is_opaque_with_the_reason(case):
    text, later, reason = CHANGED[case]
    space = define(text)
    if later:
        exec(compile(later, "<later>", "exec"), space)
    bundle = bundle_function(space["f"], "fn_build")
    assert reason in bundle.reason
    live = space["f"]
    arguments = (3,) if case == "own class" else ()
    assert load_function(bundle)(*arguments) == live(*arguments)


READABLE = {
    "decorator with literals": (
        "import functools\n"
        "def times(k):\n    def deco(fn):\n        @functools.wraps(fn)\n"
        "        def w():\n            return fn() * k\n        return w\n    return deco\n"
        "@times(3)\n@times(k=2)\ndef f():\n    return 1",
        6,
    ),
    "class needs its base first": (
        "class A:\n    def make(self):\n        return B()\n    k = 1\n"
        "class B(A):\n    k = A.k + 1\n"
        "def f():\n    return A().make().k",
        2,
    ),
    "base used by its child's method": (
        "class A:\n    def make(self):\n        return B()\n    k = 1\n"
        "class B(A):\n    k = 2\n"
        "def f():\n    return A().make().k",
        2,
    ),
    "super and names in comprehensions": (
        "class A:\n    def m(self):\n        return 2\n"
        "class B(A):\n    def m(self):\n        return super().m() + 1\n"
        "def g(x):\n    return x + 1\n"
        "def f():\n    return [g(i) for i in range(B().m())]",
        [1, 2, 3],
    ),
    "global written": (
        "count = 4\ndef f():\n    global count\n    count += 1\n    return count",
        5,
    ),
    "enum": (
        "import enum\nclass Mode(enum.Enum):\n    FAST = 'fast'\n    SLOW = 'slow'\n"
        "def f():\n    return Mode.FAST.value",
        "fast",
    ),
    "postponed annotations": (
        "from __future__ import annotations\nimport dataclasses\n@dataclasses.dataclass\n"
        "class P:\n    x: Unknown = 3\ndef f() -> Missing:\n    return P().x",
        3,
    ),
    "named values": (
        "import logging, numpy\nLOG = logging.getLogger('a.b')\nKIND = numpy.dtype('f4')\n"
        "SET = {'b', 'a', 'c'}\nTYPE = numpy.int16\n"
        "def f():\n    return LOG.name, KIND.itemsize, sorted(SET), TYPE(3).item()",
        ("a.b", 4, ["a", "b", "c"], 3),
    ),
    "shadowed builtin": ("def len(x):\n    return -1\ndef f():\n    return len([])", -1),
    "alias of a helper": ("def g():\n    return 5\nh = g\ndef f():\n    return h() + g()", 10),
}


@pytest.mark.parametrize("case", READABLE)
def test_readable(case):
    text, expected = READABLE[case]
    bundle = bundle_function(define(text)["f"], "fn_build")
    assert bundle.reason == ""
    assert load_function(bundle)() == expected


# refusals ---------------------------------------------------------------------------------


async def _coroutine():
    return 1


def _generator():
    yield 1


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (dict, "a class"),
        (len, "built in"),
        (3, "not callable"),
        (_coroutine, "a coroutine function"),
        (_generator, "a generator function"),
    ],
)
def test_no_function(function, text):
    with pytest.raises(InvalidFunction, match=f"fn_lose=.* is {text}.*def fn_lose"):
        bundle_function(function, "fn_lose")


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (
            "import sqlite3\ndb = sqlite3.connect(':memory:')\ndef f():\n    return db",
            "'db', a dat",
        ),
        ("import numpy\nbig = numpy.zeros(600_000)\ndef f():\n    return big", "4 MB.*'big'"),
        ("rows = (i for i in [1])\ndef f():\n    return rows", "'rows', a running generator"),
        ("import threading\ndef o(k):\n    return lambda: k\nf = o(threading.RLock())", "a lock"),
        ("f = lambda: missing_name", "'missing_name'"),
        (
            "class R:\n    def __reduce__(self):\n        return int, ('x',)\n"
            "def o(k):\n    return lambda: k\nf = o(R())",
            "cannot be loaded by another process: ValueError: invalid literal",
        ),
        (
            "def deco(fn):\n    def w():\n        return fn()\n    return w\n"
            "@deco\ndef f():\n    return missing_name",
            "'missing_name'",
        ),
    ],
)
def test_captures_that_cannot_leave(text, pattern):
    space = define(text)
    with pytest.raises(InvalidFunction, match=f"fn_build.*{pattern}"):
        bundle_function(space["f"], "fn_build")
    if "db" in space:
        space["db"].close()


def test_database_row_is_refused():
    import peewee

    class Row(peewee.Model):
        name = peewee.TextField()

    space = define("def f():\n    return row.name", row=Row(name="a"))
    with pytest.raises(InvalidFunction, match=r"global 'row', a database row of this process"):
        bundle_function(space["f"], "fn_build")


def test_function_of_an_installed_library_imports_its_neighbours():
    from aiqc.core import seeds

    bundle = bundle_function(seeds.derive, "fn_predict")
    assert bundle.reason == ""
    head = bundle.source.partition("def derive")[0].split()
    expected = (
        "from __future__ import annotations import numpy as np import numpy.random "
        "from aiqc.core.seeds import _number"
    )
    assert head == expected.split()
    assert load_function(bundle)(7, "fold", 3) == seeds.derive(7, "fold", 3)


def test_one_name_with_two_meanings_is_refused(tmp_path, monkeypatch):
    write_module(tmp_path, "other_mod", "RATE = 9\ndef other():\n    return RATE\n")
    monkeypatch.syspath_prepend(tmp_path)
    space = define("from other_mod import other\nRATE = 1\ndef f():\n    return other() + RATE")
    with pytest.raises(InvalidFunction, match=r"both named 'RATE'.*Rename"):
        bundle_function(space["f"], "fn_build")
    del sys.modules["other_mod"]


def test_file_changed_after_import_is_not_stored_as_the_new_text(tmp_path, monkeypatch):
    write_module(tmp_path, "edited_mod", "def f():\n    return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("edited_mod")
    write_module(tmp_path, "edited_mod", "def f():\n    return 22222\n")
    bundle = bundle_function(module.f, "fn_build")
    assert bundle.reason == "the text of 'f' is not what the live function runs"
    assert load_function(bundle)() == 1
    del sys.modules["edited_mod"]


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("def f(a, b, **hp): ...", True),
        ("def f(*args): ...", True),
        ("def f(a, b=1, c=2): ...", True),
        ("def f(a, *, b): ...", False),
        ("def f(**hp): ...", False),
    ],
)
def test_parameters(text, accepted):
    function = define(text)["f"]
    if accepted:
        assert bundle_function(function, "fn_build", parameters=("a", "b")).entry == "f"
        return
    with pytest.raises(InvalidFunction, match=r"fn_build takes .* called with \(a, b\)"):
        bundle_function(function, "fn_build", parameters=("a", "b"))


def test_describe_signature():
    signature = describe_signature(define("def f(a, b=1, *rest, c, **hp): ...")["f"])
    assert (signature.positional, signature.required) == (("a", "b"), ("a",))
    assert (signature.keyword_only, signature.accepts_args, signature.accepts_kwargs) == (
        ("c",),
        True,
        True,
    )


# reading and storing ------------------------------------------------------------------------


def test_reading_runs_nothing(tmp_path):
    canary = tmp_path / "ran"
    text = f"from pathlib import Path\n\n\nPath({str(canary)!r}).touch()\n"
    text += "\n\ndef f():\n    return 1\n"
    bomb = f"cposix\nsystem\n(S'touch {canary}'\ntR.".encode()
    source = to_bytes(FunctionBundle("fn_build", "f", text))
    opaque = to_bytes(FunctionBundle("fn_build", "f", "def f(): ...\n", bomb, "lambda\nimport os"))
    assert reveal_code(source) == text
    assert reveal_code(opaque) == (
        "# OPAQUE (lambda import os): bytes run that cannot be read; "
        "this text may not be what runs.\ndef f(): ...\n"
    )
    assert not canary.exists()
    load_function(from_bytes(source))
    assert canary.exists()


def test_making_runs_nothing(tmp_path):
    canary = tmp_path / "ran"
    space = define(
        "from pathlib import Path\n"
        "def touch(fn):\n    with Path(CANARY).open('a') as file:\n        file.write('x')\n"
        "    return fn\n"
        "def g():\n    return touch(2)\n"
        "def f():\n    return g()\n",
        CANARY=str(canary),
    )
    assert bundle_function(space["f"], "fn_build").reason == ""
    assert not canary.exists()


@pytest.mark.parametrize("kind", STORED)
def test_bytes_round_trip(kind, bundles):
    again = from_bytes(to_bytes(bundles[kind]))
    assert again == bundles[kind]
    assert to_bytes(again) == to_bytes(bundles[kind])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04",
        b"[]",
        b'{"format":2}',
        b'{"format":1,"name":"n","entry":"e","source":1,"opaque":null,"reason":""}',
        b'{"format":1,"name":"n","entry":"e","source":"","opaque":"!!","reason":""}',
    ],
)
def test_damaged_bytes(data):
    with pytest.raises(CorruptBlob, match=f"{len(data)} bytes are not a stored function"):
        from_bytes(data)


def test_text_without_its_function():
    with pytest.raises(CorruptBlob, match="defines no function 'f'"):
        load_function(FunctionBundle("fn_build", "f", "g = 1\n"))


def in_kernel(process, text):
    """Return what a cell of a kernel binds to `f`."""
    namespace = {"__name__": "__main__", "np": np}
    exec(compile(text, f"/tmp/ipykernel_{process}/77.py", "exec"), namespace)
    return namespace["f"]


#: cells whose `f` has no text that could run; `VALUE` is 1, or 2
CELLS = {
    "closure": "def g(n):\n    return lambda: n\nf = g(VALUE)",
    "lambda": "f = lambda x: x + VALUE",
    "array": "a = np.array([VALUE])\ndef f():\n    return a",
    "text": "f = lambda x: 'VALUE'",
}


@pytest.mark.parametrize("case", CELLS)
def test_likeness_is_the_same_in_another_kernel(case):
    first, again, other = (
        bundle_function(in_kernel(process, CELLS[case].replace("VALUE", value)), "fn_build")
        for process, value in ((1, "1"), (4194303, "1"), (1, "2"))
    )
    assert first.is_opaque
    assert first.sha256 != again.sha256, "the signature is of the very bytes"
    assert first.likeness == again.likeness
    assert first.likeness != other.likeness


def test_likeness_of_a_text_is_its_hash():
    bundle = FunctionBundle("fn_build", "f", "def f(): ...\n")
    assert bundle.likeness == bundle.sha256


def test_likeness_of_what_is_no_pickle():
    one, other, same = (
        FunctionBundle("fn_build", "f", "", data) for data in (b"one", b"other", b"one")
    )
    assert one.likeness == same.likeness != other.likeness


def test_globals_that_are_kept_as_bytes_come_in_one_order():
    text = "z, a, m = np.zeros(1), np.ones(2), np.ones(3)\ndef f():\n    return z, m, a\n"
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\nimport numpy as np\n"
        "from aiqc.core.functions import bundle_function\n"
        f"exec(compile({text!r}, 'cell.py', 'exec'))\n"
        "print(bundle_function(f, 'fn_build').sha256)"
    )
    hashes = set()
    for seed in ("1", "2", "3"):
        ran = subprocess.run(
            [sys.executable, "-c", code, str(Path(aiqc.__file__).parents[1])],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        hashes.add(ran.stdout)
    assert len(hashes) == 1
