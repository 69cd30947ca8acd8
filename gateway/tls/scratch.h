#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "gateway/io/stream.h"
#include "gateway/tls/context.h"
#include "gateway/tls/openssl.h"

namespace upgate::tls {

// Maximum plaintext of one record (RFC 8446, section 5.1).
inline constexpr std::size_t kMaxPlaintext = 16 * 1024;

// The BIO of all engines of a loop: it transfers records to and from Engine::BoundBio.
BioPtr MakeRecordBio();

struct Scratch::Buffers {
  // The buffer for plaintext passed to OnBytes, behind the headroom that a handler may write to.
  MutableBytes plaintext() { return MutableBytes(incoming).subspan(io::kReadHeadroom); }

  alignas(64) std::array<std::byte, io::kReadHeadroom + io::kReadBufferSize> incoming;
  std::array<std::byte, kMaxPlaintext> stage;  // small slices are joined here to one record
  std::vector<std::byte> records;  // to be written to the lower stream; empty between calls
  // Connects OpenSSL with the engine that is currently calling it; nullptr if out of memory.
  BioPtr bio = MakeRecordBio();
};

}  // namespace upgate::tls
