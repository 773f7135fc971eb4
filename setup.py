"""Packaging. Beside the usual, it puts ``configs``, ``tools`` and ``model-index.yml``
under ``mmstconv/.mim``, where mim looks for them.

In the checkout ``mmstconv/.mim`` holds symbolic links. A wheel gets copies. An
editable wheel gets one-line forwarders to the checkout: today's pip installs it
into site-packages, and that is where mim looks.
"""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
MIM_ENTRIES = ("configs", "tools", "model-index.yml")
# Run from a checkout only.
OF_THE_CHECKOUT = {ROOT / "tools" / name for name in ("benchmarks", "experiments")}


def requirements(name):
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


class BuildWithMim(build_py):
    def run(self):
        super().run()
        if self.editable_mode:
            install = self.get_finalized_command("install")
            self.fill(Path(install.install_lib), self.forward)
        else:
            self.fill(Path(self.build_lib), shutil.copyfile)

    @staticmethod
    def fill(lib, put):
        target = lib / "mmstconv" / ".mim"
        # the links of the checkout may have been copied along as they are
        shutil.rmtree(target, ignore_errors=True)
        for entry in MIM_ENTRIES:
            files = (
                [ROOT / entry]
                if (ROOT / entry).is_file()
                else (ROOT / entry).rglob("*")
            )
            for source in files:
                left_out = "__pycache__" in source.parts
                left_out = left_out or OF_THE_CHECKOUT.intersection(source.parents)
                if source.is_file() and not left_out:
                    copy = target / source.relative_to(ROOT)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    put(source, copy)

    @staticmethod
    def forward(source, copy):
        path = str(source)
        if source.suffix != ".py":
            shutil.copyfile(source, copy)
        elif "configs" in source.relative_to(ROOT).parts[:1]:
            copy.write_text(f"_base_ = {path!r}\n")
        else:
            copy.write_text(
                "import runpy\nimport sys\n\n"
                # as if it were started itself: it may import its neighbours
                f"sys.path[0] = {str(source.parent)!r}\n"
                f"runpy.run_path({path!r}, run_name='__main__')\n"
            )


setup(
    name="mmstconv",
    version=(ROOT / "mmstconv" / "version.py").read_text().split('"')[1],
    description="Tri-modal (RGB, flow, audio) spatio-temporal ConvNets for MMAction2",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["mmstconv", "mmstconv.*"]),
    package_dir={"": "."},
    install_requires=requirements("runtime.txt"),
    extras_require={
        "cloud": requirements("cloud.txt"),
        "completion": requirements("completion.txt"),
        "language": requirements("language.txt"),
        "mim": requirements("mim.txt"),
        "pretrained": requirements("pretrained.txt"),
        "ray": requirements("ray.txt"),
        "summaries": requirements("summaries.txt"),
        "tables": requirements("tables.txt"),
        "tests": requirements("tests.txt"),
    },
    entry_points={"console_scripts": ["mmstconv = mmstconv.__main__:main"]},
    cmdclass={"build_py": BuildWithMim},
    zip_safe=False,
)
