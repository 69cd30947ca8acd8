#include "tests/support/raw_deflate.h"

#include <zlib.h>

#include <array>
#include <cassert>

namespace upgate::test {
namespace {

constexpr std::string_view kTail("\x00\x00\xff\xff", 4);

Bytef* In(std::string_view bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

std::string DeflateWith(z_stream& stream, std::string_view bytes, int flush) {
  std::string out;
  std::array<char, 16384> room;
  stream.next_in = In(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  do {
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = room.size();
    deflate(&stream, flush);
    out.append(room.data(), room.size() - stream.avail_out);
  } while (stream.avail_out == 0);
  return out;
}

}  // namespace

RawDeflater::RawDeflater(int window_bits, int level) : stream_(std::make_unique<z_stream>()) {
  [[maybe_unused]] const int result =
      deflateInit2(stream_.get(), level, Z_DEFLATED, -window_bits, 8, Z_DEFAULT_STRATEGY);
  assert(result == Z_OK);
}

RawDeflater::~RawDeflater() {
  deflateEnd(stream_.get());
}

std::string RawDeflater::Message(std::string_view message, bool fresh) {
  if (fresh) deflateReset(stream_.get());
  if (message.empty()) return std::string(1, '\0');
  const std::string out = DeflateWith(*stream_, message, Z_SYNC_FLUSH);
  assert(out.ends_with(kTail));
  return out.substr(0, out.size() - kTail.size());
}

RawInflater::RawInflater(int window_bits) : stream_(std::make_unique<z_stream>()) {
  [[maybe_unused]] const int result = inflateInit2(stream_.get(), -window_bits);
  assert(result == Z_OK);
}

RawInflater::~RawInflater() {
  inflateEnd(stream_.get());
}

std::optional<std::string> RawInflater::Message(std::string_view payload, bool fresh) {
  if (fresh) inflateReset(stream_.get());
  const std::string whole = std::string(payload).append(kTail);
  std::string out;
  std::array<char, 16384> room;
  stream_->next_in = In(whole);
  stream_->avail_in = static_cast<uInt>(whole.size());
  do {
    stream_->next_out = reinterpret_cast<Bytef*>(room.data());
    stream_->avail_out = room.size();
    const int result = inflate(stream_.get(), Z_SYNC_FLUSH);
    if (result != Z_OK && result != Z_BUF_ERROR) return {};
    out.append(room.data(), room.size() - stream_->avail_out);
  } while (stream_->avail_out == 0);
  return out;
}

// A full flush makes every piece identical and independent of those before it.
std::string DeflatedZeros(std::size_t mebibytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  const std::string piece = DeflateWith(stream, std::string(1 << 20, '\0'), Z_FULL_FLUSH);
  deflateEnd(&stream);
  std::string out;
  for (std::size_t i = 0; i < mebibytes; ++i) out += piece;
  return out.substr(0, out.size() - kTail.size());
}

}  // namespace upgate::test
