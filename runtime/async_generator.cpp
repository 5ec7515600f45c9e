#include <gyre/async_generator.hpp>
#include <gyre/detail/loop_data.hpp>
#include <gyre/gather.hpp>
#include <gyre/task.hpp>

#include <string>

namespace gyre::detail {

GeneratorExit::~GeneratorExit() = default;

// --- a resume -----------------------------------------------------------------------------------

void YieldAwaiter::await_resume() const {
    if (generator_.injected_ != nullptr) {
        std::rethrow_exception(std::exchange(generator_.injected_, nullptr));
    }
}

void GeneratorPromiseBase::check_idle(const char* what) const {
    if (running_) {
        throw RuntimeError(std::string(what) + ": asynchronous generator is already running");
    }
}

bool GeneratorPromiseBase::begin(const char* what) {
    check_idle(what);
    if (ended_) {
        return false;
    }
    if (!started_) {
        started_ = true;
        track();
    }
    running_ = true;
    return true;
}

void GeneratorPromiseBase::unhandled_exception() noexcept {
    if (closing_) {
        try {
            throw;
        } catch (const GeneratorExit&) {
            return;  // as asked
        } catch (...) {
        }
    }
    failed_ = true;
    Step::throw_in_awaiting();
}

bool GeneratorPromiseBase::prepare_throw(const std::exception_ptr& error, const char* what) {
    check_idle(what);
    if (ended_) {
        return false;
    }
    if (!started_) {
        ended_ = true;
        std::rethrow_exception(error);
    }
    injected_ = error;
    return true;
}

bool GeneratorPromiseBase::prepare_close() {
    check_idle("aclose()");
    if (!started_ || ended_) {
        ended_ = true;
        return false;
    }
    closing_ = true;
    injected_ = std::make_exception_ptr(GeneratorExit());
    return true;
}

Coro<> close_generator(GeneratorRef generator) {
    if (!generator->prepare_close()) {
        co_return;
    }
    {
        AdvanceAwaiter advance(generator, "aclose()");
        static_cast<void>(co_await advance);
    }
    generator->closing_ = false;
    generator->rethrow_failure();
    if (!generator->ended()) {
        throw RuntimeError("async generator ignored GeneratorExit");
    }
}

// --- life ---------------------------------------------------------------------------------------

GeneratorRef::GeneratorRef(const GeneratorRef& other) noexcept : generator_(other.generator_) {
    if (generator_ != nullptr) {
        ++generator_->references_;
    }
}

void throw_no_generator() { throw RuntimeError("this handle refers to no generator"); }

void GeneratorRef::let_go() noexcept {
    if (--generator_->references_ == 0) {
        generator_->finalise();
    }
}

void GeneratorPromiseBase::finalise() noexcept {
    if (started_ && !ended_ && loop_ != nullptr && !loop_->is_closed()) {
        try {
            references_ = 1;
            GeneratorRef self(this);
            EventLoop& loop = *loop_;
            loop.call_soon([&loop, self] {
                if (!self->ended()) {
                    create_task(loop, close_generator(self));
                }
            });
            return;
        } catch (...) {
            // No memory for a task: at least the destructors run.
        }
    }
    self_.destroy();
}

GeneratorPromiseBase::~GeneratorPromiseBase() { untrack(); }

void GeneratorPromiseBase::track() {
    loop_ = &TaskBase::require_current().loop();
    loop_->retain();
    LoopData::of(*loop_).add_generator(*this);
}

void GeneratorPromiseBase::untrack() noexcept {
    if (loop_ != nullptr) {
        LoopData::remove_generator(*this);
        loop_->release();
    }
}

Coro<> LoopData::close_generators() {
    std::vector<Coro<>> closings;
    for (ListLink* link = generators_.next; link != &generators_; link = link->next) {
        auto* generator = static_cast<GeneratorPromiseBase*>(link);
        if (!generator->ended_ && !generator->running_) {
            ++generator->references_;
            closings.push_back(close_generator(GeneratorRef(generator)));
        }
    }
    auto closed = gather(return_exceptions, std::move(closings));
    const std::vector<Result<void>> results = co_await std::move(closed);
    for (const Result<void>& result : results) {
        if (!result.has_value()) {
            loop_.call_exception_handler(ExceptionContext(
                "an error occurred during closing of asynchronous generator", result.error()));
        }
    }
}

}  // namespace gyre::detail
