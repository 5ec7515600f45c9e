// Nginx: a real server for a test, with certificates of a CA made for it.
#pragma once

#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

/// Runs from its making to its end, in a temporary directory, on ports of 127.0.0.1 that were free.
class Nginx {
public:
    /// An empty text where it can be used, else what is missing.
    static std::string missing() {
        for (const char* tool : {"nginx", "openssl"}) {
            if (find(tool).empty()) {
                return std::string(tool) + " is not installed";
            }
        }
        return {};
    }

    Nginx() {
        make_directory();
        make_certificates();
        for (int attempt = 0;; ++attempt) {
            find_ports();
            write_configuration();
            start();
            if (is_up()) {
                return;
            }
            stop();
            if (attempt == 3) {
                throw std::runtime_error("nginx does not start: see " + directory_.string());
            }
        }
    }
    Nginx(const Nginx&) = delete;
    Nginx& operator=(const Nginx&) = delete;
    ~Nginx() {
        stop();
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }

    [[nodiscard]] std::string url(const std::string& path) const {
        return at(plain_, "http", path);
    }
    /// With a certificate of ca_file() for localhost.
    [[nodiscard]] std::string tls_url(const std::string& path,
                                      const std::string& host = "localhost") const {
        return at(tls_, "https", path, host);
    }
    /// The same without HTTP/2.
    [[nodiscard]] std::string tls1_url(const std::string& path) const {
        return at(tls1_, "https", path);
    }
    [[nodiscard]] std::string expired_url() const { return at(expired_, "https", "/page"); }
    [[nodiscard]] std::string self_signed_url() const { return at(self_signed_, "https", "/page"); }
    [[nodiscard]] std::string ca_file() const { return (directory_ / "ca.pem").string(); }
    /// The lines of the access log: the protocol, and the number of the connection.
    [[nodiscard]] std::string log() const {
        std::ifstream file(directory_ / "access.log");
        return std::string(std::istreambuf_iterator<char>(file), {});
    }

    static constexpr std::size_t kPage = 10 << 10;
    static constexpr std::size_t kBig =
        std::size_t{40} << 20;  // more than libcurl lets an HTTP/2 stream send unasked

private:
    static std::string find(const std::string& tool) {
        for (const char* place :
             {"/usr/sbin/", "/usr/bin/", "/usr/local/sbin/", "/usr/local/bin/"}) {
            if (::access((place + tool).c_str(), X_OK) == 0) {
                return place + tool;
            }
        }
        return {};
    }

    static std::string at(std::uint16_t port, const std::string& scheme, const std::string& path,
                          const std::string& host = "localhost") {
        return scheme + "://" + host + ':' + std::to_string(port) + path;
    }

