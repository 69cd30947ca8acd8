#include "tests/conformance/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace upgate::conformance {
namespace {

// The end of a flushed block, removed on the wire (RFC 7692, section 7.2.1).
constexpr std::string_view kTail("\x00\x00\xff\xff", 4);

void SetInput(z_stream& stream, std::string_view input) {
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  stream.avail_in = static_cast<uInt>(input.size());
}

// Calls `step` until it leaves room in the output; returns its last result.
template <class Step>
int Drain(z_stream& stream, std::string& out, Step&& step) {
  std::array<char, 16384> buffer;
  int result = Z_OK;
  do {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = buffer.size();
    result = step();
    out.append(buffer.data(), buffer.size() - stream.avail_out);
  } while (stream.avail_out == 0 && (result == Z_OK || result == Z_BUF_ERROR));
  return result;
}

}  // namespace

Deflater::Deflater(int window_bits, bool takeover)
    : stream_(std::make_unique<z_stream>()), takeover_(takeover) {
  const int strategy = window_bits == 8 ? Z_HUFFMAN_ONLY : Z_DEFAULT_STRATEGY;
  if (deflateInit2(stream_.get(), 6, Z_DEFLATED, -std::max(window_bits, 9), 8, strategy) != Z_OK)
    throw std::runtime_error("zlib");
}

Deflater::~Deflater() {
  deflateEnd(stream_.get());
}

std::string Deflater::Deflate(std::string_view message) {
  std::string out;
  SetInput(*stream_, message);
  Drain(*stream_, out, [&] { return deflate(stream_.get(), Z_SYNC_FLUSH); });
  if (!takeover_) deflateReset(stream_.get());
  // zlib does not flush twice: use an empty block.
  if (!out.ends_with(kTail)) return std::string(1, '\0');
  out.resize(out.size() - kTail.size());
  return out;
}

Inflater::Inflater(int window_bits, bool takeover)
    : stream_(std::make_unique<z_stream>()), takeover_(takeover) {
  if (inflateInit2(stream_.get(), -window_bits) != Z_OK) throw std::runtime_error("zlib");
}

Inflater::~Inflater() {
  inflateEnd(stream_.get());
}

std::optional<std::string> Inflater::Inflate(std::string_view compressed) {
  std::string out;
  const std::string input = std::string(compressed) + std::string(kTail);
  SetInput(*stream_, input);
  const int result = Drain(*stream_, out, [&] { return inflate(stream_.get(), Z_SYNC_FLUSH); });
  const bool good = (result == Z_OK || result == Z_BUF_ERROR) && stream_->avail_in == 0;
  if (!takeover_) inflateReset(stream_.get());
  return good ? std::optional(out) : std::nullopt;
}

}  // namespace upgate::conformance
