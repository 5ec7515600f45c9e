#include <gyre/detail/distinct.hpp>

#include <bit>
#include <cstdint>

namespace gyre::detail {

AddressSet::AddressSet(std::size_t most)
    : table_(std::bit_ceil(2 * most + 2)),
      shift_(64U - static_cast<unsigned>(std::countr_zero(table_.size()))) {}

bool AddressSet::insert(const void* address) noexcept {
    // Addresses differ least in their lowest and their highest bits: the product brings all of them
    // to its top.
    constexpr std::uint64_t golden = 0x9E3779B97F4A7C15;
    std::size_t place =
        static_cast<std::size_t>((reinterpret_cast<std::uintptr_t>(address) * golden) >> shift_);
    for (;; place = (place + 1) & (table_.size() - 1)) {
        if (table_[place] == nullptr) {
            table_[place] = address;
            return true;
        }
        if (table_[place] == address) {
            return false;
        }
    }
}

}  // namespace gyre::detail
