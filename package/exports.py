#!/usr/bin/env python3
"""Writes the linker's version script of a library, from what its static archive defines:

    exports.py OUT NODE ARCHIVE                          the public API under NODE, nothing else
    exports.py OUT NODE ARCHIVE PRIVATE_NODE GUEST...    and under PRIVATE_NODE what the guests need besides

The public API is what SIDENET_API marks: symbols of namespace sidenet with default visibility. An Impl is none of it."""
import re
import subprocess
import sys

PUBLIC = re.compile(r"_Z(N[KVRO]*|T[VTIS]N)7sidenet(?!.*4Impl)")
INSTANCE = re.compile(r"_Z(T[VTIS])?N?K?St")  # of the standard library's templates: every library has its own


def symbols(archive):
    """Of global symbols: (name, visibility, whether defined here)."""
    lines = subprocess.run(["readelf", "--symbols", "--wide", archive], check=True, capture_output=True, text=True).stdout
    for line in lines.splitlines():
        fields = line.split()  # number: value size type bind visibility section name
        if len(fields) >= 8 and fields[4] in ("GLOBAL", "WEAK", "UNIQUE"):
            yield fields[7], fields[5], fields[6] != "UND"


def node(name, exported, others=""):
    listed = "".join("    %s;\n" % symbol for symbol in sorted(exported))
    return "%s {\n%s%s};\n" % (name, "  global:\n" + listed if listed else "", others)


def main():
    out, public_node, archive, *rest = sys.argv[1:]
    defined = {name: visibility for name, visibility, here in symbols(archive) if here}
    public = {name for name, visibility in defined.items() if visibility == "DEFAULT" and PUBLIC.match(name)}
    script = node(public_node, public, "  local:\n    *;\n")
    if rest:
        private_node, *guests = rest
        seen = [symbol for guest in guests for symbol in symbols(guest)]
        needed = {name for name, _, here in seen if not here} - {name for name, _, here in seen if here}
        lent = {name for name in needed & defined.keys() - public if not INSTANCE.match(name)}
        script += node(private_node, lent)
    with open(out, "w", encoding="utf-8") as file:
        file.write(script)


if __name__ == "__main__":
    main()
