// LocalNames: the names this machine knows by itself.
#pragma once

#include "watched_file.hpp"

#include <gyre/resolvers.hpp>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace gyre::detail {

/// The hosts file, and localhost, which is no question for a server (RFC 6761). A change of the
/// file is noticed within a second; without the file there is localhost.
class LocalNames {
public:
    explicit LocalNames(std::string hosts) : file_(std::move(hosts)) {}

    /// The addresses in the file's order.
    [[nodiscard]] std::optional<NameAnswer> find(const std::string& name, int family);
    [[nodiscard]] std::optional<std::string> name_of(const SocketAddress& address);

private:
    struct Entry {
        SocketAddress address;
        std::string canonname;
    };

    void read_if_changed();
    void add_line(std::string line);

    WatchedFile file_;
    std::unordered_map<std::string, std::vector<Entry>> entries_;  // by name, in lower case
    std::unordered_map<std::string, std::string> names_;           // by address
};

/// In lower case, as far as ASCII goes: all that counts in a name.
[[nodiscard]] std::string lower_case(std::string text);

}  // namespace gyre::detail
