// Collections of futures in which the same one may stand twice.
#pragma once

#include <gyre/detail/api.hpp>

#include <cstddef>
#include <vector>

namespace gyre::detail {

/// A set of addresses, made once for as many as there will be at most.
class GYRE_API AddressSet {
public:
    explicit AddressSet(std::size_t most);

    /// False if it was there.
    [[nodiscard]] bool insert(const void* address) noexcept;

private:
    std::vector<const void*> table_;  // a power of two, never more than half full
    unsigned shift_ = 0;
};

/// Leaves of equal handles the first.
template <class F>
void erase_duplicates(std::vector<F>& futures) {
    AddressSet seen(futures.size());
    std::erase_if(futures, [&seen](const F& future) { return !seen.insert(future.state().get()); });
}

}  // namespace gyre::detail
