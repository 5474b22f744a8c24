#!/usr/bin/python3
"""Feeds the checks of .ci/checks small trees with one mistake each, and trees that look like a mistake."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKS = pathlib.Path(__file__).resolve().parents[2] / ".ci" / "checks"


def run(check, files):
    """(exit status, output) of a check over a tree made of {path: text}."""
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, "-B", str(CHECKS / check), str(root)], capture_output=True, text=True,
                              check=False)
        return done.returncode, done.stdout + done.stderr


class Checks(unittest.TestCase):
    def finds(self, check, path, text, words):
        status, output = run(check, {path: text})
        self.assertEqual(status, 1, output)
        self.assertIn(words, output)
        self.assertIn(path, output)

    def accepts(self, check, path, text):
        status, output = run(check, {path: text})
        self.assertEqual(status, 0, output)


class Dependencies(Checks):
    def include(self, path, header, words):
        self.finds("dependencies", path, f"int x;\n#include {header}\n", words)

    def test_each_wrong_direction_is_said_in_words(self):
        self.include("protocols/modbus/frame.cpp", '"gateway/site/level.hpp"', "usable without the gateway")
        self.include("gateway/schedule/plan.cpp", "<boost/asio/awaitable.hpp>", "schedule/ is pure")
        self.include("gateway/fault/step.cpp", '"gateway/store/queue.hpp"', "fault/ must not know store/")
        self.include("gateway/site/level.hpp", '"gateway/schedule/plan.hpp"', "stands on nobody")
        self.include("gateway/store/queue.cpp", '"gateway/northbound/session.hpp"', "store/ must not know northbound/")
        self.include("tests/sim/lamp.cpp", '"protocols/modbus/frame.hpp"', "must not share code")
        self.include("gateway/device/poller.cpp", '"tests/support/fake.hpp"', "must not include test code")
        self.include("gateway/device/poller.cpp", '"poller.hpp"', "path from the root")
        self.include("gateway/newpart/a.cpp", '"gateway/site/level.hpp"', "not in the table")

    def test_each_library_has_one_home(self):
        self.include("gateway/northbound/session.cpp", "<mqtt/async_client.h>", "Paho belongs to northbound/paho_link")
        self.include("gateway/energy/ledger.cpp", "<sqlite3.h>", "SQLite belongs to store/")
        self.include("gateway/device/model.cpp", "<toml++/toml.h>", "toml++ belongs to settings/")
        self.include("gateway/app/app.cpp", "<boost/beast/http.hpp>", "Boost.Beast belongs to local/")
        self.include("gateway/schedule/sun.cpp", "<date/tz.h>", "Hinnant date belongs to platform/")

    def test_a_third_file_with_beast_is_one_too_many(self):
        files = {f"gateway/local/{name}.cpp": "#include <boost/beast/http.hpp>\n" for name in "abc"}
        status, output = run("dependencies", files)
        self.assertEqual(status, 1, output)
        self.assertIn("at most 2", output)

    def test_what_the_architecture_allows_passes(self):
        for path, header in (("gateway/device/poller.cpp", '"protocols/driver.hpp"'),
                             ("gateway/northbound/paho_link.cpp", "<mqtt/async_client.h>"),
                             ("gateway/app/app.cpp", '"gateway/store/queue.hpp"'),
                             ("gateway/main.cpp", '"gateway/app/app.hpp"'),
                             ("gateway/json/json_impl.cpp", "<boost/json/src.hpp>"),
                             ("tests/store/queue_test.cpp", '"gateway/store/queue.hpp"')):
            self.accepts("dependencies", path, f"#include {header}\n")


class Clocks(Checks):
    def test_every_way_to_read_a_clock_is_found(self):
        for line in ("auto t = std::chrono::steady_clock::now();", "auto t = MonoTime::clock::now();",
                     "timespec t; clock_gettime(0, &t);", "auto t = time(nullptr);", "auto t = std::time(0);",
                     "boost::asio::steady_timer timer(executor);", "stream.expires_after(x);"):
            self.finds("clocks", "gateway/control/step.cpp", line + "\n", "reads a clock")

    def test_sleeping_tests_are_found(self):
        for line in ("std::this_thread::sleep_for(1ms);", "usleep(5);", "::sleep(1);"):
            self.finds("clocks", "tests/store/queue_test.cpp", line + "\n", "sleeps")

    def test_comments_names_and_the_named_places_pass(self):
        self.accepts("clocks", "gateway/control/step.cpp",
                     "// steady_clock::now() is not read here\nauto t = poller.time(0); auto n = now(); int d = 1'000;\n")
        self.accepts("clocks", "gateway/platform/clock.cpp", "auto t = std::chrono::steady_clock::now();\n")
        self.accepts("clocks", "protocols/wire/asio_timers.cpp", "boost::asio::steady_timer timer(executor);\n")
        self.accepts("clocks", "tests/sim/main.cpp", "std::this_thread::sleep_for(1ms);\n")


class Coroutines(Checks):
    def finds_in(self, statement, words):
        self.finds("coroutines", "gateway/app/run.cpp",
                   "boost::asio::awaitable<void> run() {\n    int before = f(1);\n    " + statement + "\n}\n", words)

    def accepts_in(self, statement):
        self.accepts("coroutines", "gateway/app/run.cpp",
                     "boost::asio::awaitable<void> run() {\n    int before{1};\n    " + statement + "\n}\n")

    def test_braces_in_an_awaited_expression_are_found(self):
        self.finds_in("co_await f(Aggregate{a, b});", "braces build a temporary")
        self.finds_in("auto x = co_await f({a, b});", "braces build a temporary")
        self.finds_in("co_await f(std::vector<std::string>{a, b});", "braces build a temporary")
        self.finds_in("g(co_await f(a), Thing{b});", "braces build a temporary")
        self.finds_in("auto v = std::vector<int>{co_await f(a), 1};", "co_await inside a braced initialiser")
        self.finds_in("if (co_await f(Aggregate{a})) g();", "braces build a temporary")

    def test_the_conditional_operator_is_found_on_either_side(self):
        self.finds_in("auto x = ready ? co_await f(a) : b;", "`?:`")
        self.finds_in("auto x = co_await f(ready ? a : b);", "`?:`")

    def test_closures_that_own_something_are_found(self):
        self.finds_in("co_await f([x] { return x; });", "captures by value (x)")
        self.finds_in("co_await f([=] { return x; });", "captures by value (=)")
        self.finds_in("co_await co_spawn(ex, [s]() -> awaitable<void> { co_return; }, use_awaitable);",
                      "captures by value (s)")
        self.finds_in("co_spawn(ex, [&]() -> awaitable<void> { co_await g(); }(), detached);", "called as a temporary")

    def test_what_works_passes(self):
        for statement in ("co_await f(named, std::move(other));", "auto r = co_await f(std::string(\"{a ? b}\"));",
                          "if (co_await f(a)) { g(Thing{b}); }", "if (auto r = co_await f(a); r) { g(x ? y : z); }",
                          "while (!co_await f(a)) { h({b}); }", "co_await f([&s] { return s; });",
                          "const Thing thing{a, b};\n    co_await f(thing);", "auto x = r ? a : b;\n    co_await f(x);",
                          "for (const auto& i : items) { co_await f(i); }\n    Thing last{x ? y : z};",
                          "co_return co_await f(a);", "switch (co_await f(a)) { case 1: g({b}); }",
                          "co_spawn(ex, [this]() -> awaitable<void> { co_await g(); }, detached);"):
            self.accepts_in(statement)


class Lengths(Checks):
    def test_a_file_of_401_lines_is_found_and_one_of_400_is_not(self):
        self.finds("lengths", "gateway/app/app.cpp", "int x;\n" * 401, "401 lines")
        self.accepts("lengths", "gateway/app/app.cpp", "int x;\n" * 400)


if __name__ == "__main__":
    unittest.main()
