// How a long loop in core lets its surroundings stop it.
#pragma once

#include <cstdint>

namespace pg_tree::core {

/// Implemented by the surroundings. poll() may throw; the exception passes through core untouched.
class Interrupts {
public:
    virtual void poll() = 0;

protected:
    ~Interrupts() = default;
};

/// Counts steps and polls once in every 4096 of them: at some ten nanoseconds a step that is far below the 200 ms in
/// which a cancelled statement has to be gone, and too rare to be seen in a profile.
class Poller {
public:
    explicit Poller(Interrupts& interrupts) noexcept : interrupts_(interrupts) {}
    void step() {
        if ((++steps_ & 4095U) == 0) {
            interrupts_.poll();
        }
    }

private:
    Interrupts& interrupts_;
    std::uint32_t steps_ = 0;
};

}  // namespace pg_tree::core
