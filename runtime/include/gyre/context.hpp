// Context, ContextVar: values that follow a task, as thread-locals follow a thread.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/context_map.hpp>
#include <gyre/errors.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace gyre {

namespace detail {

/// The value of the variable with this identity in the running code's context, or null.
[[nodiscard]] GYRE_API const void* find_context_value(const void* variable) noexcept;
[[nodiscard]] GYRE_API const void* find_context_value(const ContextBox& box,
                                                      const void* variable) noexcept;
/// Which context the running code has.
[[nodiscard]] GYRE_API const void* running_context() noexcept;
/// Sets it (or, with null, removes it) for the running code. Returns what was there before.
GYRE_API std::shared_ptr<const void> set_context_value(const void* variable,
                                                       std::shared_ptr<const void> value);

}  // namespace detail

template <class T>
class ContextVar;

/// A set of context variables' values. Copies of a Context are the same context.
///
/// ```
/// Context context = copy_context();
/// context.run([] { user.set("eve"); });     // the caller's `user` stays as it was
/// ```
///
/// Thread rule: one thread at a time. asyncio: contextvars.Context.
class GYRE_API Context {
public:
    /// An empty one.
    Context() : box_(std::make_shared<detail::ContextBox>()) {}
    explicit Context(std::shared_ptr<detail::ContextBox> box) noexcept : box_(std::move(box)) {}

    /// Calls f(arguments…) with these values as its own; what it changes stays in this context.
    template <class F, class... A>
    decltype(auto) run(F&& f, A&&... arguments) const {
        detail::ContextScope scope(*box_);
        return std::invoke(std::forward<F>(f), std::forward<A>(arguments)...);
    }

    /// The value that is set here, whatever the variable's default; nullopt if none is.
    template <class T>
    [[nodiscard]] std::optional<T> get(const ContextVar<T>& variable) const {
        const auto* value = static_cast<const T*>(detail::find_context_value(*box_, &variable));
        return value == nullptr ? std::nullopt : std::optional<T>(*value);
    }
    /// The same where one must be set; throws std::out_of_range. asyncio: context[variable].
    template <class T>
    [[nodiscard]] const T& operator[](const ContextVar<T>& variable) const {
        const auto* value = static_cast<const T*>(detail::find_context_value(*box_, &variable));
        if (value == nullptr) {
            throw std::out_of_range("no value is set in this context for ContextVar " +
                                    std::string(variable.name()));
        }
        return *value;
    }
    /// True if a value is set here.
    template <class T>
    [[nodiscard]] bool contains(const ContextVar<T>& variable) const noexcept {
        return detail::find_context_value(*box_, &variable) != nullptr;
    }
    /// A context of its own with the same values. asyncio: Context.copy.
    [[nodiscard]] Context copy() const {
        Context other;
        other.box_->map = box_->map;
        return other;
    }

    [[nodiscard]] const std::shared_ptr<detail::ContextBox>& box() const noexcept { return box_; }

private:
    friend Context copy_context();
    std::shared_ptr<detail::ContextBox> box_;
};

/// A copy of the running code's context, in constant time. asyncio: contextvars.copy_context.
[[nodiscard]] GYRE_API Context copy_context();

/// A variable with a value of its own in every context. Make it once, at namespace scope.
///
/// ```
/// ContextVar<std::string> user("user", "nobody");
/// auto token = user.set("adam");
/// log(user.get());
/// user.reset(std::move(token));
/// ```
///
/// A task starts with a copy of its creator's values and changes its own only.
/// asyncio: contextvars.ContextVar.
template <class T>
class ContextVar {
public:
    /// What set() returns, to go back to the value before.
    class Token {
    public:
        Token(Token&&) noexcept = default;
        Token& operator=(Token&&) noexcept = default;

    private:
        friend class ContextVar;
        Token(const ContextVar* variable, std::shared_ptr<const void> before) noexcept
            : variable_(variable),
              context_(detail::running_context()),
              before_(std::move(before)) {}

        const ContextVar* variable_;
        const void* context_;
        mutable std::shared_ptr<const void> before_;  // null: it had no value
        mutable bool used_ = false;
    };

    explicit ContextVar(std::string_view name) : name_(name) {}
    ContextVar(std::string_view name, T default_value)
        : name_(name), default_(std::move(default_value)) {}
    ContextVar(const ContextVar&) = delete;
    ContextVar& operator=(const ContextVar&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    /// The running code's value, else the variable's default. Throws RuntimeError if there is
    /// neither (asyncio: LookupError).
    [[nodiscard]] const T& get() const {
        if (const T* value = find()) {
            return *value;
        }
        if (!default_) {
            throw RuntimeError("context variable '" + name_ + "' has no value here and no default");
        }
        return *default_;
    }
    /// The running code's value, else `fallback`.
    [[nodiscard]] T get(T fallback) const {
        const T* value = find();
        return value != nullptr ? *value : std::move(fallback);
    }

    Token set(T value) {
        return Token(this,
                     detail::set_context_value(this, std::make_shared<const T>(std::move(value))));
    }

    /// Takes the set() back that made the token. Throws RuntimeError for a used token, ValueError
    /// for another variable's or one that was made in another context.
    void reset(const Token& token) {
        if (token.used_) {
            throw RuntimeError("the token of context variable '" + name_ + "' was used already");
        }
        if (token.variable_ != this) {
            throw ValueError("the token was made by another context variable than '" + name_ + "'");
        }
        if (token.context_ != detail::running_context()) {
            throw ValueError("the token of context variable '" + name_ +
                             "' was made in another context");
        }
        token.used_ = true;
        detail::set_context_value(this, std::move(token.before_));
    }

private:
    [[nodiscard]] const T* find() const noexcept {
        return static_cast<const T*>(detail::find_context_value(this));
    }

    std::string name_;
    std::optional<T> default_;
};

}  // namespace gyre
