#include "gateway/net/send_queue.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace upgate::net {
namespace {

constexpr std::size_t kBlockSize = 16 * 1024;

}  // namespace

void SendQueue::Append(Bytes bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    if (blocks_.empty() || blocks_.back().end == blocks_.back().capacity) {
      const std::size_t capacity = std::max(kBlockSize, bytes.size());
      blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(capacity), capacity, 0, 0});
      charge_.Set(charge_.bytes() + capacity);
    }
    Block& last = blocks_.back();
    const std::size_t count = std::min(bytes.size(), last.capacity - last.end);
    std::memcpy(last.data.get() + last.end, bytes.data(), count);
    last.end += count;
    bytes = bytes.subspan(count);
  }
}

std::size_t SendQueue::Peek(std::span<iovec> slices) const {
  std::size_t used = 0;
  for (const Block& block : blocks_) {
    if (used == slices.size()) break;
    slices[used++] = {block.data.get() + block.begin, block.end - block.begin};
  }
  return used;
}

void SendQueue::Consume(std::size_t count) {
  assert(count <= size_);
  size_ -= count;
  while (count > 0) {
    Block& first = blocks_.front();
    const std::size_t taken = std::min(count, first.end - first.begin);
    first.begin += taken;
    count -= taken;
    if (first.begin < first.end) return;
    charge_.Set(charge_.bytes() - first.capacity);
    blocks_.pop_front();
  }
}

}  // namespace upgate::net
