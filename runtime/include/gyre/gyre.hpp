// All of gyre.
#pragma once

#include <gyre/context.hpp>
#include <gyre/coro.hpp>
#include <gyre/errors.hpp>
#include <gyre/event_loop.hpp>
#include <gyre/future.hpp>
#include <gyre/loops.hpp>
#include <gyre/result.hpp>
#include <gyre/run.hpp>
#include <gyre/sleep.hpp>
#include <gyre/task.hpp>
#include <gyre/version.hpp>
