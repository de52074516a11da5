"""``python -m benchmarks [NAME ...]`` runs the benchmarks, each module's ``main()`` in turn."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks


def names() -> list[str]:
    """The modules that measure something."""
    found = [module.name for module in pkgutil.iter_modules(benchmarks.__path__)]
    return [
        name
        for name in found
        if name != "__main__" and hasattr(importlib.import_module(f"benchmarks.{name}"), "main")
    ]


def run(chosen: list[str]) -> int:
    """Run the chosen benchmarks, or all; a name that there is not is an error."""
    known = names()
    unknown = [name for name in chosen if name not in known]
    if unknown:
        print(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(known)}")
        return 4
    for name in chosen or known:
        print(f"== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
