// Steps: coroutines in a row, waiting to be resumed.
#pragma once

#include <coroutine>
#include <utility>

namespace bench::floor {

/// One coroutine to resume. It is a member of what waits, so that a row of steps owns no memory.
struct Step {
    std::coroutine_handle<> coroutine;
    Step* next = nullptr;
};

/// First in, first out.
class Steps {
public:
    Steps() = default;
    Steps(const Steps&) = delete;
    Steps& operator=(const Steps&) = delete;

    [[nodiscard]] bool empty() const { return first_ == nullptr; }

    void push(Step& step) {
        step.next = nullptr;
        *end_ = &step;
        end_ = &step.next;
    }

    /// Null when there is none.
    Step* pop() {
        Step* step = first_;
        if (step != nullptr) {
            first_ = step->next;
            if (first_ == nullptr) {
                end_ = &first_;
            }
        }
        return step;
    }

private:
    Step* first_ = nullptr;
    Step** end_ = &first_;
};

}  // namespace bench::floor
