// redirect: what the libraries of a program call instead of a function of the C library.
//
// Their tables of addresses are written anew (ELF: the relocations that name the function), not the
// name defined a second time: the program's own calls stay what they are, and so do a sanitizer's.
#pragma once

namespace faults {

/// libgyre's and libuv's calls of the function `name` go to `to`.
void redirect_calls(const char* name, void* to) noexcept;

template <class R, class... A>
void redirect(const char* name, R (* /*from*/)(A...), R (*to)(A...)) noexcept {
    redirect_calls(name, reinterpret_cast<void*>(to));
}

}  // namespace faults
