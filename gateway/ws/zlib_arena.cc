#include "gateway/ws/zlib_arena.h"

#include <sys/mman.h>

#include <cstdlib>

namespace upgate::ws {
namespace {

constexpr std::size_t kAlignment = 64;

}  // namespace

ZlibArena::ZlibArena(std::size_t capacity) {
  void* const mapped =
      ::mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return;
  begin_ = static_cast<std::byte*>(mapped);
  capacity_ = capacity;
}

ZlibArena::~ZlibArena() {
  if (begin_ != nullptr) ::munmap(begin_, capacity_);
}

void ZlibArena::Serve(z_stream& stream) {
  stream.zalloc = Allocate;
  stream.zfree = Free;
  stream.opaque = this;
}

voidpf ZlibArena::Allocate(voidpf arena, uInt items, uInt size) {
  auto& self = *static_cast<ZlibArena*>(arena);
  const std::size_t wanted = (std::size_t{items} * size + kAlignment - 1) / kAlignment * kAlignment;
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): as zlib's own allocator.
  if (wanted > self.capacity_ - self.used_) return std::malloc(wanted);
  std::byte* const memory = self.begin_ + self.used_;
  self.used_ += wanted;
  return memory;
}

// zlib frees memory only when the stream ends.
void ZlibArena::Free(voidpf arena, voidpf memory) {
  const auto& self = *static_cast<ZlibArena*>(arena);
  const auto* const bytes = static_cast<std::byte*>(memory);
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc)
  if (bytes < self.begin_ || bytes >= self.begin_ + self.capacity_) std::free(memory);
}

}  // namespace upgate::ws
