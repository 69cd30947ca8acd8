#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <span>

#include "gateway/base/bytes.h"
#include "gateway/io/memory.h"

namespace upgate::net {

// Bytes that the system did not accept yet, in order. Copies its input into blocks that are freed
// as they are sent, so bytes are never moved. Charges its blocks to the ledger, which must outlive
// it. Not thread-safe.
class SendQueue {
 public:
  explicit SendQueue(io::MemoryLedger& ledger) : charge_(ledger) {}

  std::size_t size() const { return size_; }
  // Capacity of all blocks.
  std::size_t held_bytes() const { return charge_.bytes(); }
  void Append(Bytes bytes);

  // Sets the slices to the front of the queue, as far as they reach; returns how many were used.
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