    void make_directory() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "gyre_nginx_XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) {
            throw std::runtime_error("no temporary directory");
        }
        directory_ = pattern;
        std::filesystem::create_directory(directory_ / "www");
        std::ofstream(directory_ / "www" / "page") << std::string(kPage, 'p');
        std::ofstream(directory_ / "www" / "big") << std::string(kBig, 'b');
    }

    void shell(const std::string& command) const {
        const std::string whole =
            "cd " + directory_.string() + " && (" + command + ") >openssl.log 2>&1";
        if (std::system(whole.c_str()) != 0) {
            throw std::runtime_error("failed: " + command + ", see " + directory_.string());
        }
    }

    void make_certificates() const {
        const std::string key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        std::ofstream(directory_ / "names") << "subjectAltName=DNS:localhost\n";
        std::ofstream(directory_ / "index.txt").flush();
        std::ofstream(directory_ / "serial") << "01\n";
        std::ofstream(directory_ / "ca.cnf")
            << "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\n"
               "serial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=any\n"
               "[any]\ncommonName=supplied\n";
        shell("openssl req -x509 " + key +
              " -keyout ca.key -out ca.pem -subj '/CN=gyre test CA' -days 2");
        shell("openssl req " + key + " -keyout good.key -out good.csr -subj /CN=localhost");
        shell(
            "openssl x509 -req -in good.csr -CA ca.pem -CAkey ca.key -CAcreateserial"
            " -out good.pem -days 2 -extfile names");
        shell(
            "openssl ca -batch -config ca.cnf -in good.csr -cert ca.pem -keyfile ca.key -notext"
            " -startdate 20200101000000Z -enddate 20200102000000Z -extfile names"
            " -out expired.pem");
        shell("openssl req -x509 " + key +
              " -keyout self.key -out self.pem -subj /CN=localhost -days 2");
    }

    void find_ports() {
        std::array<int, 5> sockets{};
        const std::array<std::uint16_t*, 5> ports = {&plain_, &tls_, &tls1_, &expired_,
                                                     &self_signed_};
        for (std::size_t i = 0; i < sockets.size(); ++i) {
            sockets[i] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            ::sockaddr_in address = local(0);
            ::socklen_t size = sizeof address;
            ::bind(sockets[i], reinterpret_cast<::sockaddr*>(&address), size);
            ::getsockname(sockets[i], reinterpret_cast<::sockaddr*>(&address), &size);
            *ports[i] = ntohs(address.sin_port);
        }
        for (const int each : sockets) {
            ::close(each);
        }
    }

    static ::sockaddr_in local(std::uint16_t port) {
        ::sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        return address;
    }

    [[nodiscard]] std::string tls_server(std::uint16_t port, const std::string& words,
                                         const std::string& certificate,
                                         const std::string& key) const {
        return "server { listen 127.0.0.1:" + std::to_string(port) + " ssl " + words +
               "; root www; ssl_certificate " + certificate + "; ssl_certificate_key " + key +
               "; location /refused { client_max_body_size 1k; proxy_pass http://127.0.0.1:" +
               std::to_string(plain_) + "; } }\n";
    }

    void write_configuration() const {
        std::ofstream file(directory_ / "nginx.conf");
        file << "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log error.log;\n"
                "events { worker_connections 1024; }\nhttp {\n"
                "log_format one '$server_protocol $connection';\naccess_log access.log one;\n"
                "keepalive_requests 100000;\n";
        for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
            file << kind << "_temp_path temp_" << kind << ";\n";
        }
        file << "server { listen 127.0.0.1:" << plain_ << "; root www; }\n"
             << tls_server(tls_, "http2", "good.pem", "good.key")
             << tls_server(tls1_, "", "good.pem", "good.key")
             << tls_server(expired_, "", "expired.pem", "good.key")
             << tls_server(self_signed_, "", "self.pem", "self.key") << "}\n";
    }

    void start() {
        const std::string program = find("nginx");
        const std::string prefix = directory_.string();
        process_ = ::fork();
        if (process_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::execl(program.c_str(), "nginx", "-p", prefix.c_str(), "-c", "nginx.conf", "-e",
                    "error.log", nullptr);
            ::_exit(127);
        }
    }

    [[nodiscard]] bool is_up() const {
        for (int attempt = 0; attempt < 1000; ++attempt) {
            const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            const ::sockaddr_in address = local(self_signed_);
            const bool good =
                ::connect(fd, reinterpret_cast<const ::sockaddr*>(&address), sizeof address) == 0;
            ::close(fd);
            if (good) {
                return true;
            }
            if (::waitpid(process_, nullptr, WNOHANG) == process_) {
                return false;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return false;
    }

    void stop() {
        if (process_ > 0) {
            ::kill(process_, SIGKILL);
            ::waitpid(process_, nullptr, 0);
            process_ = -1;
        }
    }

    std::filesystem::path directory_;
    ::pid_t process_ = -1;
    std::uint16_t plain_ = 0;
    std::uint16_t tls_ = 0;
    std::uint16_t tls1_ = 0;
    std::uint16_t expired_ = 0;
    std::uint16_t self_signed_ = 0;
};

/// The one of this program; none where it cannot be used, which is said once.
inline Nginx* nginx() {
    static const std::string missing = [] {
        std::string what = Nginx::missing();
        if (!what.empty()) {
            std::printf("skipped: %s\n", what.c_str());
        }
        return what;
    }();
    if (!missing.empty()) {
        return nullptr;
    }
    static Nginx server;
    return &server;
}
