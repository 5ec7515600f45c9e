// Section 27: servers.
#include "connected.hpp"
