// All of gyre.
#pragma once

#include <gyre/as_completed.hpp>
#include <gyre/async_generator.hpp>
#include <gyre/context.hpp>
#include <gyre/coro.hpp>
#include <gyre/errors.hpp>
#include <gyre/event.hpp>
#include <gyre/event_loop.hpp>
#include <gyre/future.hpp>
#include <gyre/gather.hpp>
#include <gyre/loops.hpp>
#include <gyre/queue.hpp>
#include <gyre/result.hpp>
#include <gyre/run.hpp>
#include <gyre/shield.hpp>
#include <gyre/sleep.hpp>
#include <gyre/task.hpp>
#include <gyre/task_group.hpp>
#include <gyre/timeouts.hpp>
#include <gyre/version.hpp>
#include <gyre/wait.hpp>
