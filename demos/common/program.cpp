#include "program.hpp"

#include "random.hpp"

#include <gyre/errors.hpp>
#include <gyre/loops.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace demo {

namespace {

template <class Number>
std::errc read(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return end == text.data() + text.size() ? error : std::errc::invalid_argument;
}

// Accepts a number of the type, from `least` to `most`.
template <class Number>
CLI::Validator number_from(Number least, Number most = std::numeric_limits<Number>::max()) {
    const auto check = [least, most](std::string& text) -> std::string {
        using Limits = std::numeric_limits<Number>;
        Number number = 0;
        const std::errc error = read(text, number);
        if (error == std::errc() && number >= least && number <= most) {
            text = std::to_string(number);  // CLI11 would read 010 as 8
            return {};
        }
        if (error == std::errc::result_out_of_range) {
            return text + " is out of range";
        }
        std::string wanted = "a whole number";
        if (least != Limits::min()) {
            wanted += " from " + std::to_string(least);
        }
        if (most != Limits::max()) {
            wanted += " to " + std::to_string(most);
        }
        return wanted + " is expected, not " + text;
    };
    return CLI::Validator(check, "");
}

void complain(const std::string& name, std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    std::fprintf(stderr, "%s: %s\n", name.c_str(), text.c_str());
}

}  // namespace

Program::Program(const std::string& name, const std::string& purpose)
    : name_(name), app_(std::make_unique<CLI::App>(purpose, name)) {
    app_->add_option("--loop", loop_, "the event loop to run on; the demo 'loops' lists them")
        ->type_name("SPEC")
        ->take_last();
}

Program::~Program() = default;

void Program::add_flag(const std::string& names, bool& value, const std::string& help) {
    app_->add_flag(names, value, help);
}

void Program::add_number(const std::string& names, int& value, int least, const std::string& help) {
    add_number(names, value, least, std::numeric_limits<int>::max(), help);
}

void Program::add_number(const std::string& names, int& value, int least, int most,
                         const std::string& help) {
    app_->add_option(names, value, help)
        ->transform(number_from(least, most))
        ->type_name("N")
        ->take_last()
        ->capture_default_str();
}

void Program::add_text(const std::string& names, std::string& value, const std::string& type,
                       const std::string& help) {
    app_->add_option(names, value, help)->type_name(type)->take_last()->capture_default_str();
}

void Program::add_numbers(const std::string& name, std::vector<std::int64_t>& values,
                          const std::string& help) {
    app_->add_option(name, values, help)
        ->transform(number_from(std::numeric_limits<std::int64_t>::min()))
        ->type_name("N")
        ->capture_default_str();
}

void Program::add_seconds(const std::string& names,
                          std::optional<std::chrono::duration<double>>& value,
                          const std::string& help) {
    const auto take = [&value](const std::string& text) {
        double seconds = 0;
        if (read(text, seconds) != std::errc() || !(seconds > 0)) {
            throw CLI::ValidationError("a number of seconds greater than 0 is expected, not " +
                                       text);
        }
        value = std::chrono::duration<double>(seconds);
    };
    app_->add_option_function<std::string>(names, take, help)->type_name("S")->take_last();
}

void Program::add_texts(const std::string& name, std::vector<std::string>& values,
                        const std::string& help, bool required) {
    app_->add_option(name, values, help)->required(required)->type_name(" ");
}

void Program::add_choice(const std::string& name, std::string& value,
                         std::vector<std::string> words, const std::string& help) {
    const std::string list = CLI::detail::join(words, ", ");
    const auto check = [words = std::move(words), list](std::string& text) -> std::string {
        std::replace(text.begin(), text.end(), '_', '-');
        const bool known = std::find(words.begin(), words.end(), text) != words.end();
        return known ? std::string() : "one of " + list + " is expected, not " + text;
    };
    app_->add_option(name, value, help + ": " + list)
        ->transform(CLI::Validator(check, ""))
        ->required(value.empty())
        ->type_name(name.starts_with('-') ? "WORD" : " ");
}

void Program::add_resolver() {
    app_->add_option("--resolver", resolver_, "who resolves names: cares or system")
        ->type_name("NAME")
        ->take_last();
    app_->add_option("--nameserver", nameservers_, "a name server to ask; may be repeated")
        ->type_name("ADDR[:PORT]")
        ->allow_extra_args(false);
}

gyre::RunOptions Program::run_options() const noexcept {
    gyre::RunOptions options;
    options.loop = loop_;
    options.resolver = resolver_;
    options.resolver_options.nameservers = nameservers_;
    return options;
}

void Program::add_seed(Random& random) {
    random.seed(444);
    const auto seed = [&random](const std::string& text) {
        std::uint64_t number = 0;
        const std::string_view digits = text;
        if (read(digits.substr(digits.starts_with('-') ? 1 : 0), number) != std::errc()) {
            throw CLI::ValidationError(
                "--seed", "a whole number of at most 64 bits is expected, not " + text);
        }
        random.seed(number);
    };
    app_->add_option_function<std::string>("--seed", seed, "where the random numbers start")
        ->type_name("N")
        ->take_last()
        ->default_str("444");
}

int Program::run(int argc, char** argv, const std::function<void()>& work) {
    // Whoever reads through a pipe sees each line when it is printed, too.
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    try {
        app_->parse(argc, argv);
        if (resolver_ == "system" && !nameservers_.empty()) {
            throw std::runtime_error("--nameserver is for --resolver cares, not system");
        }
        // An unknown loop is an error also where none is needed.
        static_cast<void>(gyre::new_event_loop(loop_));
        work();
        if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
            throw std::runtime_error("the output cannot be written");
        }
        return 0;
    } catch (const CLI::CallForHelp&) {
        if (std::fputs(app_->help().c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
            complain(name_, "the output cannot be written");
            return 1;
        }
        return 0;
    } catch (const gyre::KeyboardInterrupt&) {
        return 130;
    } catch (const std::exception& error) {
        complain(name_, error.what());
        return 1;
    }
}

}  // namespace demo
