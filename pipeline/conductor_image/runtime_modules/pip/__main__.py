"""Run the target's pip. Ansible's pip module asks for that of the interpreter that it runs with, which is borrowed."""

import os
import shutil
import sys

for name in ("pip3", "pip"):
    if path := shutil.which(name):
        os.execv(path, [path, *sys.argv[1:]])  # noqa: S606 - it becomes that program
sys.exit("the image has no pip: install python3-pip, or give the pip module `virtualenv` or `executable`")
