// Section 31: subprocesses.
#include "support.hpp"

#include <gyre/detail/child.hpp>

#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace {

/// Has threads wait for the children while it lives, as on an old kernel.
class NoPidfd {
public:
    NoPidfd() { detail::has_pidfd = false; }
    NoPidfd(const NoPidfd&) = delete;
    NoPidfd& operator=(const NoPidfd&) = delete;
    ~NoPidfd() { detail::has_pidfd = true; }
};

std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
        ++count;
    }
    return count;
}

/// Neither a running child nor a zombie.
bool no_child() { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

Coro<std::string> output_of(std::string command) {
    Process process = co_await create_subprocess_shell(command, {.stdout_ = PIPE});
    ProcessOutput output = co_await process.communicate();
    co_return *output.stdout_;
}

/// Until nothing of it is left on the loop.
Coro<> finish(Process process) {
    if (process.stdin_) {
        process.stdin_->close();
        co_await ending(process.stdin_->wait_closed());
    }
    if (process.stdout_) {
        co_await process.stdout_->read();
    }
    co_await process.wait();
    co_await ticks(3);
}

}  // namespace

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

GYRE_TEST_CASE("subprocess: signals reach it, and are an error after its end (S382)") {
    Process process = co_await create_subprocess_shell(
        "trap 'echo got; exit 5' USR1; echo ready; while :; do read x; done",
        {.stdin_ = PIPE, .stdout_ = PIPE});
    std::string line = co_await process.stdout_->readline();
    CHECK(line == "ready\n");
    CHECK(thrown_by([&] { process.send_signal(12345); }).ends_with(": Invalid argument"));
    process.send_signal(SIGUSR1);
    process.stdin_->write("\n");
    line = co_await process.stdout_->readline();
    CHECK(line == "got\n");
    int code = co_await process.wait();
    CHECK(code == 5);
    CHECK(thrown_by([&] { process.kill(); }).ends_with(": No such process"));
    CHECK(thrown_by([&] { process.terminate(); }).ends_with(": No such process"));
    co_await finish(process);
    process = co_await create_subprocess_exec("true");
    while (!process.returncode()) {
        process.kill();  // no error while the loop has not seen the end
        co_await sleep(0s);
    }
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

GYRE_TEST_CASE(
    "subprocess: directory, environment, session and descriptors are as asked for "
    "(S385)") {
    const std::vector<std::string> env{"A=1", "B=two words"};
    Process process = co_await create_subprocess_shell(
        "/bin/pwd; echo $A $B $HOME", {.stdout_ = PIPE, .cwd = "/usr", .env = env});
    ProcessOutput output = co_await process.communicate();
    CHECK(output.stdout_ == "/usr\n1 two words\n");

    process = co_await create_subprocess_exec("sh", {"-c", "cut -d' ' -f1,6 /proc/$$/stat"},
                                              {.stdout_ = PIPE, .start_new_session = true});
    output = co_await process.communicate();
    const std::string own = std::to_string(process.pid());
    CHECK(output.stdout_ == own + " " + own + "\n");

    // None of this program's pipes is in the child, unless it is passed on.
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const int leak = ::dup(ends[0]);
    Process other = co_await create_subprocess_exec("cat", {}, {.stdin_ = PIPE, .stdout_ = PIPE});
    const std::string list = "cd /proc/self/fd; for fd in *; do [ -e $fd ] && echo $fd; done";
    const std::array<int, 1> passed{ends[1]};
    process = co_await create_subprocess_shell(
        list, {.stdin_ = DEVNULL, .stdout_ = PIPE, .pass_fds = passed});
    output = co_await process.communicate();
    CHECK(output.stdout_->find("\n" + std::to_string(ends[1]) + "\n") != std::string::npos);
    CHECK(output.stdout_->find("\n" + std::to_string(ends[0]) + "\n") == std::string::npos);
    CHECK(output.stdout_->find("\n" + std::to_string(leak) + "\n") == std::string::npos);
    process = co_await create_subprocess_shell(
        list, {.stdin_ = DEVNULL, .stdout_ = PIPE, .close_fds = false});
    output = co_await process.communicate();
    CHECK(output.stdout_->find("\n" + std::to_string(ends[1]) + "\n") == std::string::npos);
    CHECK(output.stdout_->find("\n" + std::to_string(leak) + "\n") != std::string::npos);
    const int gyres = other.stdin_->transport().fileno();
    CHECK(output.stdout_->find("\n" + std::to_string(gyres) + "\n") == std::string::npos);
    for (const int fd : {ends[0], ends[1], leak}) {
        ::close(fd);
    }
    co_await other.communicate();
}

GYRE_TEST_CASE("subprocess: a creation that is cancelled kills the child and reaps it (S384)") {
    const std::size_t before = open_descriptors();
    const SubprocessOptions piped{.stdin_ = PIPE, .stdout_ = PIPE, .stderr_ = PIPE};
    for (int wait = 0; wait < 8; ++wait) {
        auto creating = create_task(create_subprocess_exec("sleep", {"1000"}, piped));
        co_await ticks(wait);
        creating.cancel();
        co_await ticks(wait / 2);
        creating.cancel();
        std::exception_ptr error;
        try {
            Process process = co_await creating;
            process.kill();
            co_await process.wait();
        } catch (...) {
            error = std::current_exception();
        }
        CHECK((error == nullptr || name_of(error) == "CancelledError"));
        CHECK(no_child());
        creating = Task<Process>();
        for (int tries = 0; tries < 100 && open_descriptors() != before; ++tries) {
            co_await sleep(0s);
        }
    }
    CHECK(open_descriptors() == before);
}

GYRE_TEST_CASE("subprocess: a child that somebody else reaped has returncode 255 (S387)") {
    Reports reports(loop);
    Process process = co_await create_subprocess_exec("true");
    REQUIRE(::waitpid(process.pid(), nullptr, 0) == process.pid());
    const int code = co_await process.wait();
    CHECK(code == 255);
    REQUIRE(reports.count() == 1);
    CHECK(reports.messages[0].ends_with("will report returncode 255"));
}

GYRE_TEST_CASE("subprocess: without a pidfd a thread waits (S387)") {
    const NoPidfd none;
    const SubprocessOptions piped{.stdin_ = PIPE, .stdout_ = PIPE};
    Process process = co_await create_subprocess_exec("cat", {}, piped);
    const ProcessOutput output = co_await process.communicate("text");
    CHECK(output.stdout_ == "text");
    CHECK(process.returncode() == 0);
    process = co_await create_subprocess_exec("sleep", {"1000"});
    process.kill();
    const int code = co_await process.wait();
    CHECK(code == -9);
    auto creating = create_task(create_subprocess_exec("sleep", {"1000"}, piped));
    co_await ticks(1);
    creating.cancel();
    const std::string end = co_await ending(creating);
    CHECK(end == "CancelledError");
    CHECK(no_child());
}

GYRE_TEST_CASE("subprocess: many at once, and one by a thread's own loop (S387)") {
    std::vector<Coro<std::string>> all;
    for (int i = 0; i < 20; ++i) {
        all.push_back(output_of("echo " + std::to_string(i)));
    }
    const auto texts = co_await gather(std::move(all));
    for (std::size_t i = 0; i < texts.size(); ++i) {
        CHECK(texts[i] == std::to_string(i) + "\n");
    }
    const std::string spec(loop.name());
    auto in_thread = [spec] { return run(output_of("echo thread"), {.loop = spec}); };
    auto running = to_thread(std::move(in_thread));
    const std::string text = co_await std::move(running);
    CHECK(text == "thread\n");
    CHECK(no_child());
}

TEST_CASE("subprocess: a loop that closes kills what runs, and leaves no zombie (S383)") {
    for (const std::string& spec : testing::test_loops()) {
        for (const bool pidfd : {true, false}) {
            detail::has_pidfd = pidfd;
            const std::size_t before = open_descriptors();
            std::optional<Process> kept;
            {
                Runner runner(RunOptions{spec, {}});
                runner.run([&]() -> Coro<> {
                    const SubprocessOptions piped{.stdin_ = PIPE, .stdout_ = PIPE};
                    Process process = co_await create_subprocess_exec("sleep", {"1000"}, piped);
                    kept = process;
                    process = co_await create_subprocess_exec("true");
                    co_await process.wait();
                }());
            }
            CHECK(kept->returncode() == -SIGKILL);
            CHECK(no_child());
            kept.reset();
            CHECK(open_descriptors() == before);
        }
    }
    detail::has_pidfd = true;
}
