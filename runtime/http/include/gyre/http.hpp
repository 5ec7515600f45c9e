// gyre-http: an HTTP client on gyre's loops.
#pragma once

#include <gyre/http/errors.hpp>
#include <gyre/http/options.hpp>
#include <gyre/http/response.hpp>
#include <gyre/http/session.hpp>
#include <gyre/http/url.hpp>
