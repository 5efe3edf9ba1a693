// Errors across the border between C++ and the server.
//
// The server raises an error by longjmp, which runs no destructor; C++ raises one by unwinding, which the server
// cannot catch. Two doors keep them apart:
//
//   enter(body)        from a server frame into C++. Whatever body throws is turned into a server error after every C++
//                      object has died. The caller's own locals must be trivially destructible.
//   call_server(body)  from C++ into the server. An error that body raises becomes the exception ServerError; the error
//                      itself (SQLSTATE, message, detail, hint, context) stays where the server put it, on its error
//                      stack, until enter() lets it travel on. Nothing may swallow a ServerError.
//
// Nothing here allocates: both doors hold when memory is exhausted.
#pragma once

#include "pg/server.h"

namespace pg_tree::pg {

/// A server error is pending on the server's error stack.
struct ServerError {};

/// More memory than pg_tree.max_build_memory would be needed. `what` is reported as SQLSTATE 53200.
class BuildMemoryExceeded : public std::bad_alloc {
public:
    BuildMemoryExceeded(const char* tree, std::size_t limit_bytes) noexcept : tree_(tree), limit_bytes_(limit_bytes) {}
    const char* what() const noexcept override { return "pg_tree.max_build_memory exceeded"; }
    /// The tree that was read, as the user would write it; lives as long as the memory that ran out.
    const char* tree() const noexcept { return tree_; }
    std::size_t limit_bytes() const noexcept { return limit_bytes_; }

private:
    const char* tree_;
    std::size_t limit_bytes_;
};

/// Describes the exception being handled, in memory that is there already. Call from a catch block only.
void describe_current_exception() noexcept;

/// Reports what was described last as a server error, when all C++ objects are gone; leaves by longjmp.
[[noreturn]] void raise_described();

/// Runs fn(argument) and says whether it returned. False: a server error is pending; memory context, error context,
/// exception stack and hold-off counts are those from before the call.
bool runs_without_error(void (*fn)(void*), void* argument);

/// After runs_without_error() said false: the pending error goes on to whoever catches it next.
[[noreturn]] void raise_pending();

/// Runs fn(argument) in a subtransaction of its own. False: it raised an error, which was undone and thrown away; the
/// first 255 bytes of its message are in `message`. For work whose failure must not stop what goes on around it. A cancel,
/// a shutdown, exhausted resources and internal errors are passed on all the same; with `out_of_memory`, which says whether that was
/// it, only the first two are.
bool succeeds_in_subtransaction(void (*fn)(void*), void* argument, char (&message)[256], bool* out_of_memory = nullptr);

template <class Body>
auto enter(Body&& body) -> std::invoke_result_t<Body> {
    using Result = std::invoke_result_t<Body>;
    static_assert(std::is_void_v<Result> || std::is_trivially_destructible_v<Result>,
                  "a server frame may hold trivially destructible values only");
    // Nothing of the way back stands on the stack here: calls by the row go through this.
    try {
        return std::forward<Body>(body)();
    } catch (...) {
        describe_current_exception();
    }
    raise_described();
}

template <class Body>
void call_server(Body&& body) {
    using Plain = std::remove_reference_t<Body>;
    auto thunk = [](void* argument) { (*static_cast<Plain*>(argument))(); };
    if (!runs_without_error(thunk, const_cast<void*>(static_cast<const void*>(&body)))) {
        throw ServerError{};
    }
}

}  // namespace pg_tree::pg
