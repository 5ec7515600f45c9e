#include <gyre/context.hpp>

#include <algorithm>
#include <vector>

namespace gyre {

namespace detail {

namespace {

using Value = std::shared_ptr<const void>;
using Entry = std::pair<const void*, Value>;

// Programs have a handful of variables and read them far more often than they set them: a sorted
// vector, copied when something is set.
class Values final : public ContextMap {
public:
    explicit Values(std::vector<Entry> entries) : entries_(std::move(entries)) {}

    [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }

    [[nodiscard]] static std::vector<Entry>::const_iterator position(
        const std::vector<Entry>& entries, const void* variable) noexcept {
        return std::lower_bound(entries.begin(), entries.end(), variable,
                                [](const Entry& entry, const void* wanted) {
                                    return std::less<>()(entry.first, wanted);
                                });
    }

private:
    std::vector<Entry> entries_;
};

// For code that runs outside of any task or callback: each thread has a context of its own.
ContextBox& running_box() noexcept {
    thread_local ContextBox of_thread;
    if (current_context == nullptr) {
        current_context = &of_thread;
    }
    return *current_context;
}

}  // namespace

const void* running_context() noexcept { return &running_box(); }

const void* find_context_value(const void* variable) noexcept {
    return find_context_value(running_box(), variable);
}

const void* find_context_value(const ContextBox& box, const void* variable) noexcept {
    const auto* values = static_cast<const Values*>(box.map.get());
    if (values == nullptr) {
        return nullptr;
    }
    const auto found = Values::position(values->entries(), variable);
    return found != values->entries().end() && found->first == variable ? found->second.get()
                                                                        : nullptr;
}

std::shared_ptr<const void> set_context_value(const void* variable, Value value) {
    ContextBox& box = running_box();
    const auto* values = static_cast<const Values*>(box.map.get());
    std::vector<Entry> entries = values == nullptr ? std::vector<Entry>() : values->entries();
    const auto found = entries.begin() + (Values::position(entries, variable) - entries.cbegin());
    Value before;
    if (found != entries.end() && found->first == variable) {
        before = found->second;
        if (value != nullptr) {
            found->second = std::move(value);
        } else {
            entries.erase(found);
        }
    } else if (value != nullptr) {
        entries.insert(found, Entry(variable, std::move(value)));
    }
    box.map = ContextMapRef(entries.empty() ? nullptr : new Values(std::move(entries)));
    return before;
}

}  // namespace detail

Context copy_context() {
    Context copy;
    copy.box_->map = detail::copy_current_context();
    return copy;
}

}  // namespace gyre
