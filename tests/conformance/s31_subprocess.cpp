// Section 31: subprocesses.
#include "processes.hpp"

#include <cstdlib>
#include <filesystem>
#include <system_error>

GYRE_TEST_CASE("subprocess: a program with its arguments, a command of the shell (S374, S377)") {
    Process process =
        co_await create_subprocess_exec("printf", {"%s-%s", "a b", "$HOME"}, {.stdout_ = PIPE});
    CHECK(process.pid() > 0);
    CHECK_FALSE(process.stdin_);
    CHECK(process.stdout_);
    CHECK_FALSE(process.stderr_);
    std::string text = co_await process.stdout_->read();
    CHECK(text == "a b-$HOME");
    int code = co_await process.wait();
    CHECK(code == 0);
    CHECK(process.returncode() == 0);
    code = co_await process.wait();
    CHECK(code == 0);

    text = co_await output_of("echo one; echo two");
    CHECK(text == "one\ntwo\n");
    process = co_await create_subprocess_shell("exit 7");
    code = co_await process.wait();
    CHECK(code == 7);
    process = co_await create_subprocess_shell("kill -9 $$");
    code = co_await process.wait();
    CHECK(code == -9);
    process = co_await create_subprocess_exec("test", "a", "=", "a");
    code = co_await process.wait();
    CHECK(code == 0);
    const std::vector<std::string> arguments{"a", "=", "b"};
    process = co_await create_subprocess_exec("test", arguments);
    code = co_await process.wait();
    CHECK(code == 1);
    CHECK(no_child());
}

GYRE_TEST_CASE("subprocess: options without arguments (S374)") {
    auto start = create_subprocess_exec("pwd", {.stdout_ = PIPE, .cwd = "/"});
    Process process = co_await std::move(start);
    ProcessOutput output = co_await process.communicate();
    CHECK(output.stdout_ == "/\n");
}

GYRE_TEST_CASE("subprocess: what cannot be started is an error that names it (S374)") {
    const std::size_t before = open_descriptors();
    const SubprocessOptions piped{.stdin_ = PIPE, .stdout_ = PIPE, .stderr_ = PIPE};
    std::string error = co_await ending(create_subprocess_exec("no-such-program", {}, piped));
    CHECK(error == "start no-such-program: No such file or directory");
    error = co_await ending(create_subprocess_exec("/no/such", {}, piped));
    CHECK(error == "start /no/such: No such file or directory");
    error = co_await ending(create_subprocess_exec("", {}, piped));
    CHECK(error == "start : No such file or directory");
    error = co_await ending(create_subprocess_exec("/etc/passwd", {}, piped));
    CHECK(error == "start /etc/passwd: Permission denied");
    error = co_await ending(create_subprocess_exec("true", {}, {.cwd = "/no/such"}));
    CHECK(error == "chdir /no/such: No such file or directory");
    error = co_await ending(create_subprocess_exec("true", {}, {.stdout_ = 9999}));
    CHECK(error == "descriptor 9999: Bad file descriptor");
    error = co_await ending(create_subprocess_exec("true", {}, {.stdout_ = STDOUT}));
    CHECK(error == "ValueError");
    error = co_await ending(create_subprocess_exec(std::string("tr\0ue", 5)));
    CHECK(error == "ValueError");
    CHECK(thrown_by([] { return create_subprocess_exec("true", {}, {.limit = 0}); }) ==
          "ValueError");
    CHECK(open_descriptors() == before);
    CHECK(no_child());
}

GYRE_TEST_CASE("subprocess: communicate feeds, collects and waits (S379, S380)") {
    const SubprocessOptions piped{.stdin_ = PIPE, .stdout_ = PIPE, .stderr_ = PIPE};
    Process process = co_await create_subprocess_shell("cat; echo problem >&2; exit 3", piped);
    ProcessOutput output = co_await process.communicate("text");
    CHECK(output.stdout_ == "text");
    CHECK(output.stderr_ == "problem\n");
    CHECK(process.returncode() == 3);

    // More than pipes and readers hold, both ways at once.
    const std::string big(3'000'000, 'x');
    process = co_await create_subprocess_exec("cat", {},
                                              {.stdin_ = PIPE, .stdout_ = PIPE, .limit = 1000});
    output = co_await process.communicate(big);
    CHECK(output.stdout_ == big);
    CHECK_FALSE(output.stderr_);

    process = co_await create_subprocess_exec("cat", {}, {.stdin_ = PIPE, .stdout_ = PIPE});
    output = co_await process.communicate();  // closes stdin, or cat would not end
    CHECK(output.stdout_ == "");

    process = co_await create_subprocess_exec("true", {}, {.stdin_ = PIPE});
    output = co_await process.communicate(big);  // takes none of it
    CHECK_FALSE(output.stdout_);
    CHECK(process.returncode() == 0);

    process = co_await create_subprocess_exec("true");
    CHECK(thrown_by([&] { return process.communicate("input"); }) == "ValueError");
    co_await process.wait();
    CHECK(no_child());
}

