#include <gyre/detail/child.hpp>
#include <gyre/errors.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

namespace gyre::detail {

namespace {

constexpr int kFirstOther = 3;  // behind the standard streams

[[noreturn]] void fail(int error, const std::string& what) {
    throw std::system_error(error, std::generic_category(), what);
}

/// A descriptor that is closed at the end, and in the child.
class Descriptor {
public:
    explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

// A source among the standard streams would be overwritten before its turn comes.
Descriptor out_of_the_way(int fd) {
    const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, kFirstOther);
    if (copy < 0) {
        fail(errno, "descriptor " + std::to_string(fd));
    }
    return Descriptor(copy);
}

/// The child's standard streams, in the making.
class Standard {
public:
    Standard(const std::array<int, 3>& wanted, std::array<Socket, 3>& ends) {
        for (std::size_t index = 0; index < wanted.size(); ++index) {
            prepare(index, wanted[index], ends[index]);
        }
    }
    /// What becomes descriptor `index`; −1: what it is here.
    [[nodiscard]] int source(std::size_t index) const noexcept { return sources_[index].get(); }

private:
    void prepare(std::size_t index, int wanted, Socket& end) {
        if (wanted == kInherited) {
            return;
        }
        if (wanted == kPipe) {
            int fds[2];
            if (::pipe2(fds, O_CLOEXEC) != 0) {
                fail(errno, "pipe");
            }
            const Descriptor childs(fds[index == 0 ? 0 : 1]);
            end = Socket(fds[index == 0 ? 1 : 0]);
            sources_[index] = out_of_the_way(childs.get());
        } else if (wanted == kNullDevice) {
            const Descriptor device(::open("/dev/null", O_RDWR | O_CLOEXEC));
            if (device.get() < 0) {
                fail(errno, "open /dev/null");
            }
            sources_[index] = out_of_the_way(device.get());
        } else if (wanted == kSameAsOutput && index == 2) {
            sources_[index] = out_of_the_way(source(1) >= 0 ? source(1) : STDOUT_FILENO);
        } else if (wanted >= 0) {
            sources_[index] = out_of_the_way(wanted);
        } else {
            throw ValueError(
                "PIPE, DEVNULL or an open descriptor is expected, and STDOUT for "
                "stderr alone");
        }
    }

    std::array<Descriptor, 3> sources_;
};

/// posix_spawn's lists, which the child works off between fork and exec.
class Plan {
public:
    Plan() {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
    }
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;
    ~Plan() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }

    void set_standard(const Standard& standard) {
        for (int fd = 0; fd < kFirstOther; ++fd) {
            if (const int source = standard.source(static_cast<std::size_t>(fd)); source >= 0) {
                check(::posix_spawn_file_actions_adddup2(&actions_, source, fd));
            }
        }
    }
    void pass(const std::vector<int>& descriptors) {
        for (const int fd : descriptors) {
            if (::fcntl(fd, F_GETFD) < 0) {
                fail(errno, "descriptor " + std::to_string(fd));
            }
            if (fd >= kFirstOther) {
                check(::posix_spawn_file_actions_adddup2(&actions_, fd, fd));  // no CLOEXEC
            }
        }
    }
    void close_others(std::vector<int> but) {
        std::sort(but.begin(), but.end());
        int next = kFirstOther;
        for (const int fd : but) {
            for (; next < fd; ++next) {
                check(::posix_spawn_file_actions_addclose(&actions_, next));
            }
            next = std::max(next, fd + 1);
        }
        check(::posix_spawn_file_actions_addclosefrom_np(&actions_, next));
    }
    void change_directory(const std::string& directory) {
        struct ::stat status {};
        if (::stat(directory.c_str(), &status) != 0) {
            fail(errno, "chdir " + directory);
        }
        if (!S_ISDIR(status.st_mode)) {
            fail(ENOTDIR, "chdir " + directory);
        }
        check(::posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str()));
    }
    // What this process ignores or holds back for reasons of its own the child shall not.
    void set_attributes(bool new_session) {
        ::sigset_t signals;
        ::sigemptyset(&signals);
        check(::posix_spawnattr_setsigmask(&attributes_, &signals));
        ::sigaddset(&signals, SIGPIPE);
        ::sigaddset(&signals, SIGXFSZ);
        check(::posix_spawnattr_setsigdefault(&attributes_, &signals));
        const int flags =
            POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (new_session ? POSIX_SPAWN_SETSID : 0);
        check(::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags)));
    }

    /// An error number, or 0.
    [[nodiscard]] int start(const std::string& path, char** arguments, char** environment,
                            int& pid) const noexcept {
        ::pid_t started = -1;
        const int error =
            ::posix_spawn(&started, path.c_str(), &actions_, &attributes_, arguments, environment);
        pid = started;
        return error;
    }

