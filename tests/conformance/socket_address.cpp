// SocketAddress.
#include "connected.hpp"
