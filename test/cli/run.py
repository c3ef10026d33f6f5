#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: what is refused and how, exit statuses, signals, faults of the host, the terminal.

usage: run.py [PART OF A NAME...]
Ends with "N passed, N failed".
"""
import subprocess
import sys
import tempfile

import bad_input
import control
import debugger
import faults
import images
import sandbox
import signals
import term
import vnc
from lib import GuestError, Skip, make_files


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as top:
        files = make_files(top)
        for name, fn in [c for part in (bad_input, faults, signals, images, control, sandbox, debugger, term, vnc) for c in part.cases(files)]:
            if len(sys.argv) > 1 and not any(a in name for a in sys.argv[1:]):
                continue
            try:
                why = fn()
            except Skip as e:
                print(f"skip  {name}: {e}", flush=True)
                continue
            except (GuestError, OSError, subprocess.SubprocessError) as e:
                why = str(e) or repr(e)
            if why:
                print(f"FAIL  {name}: {why}", flush=True)
                failed += 1
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
