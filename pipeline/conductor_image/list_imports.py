"""Write down what Ansible's own modules import of ansible.module_utils: PACKAGES TARGET.

TARGET is JSON: the SHA-256 of each file's content, and the names as Mitogen finds them in it. See the strategy
baseimage_linear.
"""

import hashlib
import json
import pathlib
import sys

from ansible_mitogen.module_finder import walk_imports

packages, target = map(pathlib.Path, sys.argv[1:])
found = {}
for folder in ("ansible/module_utils", "ansible/modules"):
    for file in sorted((packages / folder).rglob("*.py")):
        source = file.read_bytes()
        names = walk_imports(compile(source, file.name, "exec"), "ansible.module_utils")
        found[hashlib.sha256(source).hexdigest()] = list(dict.fromkeys(names))
target.write_text(json.dumps(found), encoding="utf-8")
