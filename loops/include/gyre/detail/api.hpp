// What the shared library exports.
#pragma once

#if defined(GYRE_STATIC)
#define GYRE_API
#else
#define GYRE_API [[gnu::visibility("default")]]
#endif

// Thread-local words that are read on every step: one instruction instead of a call.
#define GYRE_THREAD_LOCAL constinit thread_local __attribute__((tls_model("initial-exec")))
