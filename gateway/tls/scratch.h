#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "gateway/io/stream.h"
#include "gateway/tls/context.h"
#include "gateway/tls/openssl.h"

namespace upgate::tls {

// Most plaintext that one record holds (RFC 8446, section 5.1).
inline constexpr std::size_t kMaxPlaintext = 16 * 1024;

// The BIO of all engines of a loop: it passes records on to and from Engine::AtWork.
BioPtr MakeRecordBio();

struct Scratch::Buffers {
  // Where plaintext for OnBytes goes, with the headroom in front that a handler may write to.
  MutableBytes plaintext() { return MutableBytes(incoming).subspan(io::kReadHeadroom); }

  alignas(64) std::array<std::byte, io::kReadHeadroom + io::kReadBufferSize> incoming;
  std::array<std::byte, kMaxPlaintext> stage;  // where small slices join to one record
  std::vector<std::byte> records;  // on their way to the lower stream; empty between calls
  // Between OpenSSL and whichever engine is at work; nullptr when there was no memory for it.
  BioPtr bio = MakeRecordBio();
};

}  // namespace upgate::tls
