// What every test file includes: GYRE_TEST_CASE on every loop there is.
#pragma once

#define GYRE_TEST_LOOPS "virtual", "selector:epoll", "selector:poll", "uv"

#include <gyre/testing.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace gyre;
using namespace std::chrono_literals;
