"""Runs test cases of unittest by the names of modules, classes or methods, and prints one line
for each: `result: ok|failed|error|skipped NAME`. What the cases print goes to stderr.

    python_tests.py NAME...
"""
import os
import sys
import test.support
import unittest

results = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


class Results(unittest.TestResult):
    def say(self, result, case):
        print("result:", result, case.id(), file=results)

    def addSuccess(self, case):
        self.say("ok", case)

    def addFailure(self, case, reason):
        super().addFailure(case, reason)
        self.say("failed", case)

    def addError(self, case, reason):
        super().addError(case, reason)
        self.say("error", case)

    def addSkip(self, case, reason):
        self.say("skipped", case)

    def addExpectedFailure(self, case, reason):
        self.say("failed as expected", case)

    def addUnexpectedSuccess(self, case):
        self.say("ok against expectation", case)

    def addSubTest(self, case, part, reason):
        super().addSubTest(case, part, reason)
        if reason is not None:
            self.say("failed", part)


# They look at one entry of a table, which is another one with other addresses: they fail without
# weir as well.
RANDOM = {"test.test_tracemalloc.TestTracemallocEnabled.test_snapshot"}


def cases_of(suite):
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            yield from cases_of(part)
        elif part.id() not in RANDOM:
            yield part


# No network, no files of gigabytes, no tests that only take time.
test.support.use_resources = []
result = Results()
suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:])
unittest.TestSuite(cases_of(suite)).run(result)
for _, reason in result.failures + result.errors:
    print(reason, file=sys.stderr)
