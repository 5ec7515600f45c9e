#include "imports.hpp"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <span>

namespace faults {

namespace {

struct Wanted {
    const char* name;
    void* to;
};

#if __ELF_NATIVE_CLASS == 64
std::size_t symbol_of(const ElfW(Rela) & place) noexcept { return ELF64_R_SYM(place.r_info); }
#else
std::size_t symbol_of(const ElfW(Rela) & place) noexcept { return ELF32_R_SYM(place.r_info); }
#endif

/// A library in memory.
class Library {
public:
    explicit Library(const ::dl_phdr_info& info) noexcept : base_(info.dlpi_addr) {
        for (const ElfW(Phdr) & part : std::span(info.dlpi_phdr, info.dlpi_phnum)) {
            if (part.p_type == PT_DYNAMIC) {
                read(reinterpret_cast<const ElfW(Dyn)*>(base_ + part.p_vaddr));
            }
        }
    }

    void redirect(const Wanted& wanted) const noexcept {
        for (const std::span<const ElfW(Rela)> places : {bound_, called_}) {
            for (const ElfW(Rela) & place : places) {
                if (std::strcmp(strings_ + symbols_[symbol_of(place)].st_name, wanted.name) == 0) {
                    put(reinterpret_cast<void**>(base_ + place.r_offset), wanted.to);
                }
            }
        }
    }

private:
    void read(const ElfW(Dyn) * entry) noexcept {
        const ElfW(Rela)* bound = nullptr;
        const ElfW(Rela)* called = nullptr;
        std::size_t bound_size = 0;
        std::size_t called_size = 0;
        for (; entry->d_tag != DT_NULL; ++entry) {
            switch (entry->d_tag) {
                case DT_SYMTAB:
                    symbols_ = at<ElfW(Sym)>(*entry);
                    break;
                case DT_STRTAB:
                    strings_ = at<char>(*entry);
                    break;
                case DT_RELA:
                    bound = at<ElfW(Rela)>(*entry);
                    break;
                case DT_RELASZ:
                    bound_size = entry->d_un.d_val;
                    break;
                case DT_JMPREL:
                    called = at<ElfW(Rela)>(*entry);
                    break;
                case DT_PLTRELSZ:
                    called_size = entry->d_un.d_val;
                    break;
                default:
                    break;
            }
        }
        bound_ = {bound, bound_size / sizeof *bound};
        called_ = {called, called_size / sizeof *called};
    }

    // glibc has added the base already, others have not.
    template <class T>
    [[nodiscard]] const T* at(const ElfW(Dyn) & entry) const noexcept {
        const ElfW(Addr) address = entry.d_un.d_ptr;
        return reinterpret_cast<const T*>(address < base_ ? address + base_ : address);
    }

    // The page may have been made read-only once the library was loaded.
    static void put(void** place, void* value) noexcept {
        const auto size = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
        const std::uintptr_t page = reinterpret_cast<std::uintptr_t>(place) & ~(size - 1);
        if (::mprotect(reinterpret_cast<void*>(page), size, PROT_READ | PROT_WRITE) == 0) {
            *place = value;
        }
    }

    ElfW(Addr) base_;
    const ElfW(Sym) * symbols_ = nullptr;
    const char* strings_ = nullptr;
    std::span<const ElfW(Rela)> bound_;
    std::span<const ElfW(Rela)> called_;
};

int look_at(::dl_phdr_info* info, std::size_t /*size*/, void* wanted) noexcept {
    if (std::strstr(info->dlpi_name, "/libgyre.so") != nullptr ||
        std::strstr(info->dlpi_name, "/libuv.so") != nullptr) {
        Library(*info).redirect(*static_cast<const Wanted*>(wanted));
    }
    return 0;
}

}  // namespace

void redirect_calls(const char* name, void* to) noexcept {
    Wanted wanted{name, to};
    ::dl_iterate_phdr(&look_at, &wanted);
}

}  // namespace faults
