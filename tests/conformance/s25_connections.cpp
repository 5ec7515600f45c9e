// Section 25: connections.
#include "connected.hpp"
