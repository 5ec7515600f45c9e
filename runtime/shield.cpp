#include <gyre/shield.hpp>

namespace gyre::detail {

namespace {

// Owned by what it listens to, then by the queue.
class Report final : public Ready, public Pooled {
public:
    explicit Report(FutureBase& future) noexcept : future_(future) {
        hook_.set_keeping_target(*this);
        future.add_hook(hook_);
    }

    void run() override {
        const FutureRef future(&future_);
        delete this;
        if (future->cancelled()) {
            return;
        }
        if (const std::exception_ptr error = future->exception()) {
            ExceptionContext context(gyre::describe(error) + " exception in shielded future",
                                     error);
            context.details["future"] = future->describe();
            future->loop().call_exception_handler(context);
        }
    }
    void drop() noexcept override {
        FutureBase* const future = future_.done() ? &future_ : nullptr;
        delete this;
        if (future != nullptr) {
            future->release();
        }
    }
    [[nodiscard]] std::string describe() const override { return "shield"; }

private:
    ~Report() = default;
    DoneHook hook_;
    FutureBase& future_;
};

}  // namespace

void report_when_failed(FutureBase& future) {
    bool reported = false;  // by another shield of it
    future.find_hook([&reported](DoneHook& hook) {
        reported = dynamic_cast<const Report*>(&hook.target()) != nullptr;
        return reported;
    });
    if (!reported) {
        new Report(future);
    }
}

}  // namespace gyre::detail
