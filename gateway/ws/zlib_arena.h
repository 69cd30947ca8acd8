#pragma once

#include <zlib.h>

#include <cstddef>

namespace upgate::ws {

// The memory of one zlib stream, mapped from the system whole and given back whole: what the heap
// would keep after many sessions with large windows have ended, the system has again. Pages that
// zlib never touches cost nothing. What does not fit, and all of it where the system maps nothing
// more, comes from the heap. Not thread-safe.
class ZlibArena {
 public:
  // `capacity` in bytes.
  explicit ZlibArena(std::size_t capacity);
  ~ZlibArena();
  ZlibArena(const ZlibArena&) = delete;
  ZlibArena& operator=(const ZlibArena&) = delete;

  // Before the stream is initialised; the arena outlives its end.
  void Serve(z_stream& stream);

 private:
  static voidpf Allocate(voidpf arena, uInt items, uInt size);
  static void Free(voidpf arena, voidpf memory);

  std::byte* begin_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
};

}  // namespace upgate::ws
