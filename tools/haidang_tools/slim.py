"""Makes a module of the node cheaper to hold in memory, without changing what it does.

MicroPython keeps every name of a loaded module in RAM for ever: attributes, globals, parameters.
Private names and parameters are known in one module or function alone, so they get short names
that all modules share. Public names, and with them every name in the contract, stay.
"""

import ast
import builtins
import string
from collections.abc import Iterable, Iterator

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_BUILTINS = frozenset(dir(builtins))


class Names:
    """What the whole application uses in a way that a single module does not show."""

    def __init__(self, sources: Iterable[str]) -> None:
        """Look through all modules; names in `fixed` are left as they are."""
        self.fixed: set[str] = set()
        for source in sources:
            tree = ast.parse(source)
            self.fixed |= set(_keywords(tree)) | set(_texts(tree)) | _of_others(tree)


def slimmed(source: str, names: Names) -> str:
    """The same module with short names and without what only type checkers read."""
    tree = _WithoutTypes().visit(ast.parse(source))
    private = _Private(_short_private(tree, names.fixed))
    tree = private.visit(tree)
    _Parameters(names.fixed).visit(tree)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def is_private(name: str) -> bool:
    """Whether a name begins with exactly one underscore and says something."""
    return name.startswith("_") and not name.startswith("__") and len(name) > 1


class _WithoutTypes(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST | None:
        self.generic_visit(node)
        checked = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return None if checked else node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in ("TYPE_CHECKING", "__all__"):
            return None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self.generic_visit(node)
        if node.value is None:
            return None
        return ast.Assign([node.target], node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._untyped(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._untyped(node)

    def _untyped(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        for argument in _arguments(node.args):
            argument.annotation = None
        self.generic_visit(node)
        return node


class _Private(ast.NodeTransformer):
    """Renames private names of a module, wherever they stand in it."""

    def __init__(self, short: dict[str, str]) -> None:
        self._short = short

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._short.get(node.id, node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        node.attr = self._short.get(node.attr, node.attr)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._named(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._named(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._named(node)

    def visit_Global(self, node: ast.Global) -> ast.AST:
        node.names = [self._short.get(name, name) for name in node.names]
        return node

    def _named(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        node.name = self._short.get(node.name, node.name)  # type: ignore[attr-defined]
        return node


class _Parameters(ast.NodeVisitor):
    """Renames the parameters of each outermost function and of all functions inside it."""

    def __init__(self, fixed: set[str]) -> None:
        self._fixed = fixed

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._rename(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._rename(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._rename(node)

    def _rename(self, node: _Function) -> None:
        inside = list(ast.walk(node))
        if any(isinstance(one, ast.Global | ast.Nonlocal) for one in inside):
            return
        arguments = [one for one in inside if isinstance(one, ast.arg)]
        used = {one.id for one in inside if isinstance(one, ast.Name)} | _BUILTINS
        used |= {one.arg for one in arguments}
        used |= {one.name for one in inside if isinstance(one, ast.ExceptHandler) and one.name}
        free = (name for name in _letters() if name not in used)
        short = {
            one: next(free)
            for one in dict.fromkeys(argument.arg for argument in arguments)
            if one not in self._fixed and len(one) > 1 and one != "self"
        }
        for one in inside:
            if isinstance(one, ast.Name):
                one.id = short.get(one.id, one.id)
            elif isinstance(one, ast.arg):
                one.arg = short.get(one.arg, one.arg)
            elif isinstance(one, ast.ExceptHandler) and one.name:
                one.name = short.get(one.name, one.name)


def _short_private(tree: ast.AST, fixed: set[str]) -> dict[str, str]:
    constants = set(_constants(tree))
    found = dict.fromkeys(name for name in _names(tree) if is_private(name))
    # Constants are gone after compiling: they come last and take no name from the others.
    ordered = sorted((name for name in found if name not in fixed), key=constants.__contains__)
    return {name: f"_{number}" for number, name in enumerate(ordered)}


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


def _constants(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            function, target = node.value.func, node.targets[0]
            if isinstance(function, ast.Name) and function.id == "const":
                yield target.id if isinstance(target, ast.Name) else ""


def _keywords(tree: ast.AST) -> Iterator[str]:
    # A parameter that is anywhere given by its name keeps it everywhere.
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg:
            yield node.arg


def _texts(tree: ast.AST) -> Iterator[str]:
    # It may be a name for getattr or for namedtuple.
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _of_others(tree: ast.AST) -> set[str]:
    # Private names that a module shares: it does not make them itself, or not only on `self`.
    made: set[str] = set()
    used: set[str] = set()
    shared = set(_names(tree)) if _extends_another(tree) else set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Attribute):
            if not (isinstance(node.value, ast.Name) and node.value.id == "self"):
                shared.add(node.attr)
            (made if isinstance(node.ctx, ast.Store) else used).add(node.attr)
        elif isinstance(node, ast.Name):
            (made if isinstance(node.ctx, ast.Store) else used).add(node.id)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            used |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.arg):
            made.add(node.arg)
    return {name for name in shared | (used - made) if is_private(name)}


def _extends_another(tree: ast.AST) -> bool:
    # A class whose base comes from elsewhere shares its instances' names with it.
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    own = {node.name for node in classes} | _BUILTINS
    bases = [ast.unparse(base) for node in classes for base in node.bases]
    return any(base not in own for base in bases)


def _arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (one for one in (arguments.vararg, arguments.kwarg) if one)


def _letters() -> Iterator[str]:
    yield from string.ascii_lowercase
    for number in range(1000):
        yield f"a{number}"
