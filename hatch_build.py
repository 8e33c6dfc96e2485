"""Compiles the C code, and makes the links of README.md absolute for PyPI.

pyproject.toml names two hooks for hatchling: `NativeBuildHook` for wheels and editable installs,
and `ReadmeHook` for all metadata. Without a C compiler the wheel contains only Python.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

PACKAGE = "generated/codetracer_bindings"
FOLDERS = ("shared", "guard", "engine", "reading")
"""The folders of `native/`. Units include headers without naming the folder."""
MODULES = {
    "codetracer_bindings._native": [f"{PACKAGE}/_native.c", "guard/guard.c"],
    "codetracer_bindings._engine": ["shared/checksum.c", "shared/fields.c", "engine/*.c"],
    "codetracer_bindings._decoder": ["shared/fields.c", "reading/decoder.c", "reading/making.c"],
    "codetracer_bindings._indexer": [
        "shared/checksum.c",
        "shared/fields.c",
        "reading/indexer.c",
        "reading/segment.c",
        "reading/walk.c",
    ],
}
"""The sources of each extension module, in `native/` or by their path in the project."""
STABLE_ABI = "0x030c0000"
POSIX = sys.platform != "win32"


class ReadmeHook(MetadataHookInterface):
    """Adds README.md to the metadata, with links that also work outside of the repository."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Set ``readme``; relative links become links below ``Homepage`` of ``[project.urls]``."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": with_absolute_links(text, metadata["urls"]["Homepage"]),
        }


class NativeBuildHook(BuildHookInterface[Any]):
    """Builds the C modules for the stable ABI of 3.12, so that one wheel works on all versions."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before hatchling collects the wheel's files; if that fails, build without C."""
        for binary in Path(self.root, PACKAGE).iterdir():
            # The wheel must not contain binaries of an earlier build if this one fails.
            if binary.suffix in (".so", ".pyd"):
                binary.unlink()
        if sysconfig.get_config_var("Py_GIL_DISABLED"):
            self.app.display_warning(
                "codetracer: no native callbacks: a free-threaded CPython has no stable ABI before"
                " 3.15; the callbacks in Python are used"
            )
            return
        try:
            compile_extensions(Path(self.root))
        except (Exception, SystemExit) as error:
            self.app.display_warning(
                f"codetracer: no native callbacks, because they cannot be compiled ({error}); the"
                " callbacks and the recorder in Python are used. Install a C compiler and the"
                " headers of CPython, then install codetracer again"
            )
            return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"cp312-abi3-{platform}"


def with_absolute_links(markdown: str, address: str) -> str:
    """Return a page in which relative links are links to the project's page.

    Parameters:
        markdown: the page; a link to a folder ends with ``/``.
        address: the address of the project on GitHub, without a slash at the end.
    """

    def absolute(link: re.Match[str]) -> str:
        kind = "tree" if link[0].partition("#")[0].endswith("/") else "blob"
        return f"{address}/{kind}/main/{link[0]}"

    return re.sub(r"(?<=\]\()(?![a-z]+:|#)[^()\s]+(?=\))", absolute, markdown)


def compile_extensions(root: Path) -> None:
    """Compile the extension modules into the source tree, beside the bindings in Python.

    Raises:
        Exception: setuptools is missing, there is no compiler, or it fails.
    """
    from setuptools import Distribution, Extension

    modules = dict(MODULES)
    if sys.platform == "win32" or sys.byteorder == "big":
        # The engine uses dlsym, and copies numbers to the log in the byte order of the machine.
        del modules["codetracer_bindings._engine"]
    extensions = [
        Extension(
            module,
            sources_of(root, patterns),
            include_dirs=[*(str(root / "native" / name) for name in FOLDERS), str(root / PACKAGE)],
            depends=[
                *map(str, root.glob("native/*/*.h")),
                *map(str, root.glob(f"{PACKAGE}/*.h")),
            ],
            define_macros=[("Py_LIMITED_API", STABLE_ABI)],
            # C assumes that a function returns an int if CPython's headers no longer declare it.
            extra_compile_args=["-Werror=implicit-function-declaration"] if POSIX else [],
            py_limited_api=True,
        )
        for module, patterns in modules.items()
    ]
    command: Any = Distribution(
        {"ext_modules": extensions, "package_dir": {"": str(root / "generated")}}
    ).get_command_obj("build_ext")
    command.inplace = True
    command.build_temp = str(root / "build")
    command.ensure_finalized()
    build_in_turn = command.build_extensions

    def build_extensions() -> None:
        # setuptools has set the compiler by now. It compiles one source after the other. On Windows
        # the compiler is searched for at its first source.
        if POSIX:
            command.compiler.compile = _in_parallel(command.compiler.compile)
        build_in_turn()

    command.build_extensions = build_extensions
    command.run()
    for binary in (root / PACKAGE).glob("*.abi3-*.so"):
        # Earlier versions do not load a file with 3.15's name; 3.15 loads files with both names.
        binary.replace(binary.with_name(f"{binary.name.partition('.')[0]}.abi3.so"))


def sources_of(root: Path, patterns: Sequence[str]) -> list[str]:
    """Return the paths of the sources that the patterns of `MODULES` match, in order."""
    found = []
    for pattern in patterns:
        folder = root if pattern.startswith(PACKAGE) else root / "native"
        found += sorted(map(str, folder.glob(pattern)))
    return found


def _in_parallel(compile_sources: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """Return a function that compiles sources as this one does, but at the same time."""

    def compile_each(sources: list[str], **options: Any) -> list[str]:
        with ThreadPoolExecutor() as pool:
            compiled = pool.map(lambda source: compile_sources([source], **options), sources)
            return [binary for binaries in compiled for binary in binaries]

    return compile_each


if __name__ == "__main__":
    compile_extensions(Path(__file__).resolve().parent)
    sys.stdout.write("compiled\n")
