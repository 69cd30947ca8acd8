#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <span>

#include "gateway/base/bytes.h"
#include "gateway/io/memory.h"

namespace upgate::net {

// Bytes that the system would not take yet, in order. Copies what comes in, into blocks that are
// freed as they are sent: nothing is moved to the front. Enters its blocks in the ledger, which
// outlives it. Not thread-safe.
class SendQueue {
 public:
  explicit SendQueue(io::MemoryLedger& ledger) : charge_(ledger) {}

  std::size_t size() const { return size_; }
  // Of all blocks, however full.
  std::size_t held_bytes() const { return charge_.bytes(); }
  void Append(Bytes bytes);

  // Points the slices at the front of the queue, as far as they reach; returns how many were used.
  // Valid until the next Append or Consume.
  std::size_t Peek(std::span<iovec> slices) const;
  // Drops `count` bytes, at most size(), from the front.
  void Consume(std::size_t count);

 private:
  struct Block {
    std::unique_ptr<std::byte[]> data;
    std::size_t capacity;
    std::size_t begin;
    std::size_t end;
  };

  std::deque<Block> blocks_;
  std::size_t size_ = 0;
  io::MemoryCharge charge_;
};

}  // namespace upgate::net