GYRE_TEST_CASE(
    "subprocess: the streams talk back and forth; closing one leaves the others "
    "(S386)") {
    Process process = co_await create_subprocess_exec("cat", {}, {.stdin_ = PIPE, .stdout_ = PIPE});
    for (int i = 0; i < 3; ++i) {
        process.stdin_->write("line\n");
        co_await process.stdin_->drain();
        std::string line = co_await process.stdout_->readline();
        CHECK(line == "line\n");
    }
    process.stdin_->close();
    co_await process.stdin_->wait_closed();
    std::string rest = co_await process.stdout_->read();
    CHECK(rest.empty());
    int code = co_await process.wait();
    CHECK(code == 0);

    // The writer sees that nobody reads any more.
    process = co_await create_subprocess_shell(
        "exec <&-; echo closed; exec cat >/dev/null </dev/null", {.stdin_ = PIPE, .stdout_ = PIPE});
    std::string line = co_await process.stdout_->readline();
    CHECK(line == "closed\n");
    co_await process.stdin_->wait_closed();
    co_await process.wait();
    rest = co_await process.stdout_->read();
    CHECK(rest.empty());
    co_await finish(process);
}

GYRE_TEST_CASE("subprocess: drain tells that the program takes no more (S386)") {
    Process process = co_await create_subprocess_shell("read line", {.stdin_ = PIPE});
    process.stdin_->write("go\n" + std::string(1 << 20, 'x'));
    std::string end = co_await ending(process.stdin_->drain());
    const bool told = end.find("Broken pipe") != std::string::npos ||
                      end.find("Connection reset") != std::string::npos;
    CHECK_MESSAGE(told, end);
    const int code = co_await process.wait();
    CHECK(code == 0);
    end = co_await ending(process.stdin_->wait_closed());
    CHECK(end != "done");
}

GYRE_TEST_CASE("subprocess: its streams can be opened by name (S385)") {
    Process process = co_await create_subprocess_shell("cat /dev/stdin >/dev/stdout",
                                                       {.stdin_ = PIPE, .stdout_ = PIPE});
    ProcessOutput output = co_await process.communicate("abc");
    CHECK(output.stdout_ == "abc");
    CHECK(process.returncode() == 0);
}

GYRE_TEST_CASE("subprocess: what was written before the end can be read after it (S381)") {
    Process process = co_await create_subprocess_shell("echo text", {.stdout_ = PIPE});
    co_await process.wait();
    std::string text = co_await process.stdout_->read();
    CHECK(text == "text\n");
    co_await finish(process);
}

GYRE_TEST_CASE(
    "subprocess: wait completes at the end of the process, whoever has its pipes "
    "(S378)") {
    Process process = co_await create_subprocess_shell("sleep 1000 & echo $!", {.stdout_ = PIPE});
    std::string line = co_await process.stdout_->readline();
    const int code = co_await process.wait();
    CHECK(code == 0);
    CHECK_FALSE(process.stdout_->at_eof());
    const int sleeper = std::atoi(line.c_str());
    REQUIRE(sleeper > 1);
    ::kill(sleeper, SIGKILL);
    std::string rest = co_await process.stdout_->read();
    CHECK(rest.empty());
    co_await finish(process);
}

GYRE_TEST_CASE("subprocess: any number wait, and a cancelled wait can be taken up (S377)") {
    Process process = co_await create_subprocess_exec("cat", {}, {.stdin_ = PIPE});
    auto first = create_task(process.wait());
    auto second = create_task(process.wait());
    co_await ticks(3);
    CHECK_FALSE(process.returncode());
    first.cancel();
    const std::string end = co_await ending(first);
    CHECK(end == "CancelledError");
    CHECK_FALSE(process.returncode());
    process.terminate();
    int code = co_await second;
    CHECK(code == -SIGTERM);
    code = co_await process.wait();
    CHECK(code == -SIGTERM);
    co_await finish(process);
}

GYRE_TEST_CASE("subprocess: streams may be merged, thrown away, or a descriptor (S385)") {
    Process process = co_await create_subprocess_shell(
        "echo out; echo err >&2", {.stdout_ = PIPE, .stderr_ = subprocess::STDOUT});
    ProcessOutput output = co_await process.communicate();
    CHECK(output.stdout_ == "out\nerr\n");
    CHECK_FALSE(output.stderr_);
    CHECK_FALSE(process.stderr_);

    process =
        co_await create_subprocess_shell("cat; echo out; echo err >&2; echo $?",
                                         {.stdin_ = DEVNULL, .stdout_ = PIPE, .stderr_ = DEVNULL});
    output = co_await process.communicate();
    CHECK(output.stdout_ == "out\n0\n");

    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    process = co_await create_subprocess_shell("echo out; echo err >&2",
                                               {.stdout_ = ends[1], .stderr_ = ends[1]});
    co_await process.wait();
    ::close(ends[1]);
    std::string text(64, '\0');
    text.resize(static_cast<std::size_t>(::read(ends[0], text.data(), text.size())));
    CHECK(text == "out\nerr\n");
    ::close(ends[0]);
}
