#include "gateway/ws/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <new>
#include <vector>

#include "gateway/ws/mask.h"
#include "gateway/ws/zlib_arena.h"

namespace upgate::ws {
namespace {

// What a flushed message ends with; the sender leaves it out (RFC 7692, section 7.2.1).
constexpr std::array<std::byte, 4> kTail{std::byte{0x00}, std::byte{0x00}, std::byte{0xff},
                                         std::byte{0xff}};

constexpr ProtocolError kCorrupt{1007, "the message is not valid deflate data"};

// zlib has no raw deflate with a window of 256 bytes. Its window of 512 never refers back further
// than 512 less its look-ahead of 262, which is within 256.
int DeflateBits(std::uint8_t window_bits) {
  return std::max<int>(window_bits, 9);
}

int MemoryLevel(std::uint8_t window_bits) {
  return std::clamp(window_bits - 7, 1, 8);
}

Bytef* ToZlib(const std::byte* bytes) {
  return reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes));
}

uInt Most(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

void Check(int result) {
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  assert(result == Z_OK);
}

}  // namespace

Inflater::Inflater(std::uint8_t window_bits)
    : stream_(std::make_unique<z_stream>()), window_bits_(window_bits) {
  Check(inflateInit2(stream_.get(), -window_bits));
}

Inflater::~Inflater() {
  inflateEnd(stream_.get());
}

void Inflater::Reset() {
  inflateReset(stream_.get());
  tail_given_ = 0;
  held_back_ = false;
}

std::size_t Inflater::Memory(std::uint8_t window_bits) {
  return 7 * 1024 + (std::size_t{1} << window_bits);
}

std::expected<Inflater::Output, ProtocolError> Inflater::Inflate(Bytes& input, bool last,
                                                                 MutableBytes out) {
  std::size_t written = 0;
  for (;;) {
    const bool in_tail = input.empty() && last && !held_back_;
    const Bytes from = in_tail ? Bytes(kTail).subspan(tail_given_) : input;
    if (from.empty() && !held_back_) break;
    stream_->next_in = ToZlib(from.data());
    stream_->avail_in = Most(from.size());
    stream_->next_out = ToZlib(out.data() + written);
    stream_->avail_out = Most(out.size() - written);
    const std::size_t offered = stream_->avail_in;
    const std::size_t room = stream_->avail_out;
    const int result = inflate(stream_.get(), Z_SYNC_FLUSH);
    const std::size_t taken = offered - stream_->avail_in;
    const std::size_t made = room - stream_->avail_out;
    written += made;
    held_back_ = stream_->avail_out == 0;
    if (in_tail) {
      tail_given_ = static_cast<std::uint8_t>(tail_given_ + taken);
    } else {
      input = input.subspan(taken);
    }
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result == Z_STREAM_END) {
      if (!RestartKeepingWindow()) return std::unexpected(kCorrupt);
    } else if ((result != Z_OK && result != Z_BUF_ERROR) ||
               (offered > 0 && taken == 0 && made == 0)) {
      return std::unexpected(kCorrupt);
    }
    // The tail ends a block; it must not be taken for a part of one that the message breaks off in.
    if (in_tail && made > 0) return std::unexpected(kCorrupt);
    if (held_back_) return Output{written, false};
  }
  if (last) {
    constexpr int kBetweenBlocks = 128;
    if ((stream_->data_type & kBetweenBlocks) == 0) return std::unexpected(kCorrupt);
    tail_given_ = 0;
  }
  return Output{written, true};
}

// A sender may end a message with a final block; what follows may still refer to what was before
// (RFC 7692, section 7.2.3.5).
bool Inflater::RestartKeepingWindow() {
  std::vector<Bytef> window(std::size_t{1} << window_bits_);
  uInt size = 0;
  if (inflateGetDictionary(stream_.get(), window.data(), &size) != Z_OK) return false;
  if (inflateReset(stream_.get()) != Z_OK) return false;
  return size == 0 || inflateSetDictionary(stream_.get(), window.data(), size) == Z_OK;
}

struct Deflater::State {
  explicit State(std::size_t memory) : arena(memory) { arena.Serve(stream); }

  ZlibArena arena;
  z_stream stream{};
};

Deflater::Deflater(std::uint8_t window_bits, int level)
    : state_(std::make_unique<State>(Memory(window_bits))),
      window_bits_(window_bits),
      level_(level) {
  Check(deflateInit2(&state_->stream, level, Z_DEFLATED, -DeflateBits(window_bits),
                     MemoryLevel(window_bits), Z_DEFAULT_STRATEGY));
}

Deflater::~Deflater() {
  deflateEnd(&state_->stream);
}

void Deflater::Reset() {
  deflateReset(&state_->stream);
}

std::size_t Deflater::Memory(std::uint8_t window_bits) {
  return 6 * 1024 + (std::size_t{1} << (DeflateBits(window_bits) + 2)) +
         (std::size_t{1} << (MemoryLevel(window_bits) + 9));
}

void Deflater::Deflate(Bytes message, std::string& out) {
  constexpr std::size_t kPiece = 16 * 1024;
  if (message.empty()) {
    out += '\0';  // the head of an empty block, whose rest is the tail (section 7.2.3.6)
    return;
  }
  z_stream& stream = state_->stream;
  std::size_t size = out.size();
  do {
    const uInt offered = Most(message.size());
    const std::size_t room = std::max<std::size_t>(kPiece, offered / 4);
    out.resize(size + room);
    stream.next_in = ToZlib(message.data());
    stream.avail_in = offered;
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + size);
    stream.avail_out = Most(room);
    // Z_BUF_ERROR: the last piece ended where the flush did.
    [[maybe_unused]] const int result =
        deflate(&stream, offered == message.size() ? Z_SYNC_FLUSH : Z_NO_FLUSH);
    assert(result == Z_OK || result == Z_BUF_ERROR);
    message = message.subspan(offered - stream.avail_in);
    size += room - stream.avail_out;
  } while (!message.empty() || stream.avail_out == 0);
  out.resize(size - kTail.size());
}

Bytes CompressedFrame(Deflater& deflater, Opcode opcode, Bytes message, std::string& scratch,
                      std::optional<MaskKey> mask) {
  scratch.assign(kMaxHeader, '\0');
  deflater.Deflate(message, scratch);
  const MutableBytes payload = std::as_writable_bytes(std::span(scratch)).subspan(kMaxHeader);
  if (mask) Mask(payload, *mask, 0);
  const std::size_t header = EncodeHeaderBefore(
      {.opcode = opcode, .rsv1 = true, .length = payload.size(), .mask = mask}, payload.data());
  return {payload.data() - header, payload.size() + header};
}

}  // namespace upgate::ws
