// A fuzzer's input as a stream of small choices; after its end come zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pg_tree::test {

class ByteReader {
public:
    ByteReader(const std::uint8_t* data, std::size_t size) : next_(data), end_(data + size) {}

    bool at_end() const { return next_ == end_; }
    std::uint8_t byte() { return at_end() ? 0 : *next_++; }
    std::uint64_t word() {
        std::uint64_t word = 0;
        const auto left = static_cast<std::size_t>(end_ - next_);
        const std::size_t bytes = left < sizeof word ? left : sizeof word;
        std::memcpy(&word, next_, bytes);
        next_ += bytes;
        return word;
    }

private:
    const std::uint8_t* next_;
    const std::uint8_t* end_;
};

}  // namespace pg_tree::test
