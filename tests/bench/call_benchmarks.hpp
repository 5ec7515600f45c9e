// The benchmarks of callbacks, by name: the same of gyre and of libuv.
#pragma once

#include "measure.hpp"

namespace bench {

using Measure = double (*)(int count);

inline int run_call_benchmark(int argc, char** argv, Measure call_soon, Measure call_soon_chain,
                              Measure call_later, Measure call_later_cancelled) {
    const Benchmark benchmarks[] = {
        {"call_soon", 1'000'000, call_soon},
        {"call_soon_chain", 10'000'000, call_soon_chain},
        {"call_later", 100'000, call_later},
        {"call_later_cancelled", 1'000'000, call_later_cancelled},
    };
    return run_benchmark(argc, argv, benchmarks);
}

}  // namespace bench
