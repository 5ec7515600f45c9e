// Which loops there are, and how to make one by name.
#pragma once

#include <gyre/detail/api.hpp>
#include <gyre/event_loop.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gyre {

/// One row of the table of loops.
struct LoopInfo {
    LoopInfo() = default;

    std::string name;         ///< the spec that selects it: "selector:poll"
    std::string description;  ///< what it is
    std::string engine;       ///< what turns it, with its version
    std::string clock;        ///< how finely it waits
    bool usable = true;       ///< here and now
    std::string why_not;      ///< if it is not usable
};

/// Every loop this build knows, usable or not.
[[nodiscard]] GYRE_API std::vector<LoopInfo> available_loops();

/// Makes a loop. A spec is `name` or `name:option`; an empty one means what install() was given,
/// else the environment variable GYRE_LOOP, else "uv". Throws ValueError, which lists the loops
/// there are, for a spec that is unknown or not usable here; std::system_error if the system
/// refuses a resource.
///
/// asyncio: new_event_loop, with the loop factory's name as argument.
[[nodiscard]] GYRE_API std::unique_ptr<EventLoop> new_event_loop(std::string_view spec = {});

/// Makes `spec` the default of later loops in this process; an empty spec takes that back.
/// Throws ValueError as new_event_loop() does. Thread rule: any thread. asyncio: uvloop.install().
GYRE_API void install(std::string_view spec);

}  // namespace gyre
