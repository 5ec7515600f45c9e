// shield: lets a caller be cancelled without what it waits for.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/detail/listener.hpp>
#include <gyre/future.hpp>
#include <gyre/gather.hpp>
#include <gyre/task.hpp>

#include <string_view>
#include <utility>

namespace gyre {

namespace detail {

/// From now on an exception of the future goes to the exception handler when it comes.
GYRE_API void report_when_failed(FutureBase& future);

template <class T>
class ShieldState final : public FutureState<T>, private Listener::Owner {
public:
    explicit ShieldState(FutureBase& inner)
        : FutureState<T>(inner.loop()), inner_(FutureRef::share(&inner)), listener_(inner, *this) {}

    bool cancel(std::string_view message) override {
        if (!this->cancel_plain(message)) {
            return false;
        }
        listener_.stop();
        if (!inner_->done()) {
            report_when_failed(*inner_);
        }
        return true;
    }

private:
    ~ShieldState() override = default;

    void heard(FutureBase& inner, std::size_t /*index*/) override {
        if (this->done()) {
            return;
        }
        if (inner.cancelled()) {
            this->cancel_plain({});
        } else if (const std::exception_ptr error = inner.exception()) {
            inner.failed_by_cancel() ? this->fail_by_cancel(error) : this->fail(error);
        } else {
            if constexpr (!std::is_void_v<T>) {
                this->storage_.set(take_result<T>(inner));
            }
            this->finish();
        }
    }

    FutureRef inner_;
    Listener listener_;
};

}  // namespace detail

/// A future that follows `awaitable`, and can be cancelled without it.
///
/// ```
/// auto saving = create_task(save(document));
/// co_await shield(saving);       // cancelled here, the saving goes on
/// ```
///
/// Has the outcome of the inner one an iteration later; a coroutine becomes a task at once. An
/// inner one that is done is given back as it is. Once the shield was cancelled an exception of the
/// inner one is reported. Throws RuntimeError outside a running loop. asyncio: shield.
template <class A>
requires detail::Gatherable<A>
[[nodiscard]] auto shield(A&& awaitable) {
    auto inner = ensure_future(std::forward<A>(awaitable));
    using T = typename decltype(inner)::value_type;
    if (inner.done()) {
        return Future<T>(inner.state());
    }
    return Future<T>(detail::FutureRef(new detail::ShieldState<T>(*inner.state())));
}

}  // namespace gyre
