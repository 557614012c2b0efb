"""Builds a wheel of one module, so that nothing has to be fetched."""

import pathlib
import zipfile

NAME = "greeting-1.0"
METADATA = "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: backend\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
SCRIPTS = "[console_scripts]\ngreeting = greeting:main\n"


def build_wheel(wheel_directory: str, *_: object, **__: object) -> str:
    """PEP 517's hook."""
    name = f"{NAME}-py3-none-any.whl"
    members = {
        "greeting.py": pathlib.Path("greeting.py").read_text(),
        f"{NAME}.dist-info/METADATA": METADATA,
        f"{NAME}.dist-info/WHEEL": WHEEL,
        f"{NAME}.dist-info/entry_points.txt": SCRIPTS,
    }
    record = "".join(f"{member},,\n" for member in members) + f"{NAME}.dist-info/RECORD,,\n"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as wheel:
        for member, text in {**members, f"{NAME}.dist-info/RECORD": record}.items():
            wheel.writestr(member, text)
    return name
