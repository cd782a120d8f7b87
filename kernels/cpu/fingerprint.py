"""All that settles what is in a kernel's weights:

    fingerprint.py --list FOLDER...     the sources there, a line each
    fingerprint.py OUT FILE...          a header with a digest of the files
"""

import hashlib
import pathlib
import sys

if sys.argv[1] == "--list":
    for folder in sys.argv[2:]:
        print(*sorted(path for path in pathlib.Path(folder).iterdir() if path.suffix in (".cc", ".h")), sep="\n")
else:
    digest = hashlib.sha256()
    for path in sorted(map(pathlib.Path, sys.argv[2:]), key=lambda path: path.name):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    pathlib.Path(sys.argv[1]).write_text(f'#define SIDENET_WEIGHTS_FINGERPRINT "{digest.hexdigest()[:32]}"\n')
