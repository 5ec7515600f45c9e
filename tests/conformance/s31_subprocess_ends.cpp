// Section 31: how a subprocess ends, and who waits for it.
#include "processes.hpp"

#include <gyre/detail/child.hpp>

#include <sys/wait.h>

namespace {

/// Has threads wait for the children while it lives, as on an old kernel.
class NoPidfd {
public:
    NoPidfd() { detail::has_pidfd = false; }
    NoPidfd(const NoPidfd&) = delete;
    NoPidfd& operator=(const NoPidfd&) = delete;
    ~NoPidfd() { detail::has_pidfd = true; }
};

}  // namespace

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
