// Program: what every demo's main() does beside its own work.
#pragma once

#include <gyre/run.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace demo {

class Random;

/// A command line with `--loop SPEC` and `--help`, and one way to fail: "NAME: what is wrong", one
/// line on stderr, and status 1.
///
/// ```
/// int main(int argc, char** argv) {
///     int times = 3;
///     demo::Program program("greet", "Says hello.");
///     program.add_number("-n,--times", times, 0, "how many times");
///     return program.run(argc, argv, [&] { gyre::run(greet(times), {.loop = program.loop()}); });
/// }
/// ```
///
/// A name without dashes is an argument known by its place. What is added is referred to until
/// run() has returned.
class Program {
public:
    Program(const std::string& name, const std::string& purpose);
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program();

    void add_flag(const std::string& names, bool& value, const std::string& help);
    /// A whole number, not less than `least`.
    void add_number(const std::string& names, int& value, int least, const std::string& help);
    /// The same with an upper bound: a port, say.
    void add_number(const std::string& names, int& value, int least, int most,
                    const std::string& help);
    void add_text(const std::string& names, std::string& value, const std::string& type,
                  const std::string& help);
    /// Any number of whole numbers; those in `values` if there are none.
    void add_numbers(const std::string& name, std::vector<std::int64_t>& values,
                     const std::string& help);
    /// A number of seconds greater than 0, whole or not.
    void add_seconds(const std::string& names, std::optional<std::chrono::duration<double>>& value,
                     const std::string& help);
    /// One text or more; or with `required` false those in `values` if there are none.
    void add_texts(const std::string& name, std::vector<std::string>& values,
                   const std::string& help, bool required = true);
    /// One of these words; _ is taken for -. It must be given unless `value` is one already.
    void add_choice(const std::string& name, std::string& value, std::vector<std::string> words,
                    const std::string& help);
    /// `--resolver NAME` and `--nameserver ADDR[:PORT]`, which may be repeated.
    void add_resolver();
    /// `--seed N`, with which the numbers drawn start; 444 if it is not given.
    void add_seed(Random& random);

    /// Reads the command line, does the demo's work, and returns the status for main(): 0, 1 after
    /// an error, 130 after Ctrl-C.
    [[nodiscard]] int run(int argc, char** argv, const std::function<void()>& work);

    /// What `--loop` was given. Empty without it: the default, then.
    [[nodiscard]] const std::string& loop() const noexcept { return loop_; }
    /// The same with what add_resolver() added, for gyre::run().
    [[nodiscard]] gyre::RunOptions run_options() const noexcept;

private:
    std::string name_;
    std::string loop_;
    std::string resolver_;
    std::vector<std::string> nameservers_;
    std::unique_ptr<CLI::App> app_;
};

}  // namespace demo
