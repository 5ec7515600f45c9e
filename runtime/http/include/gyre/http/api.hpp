// What the library shows of itself.
#pragma once

#if defined(GYRE_STATIC) || !defined(__GNUC__)
#define GYRE_HTTP_API
#else
#define GYRE_HTTP_API __attribute__((visibility("default")))
#endif
