"""A digest of sources, for the keys of caches:

    fingerprint.py --list FOLDER...             the sources there and below, a line each
    fingerprint.py OUT MACRO VERSIONS FILE...   a header that defines MACRO as the digest of the files, and of VERSIONS
"""

import hashlib
import pathlib
import sys

if sys.argv[1] == "--list":
    for folder in sys.argv[2:]:
        print(*sorted(path for path in pathlib.Path(folder).rglob("*") if path.suffix in (".cc", ".h")), sep="\n")
else:
    out, macro, versions, *files = sys.argv[1:]
    digest = hashlib.sha256(versions.encode())
    for path in sorted(map(pathlib.Path, files), key=lambda path: (path.name, path.read_bytes())):
        digest.update(b"\0" + path.name.encode() + b"\0" + path.read_bytes())
    pathlib.Path(out).write_text(f'#define {macro} "{digest.hexdigest()[:32]}"\n')
