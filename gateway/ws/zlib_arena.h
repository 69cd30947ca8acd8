#pragma once

#include <zlib.h>

#include <cstddef>

namespace upgate::ws {

// The memory of one zlib stream, mapped and unmapped as a whole, so that it goes back to the system
// when sessions with large windows end, instead of staying in the heap. Pages that zlib never
// touches cost nothing. Allocations that do not fit, or all if mmap fails, come from the heap. Not
// thread-safe.
class ZlibArena {
 public:
  // `capacity` in bytes.
  explicit ZlibArena(std::size_t capacity);
  ~ZlibArena();
  ZlibArena(const ZlibArena&) = delete;
  ZlibArena& operator=(const ZlibArena&) = delete;

  // Call before the stream is initialized; the arena must outlive deflateEnd or inflateEnd.
  void Serve(z_stream& stream);

 private:
  static voidpf Allocate(voidpf arena, uInt items, uInt size);
  static void Free(voidpf arena, voidpf memory);

  std::byte* begin_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
};

}  // namespace upgate::ws
