// Cancel, statement_timeout and termination reach loops in C++ through this.
#pragma once

#include "core/interrupts.h"
#include "pg/error.h"

namespace pg_tree::pg {

/// poll() throws ServerError when the server wants the statement gone, and returns when the interrupt was harmless
/// (a configuration reload, a barrier).
class ServerInterrupts final : public core::Interrupts {
public:
    void poll() override {
        if (INTERRUPTS_PENDING_CONDITION()) {
            call_server([] { ProcessInterrupts(); });
        }
    }
};

}  // namespace pg_tree::pg
