"""The Test Anything Protocol."""

count = 0
failed = 0


def ok(passed, name, *diagnostics):
    """One test; diagnostics are printed if it fails."""
    global count, failed
    count += 1
    print(f"{'ok' if passed else 'not ok'} {count} - {name}".replace("#", "\\#"), flush=True)
    if not passed:
        failed += 1
        for text in diagnostics:
            for line in str(text).splitlines():
                print(f"#   {line}", flush=True)
    return passed


def none(problems, name):
    """Passes when the list of problems is empty."""
    return ok(not problems, name, *problems)


def done():
    print(f"1..{count}", flush=True)
    return 1 if failed or not count else 0
