// What every test file includes: GYRE_TEST_CASE on every loop there is.
#pragma once

// A file about real time names its loops before the include.
#ifndef GYRE_TEST_LOOPS
#define GYRE_TEST_LOOPS "virtual", "selector:epoll", "selector:poll", "uv"
#endif

#include <gyre/testing.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace gyre;
using namespace std::chrono_literals;

/// TEST_CASE("…" * in_order): the case tests an order of callbacks, or counts on one, so that it is
/// none for virtual:SEED.
inline const doctest::test_suite in_order("in order");

/// TEST_CASE("…" * by_the_clock): the case waits for real time, or for a thread that does; under
/// virtual:SEED it is run for a few seeds only.
inline const doctest::test_suite by_the_clock("by the clock");
