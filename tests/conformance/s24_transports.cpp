// Section 24: transports and protocols.
#include "connected.hpp"
