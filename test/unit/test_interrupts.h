// Surroundings for core that never stop it, stop it at a chosen moment, or watch how often it asks.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>

#include "core/interrupts.h"

namespace pg_tree::test {

class NoInterrupts final : public core::Interrupts {
public:
    void poll() override {}
};

/// Not a std::exception, as a cancel raised by the surroundings need not be one either.
struct Cancelled {
    std::size_t at_poll;
};

class CancelAt final : public core::Interrupts {
public:
    explicit CancelAt(std::size_t poll) : cancel_at_(poll) {}
    void poll() override {
        if (++polls_ == cancel_at_) {
            throw Cancelled{polls_};
        }
    }

private:
    std::size_t cancel_at_;
    std::size_t polls_ = 0;
};

class CountPolls final : public core::Interrupts {
public:
    void poll() override {
        ++polls;
        if (watch) {
            watch();
        }
    }
    std::size_t polls = 0;
    std::function<void()> watch;
};

}  // namespace pg_tree::test
