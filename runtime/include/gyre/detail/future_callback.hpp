// Done-callbacks: functions that run once a future is done.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/context_map.hpp>
#include <gyre/detail/future_base.hpp>

#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

namespace gyre::detail {

/// Owned by the future while it is pending, then by the loop, then gone.
class GYRE_API FutureCallback : public Ready, public Pooled {
public:
    void run() final;
    void drop() noexcept final;
    [[nodiscard]] std::string describe() const final { return "done-callback"; }

    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }

protected:
    explicit FutureCallback(FutureBase& future) noexcept;
    virtual ~FutureCallback();
    virtual void call(const FutureRef& future) = 0;

private:
    friend std::uint64_t attach_callback(FutureBase& future, FutureCallback& callback);

    DoneHook hook_;
    FutureBase& future_;
    ContextBox context_;
    std::uint64_t id_;
};

GYRE_API std::uint64_t attach_callback(FutureBase& future, FutureCallback& callback);
GYRE_API std::size_t remove_done_callback(FutureBase& future, std::uint64_t id);

template <class Handle, class F>
std::uint64_t add_done_callback(FutureBase& future, F&& function) {
    future.loop().check_thread();
    using Function = std::decay_t<F>;
    class Callback final : public FutureCallback {
    public:
        Callback(FutureBase& of, F&& f) : FutureCallback(of), function_(std::forward<F>(f)) {}

    private:
        void call(const FutureRef& done) override {
            if constexpr (std::is_invocable_v<Function&, Handle&>) {
                Handle future(done);
                std::invoke(function_, future);
            } else if constexpr (std::is_invocable_v<Function&, Handle>) {
                std::invoke(function_, Handle(done));
            } else {
                static_assert(std::is_invocable_v<Function&>,
                              "a done-callback is called with the future, or with nothing");
                function_();
            }
        }
        Function function_;
    };
    return attach_callback(future, *new Callback(future, std::forward<F>(function)));
}

}  // namespace gyre::detail