private:
    static void check(int error) {
        if (error != 0) {
            fail(error, "posix_spawn");
        }
    }
    ::posix_spawn_file_actions_t actions_{};
    ::posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> all;
    all.reserve(strings.size() + 1);
    for (const std::string& each : strings) {
        all.push_back(const_cast<char*>(each.c_str()));
    }
    all.push_back(nullptr);
    return all;
}

void check_text(const std::string& text) {
    if (text.find('\0') != std::string::npos) {
        throw ValueError(
            "a program, argument, variable or directory without a zero byte is "
            "expected");
    }
}

void check_texts(const SpawnRequest& request) {
    check_text(request.program);
    check_text(request.directory);
    std::for_each(request.arguments.begin(), request.arguments.end(), check_text);
    if (request.environment) {
        std::for_each(request.environment->begin(), request.environment->end(), check_text);
    }
}

// The child's PATH counts.
std::string search_path(const SpawnRequest& request) {
    constexpr std::string_view name = "PATH=";
    const std::string standard = "/bin:/usr/bin";
    if (!request.environment) {
        const char* const path = std::getenv("PATH");
        return path != nullptr ? path : standard;
    }
    for (const std::string& each : *request.environment) {
        if (each.starts_with(name)) {
            return each.substr(name.size());
        }
    }
    return standard;
}

std::vector<std::string> candidates(const SpawnRequest& request) {
    if (request.program.find('/') != std::string::npos) {
        return {request.program};
    }
    std::vector<std::string> all;
    const std::string path = search_path(request);
    std::string_view rest = path;
    while (true) {
        const std::size_t colon = rest.find(':');
        const std::string folder(rest.substr(0, colon));
        all.push_back((folder.empty() ? "." : folder) + "/" + request.program);
        if (colon == std::string_view::npos) {
            return all;
        }
        rest.remove_prefix(colon + 1);
    }
}

}  // namespace

Spawned spawn(const SpawnRequest& request) {
    check_texts(request);
    Spawned made;
    const Standard standard(request.standard, made.ends);
    Plan plan;
    plan.set_standard(standard);
    plan.pass(request.passed);
    if (request.close_others) {
        plan.close_others(request.passed);
    }
    if (!request.directory.empty()) {
        plan.change_directory(request.directory);
    }
    plan.set_attributes(request.new_session);
    std::vector<char*> arguments = pointers(request.arguments);
    std::vector<char*> own_environment;
    char** environment = environ;
    if (request.environment) {
        own_environment = pointers(*request.environment);
        environment = own_environment.data();
    }
    int refused = ENOENT;  // by a file that is there
    for (const std::string& path :
         request.program.empty() ? std::vector<std::string>() : candidates(request)) {
        // A look is cheaper than a process that cannot begin; what is relative is so to the child.
        int error = path.starts_with('/') && ::access(path.c_str(), X_OK) != 0 ? errno : 0;
        if (error == 0) {
            error = plan.start(path, arguments.data(), environment, made.pid);
        }
        if (error == 0) {
            return made;
        }
        if (error == EACCES || (error != ENOENT && error != ENOTDIR)) {
            refused = error;
        }
        if (error != EACCES && error != ENOENT && error != ENOTDIR) {
            break;
        }
    }
    fail(refused, "start " + request.program);
}

}  // namespace gyre::detail
