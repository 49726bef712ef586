#!/usr/bin/python3
"""Writes files into C: embed.py OUT ROOT FILE..., each named by its path below ROOT."""
import os
import sys


def literal(data):
    plain = {ord('"'): '\\"', ord("\\"): "\\\\", ord("\n"): "\\n", ord("?"): "\\?"}
    return "".join(plain.get(b) or (chr(b) if 32 <= b < 127 else "\\%03o" % b) for b in data)


def main(out, root, files):
    with open(out, "w") as c:
        c.write('#include "cli/examples.h"\n\nconst struct example examples[] = {\n')
        for path in sorted(files):
            with open(path, "rb") as f:
                lines = f.read().splitlines(keepends=True)
            c.write('    {"%s", BYTES_INIT(' % os.path.relpath(path, root))
            for line in lines:
                c.write('\n        "%s"' % literal(line))
            c.write(")},\n")
        c.write("};\nconst size_t example_count = sizeof examples / sizeof examples[0];\n")


main(sys.argv[1], sys.argv[2], sys.argv[3:])
