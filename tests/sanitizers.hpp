// GYRE_TEST_ASAN, GYRE_TEST_TSAN: 1 where that sanitizer watches; GYRE_TEST_SANITIZED: any of them.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define GYRE_TEST_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define GYRE_TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GYRE_TEST_ASAN 1
#elif __has_feature(thread_sanitizer)
#define GYRE_TEST_TSAN 1
#endif
#endif
#ifndef GYRE_TEST_ASAN
#define GYRE_TEST_ASAN 0
#endif
#ifndef GYRE_TEST_TSAN
#define GYRE_TEST_TSAN 0
#endif
#define GYRE_TEST_SANITIZED (GYRE_TEST_ASAN || GYRE_TEST_TSAN)
