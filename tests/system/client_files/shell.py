"""The main() of a client's own command, MODULE, for one line of words (JSON) on stdin after the
other: an interpreter starts once. A line of JSON says how each ended and what it wrote."""

import contextlib
import importlib
import io
import json
import sys

module = sys.argv[1]
main = importlib.import_module(module).main
answers = sys.stdout
for line in sys.stdin:
    sys.argv = [module, *json.loads(line)]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main()
        except SystemExit as end:
            code = end.code
    print(json.dumps([code or 0, out.getvalue(), err.getvalue()]), file=answers, flush=True)
