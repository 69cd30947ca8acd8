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

// The end of every flushed message, which the sender omits (RFC 7692, section 7.2.1).
constexpr std::array<std::byte, 4> kTail{std::byte{0x00}, std::byte{0x00}, std::byte{0xff},
                                         std::byte{0xff}};

// Offsets into a message, in bytes: the configured level applies up to kWholeEffort, level 1 up to
// kQuickEffort, and the rest is stored. The first 64 KiB take at most 20 ms, each MiB after that at
// most 12 ms.
constexpr std::size_t kWholeEffort = 64 * 1024;
constexpr std::size_t kQuickEffort = 4 * 1024 * 1024;
// Beyond kWholeEffort, a sample at the start of each piece decides whether to search for matches.
constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kSample = 8 * 1024;

// The output grows in steps of this size.
constexpr std::size_t kRoom = 16 * 1024;

constexpr ProtocolError kCorrupt{1007, "the message is not valid deflate data"};

// zlib does not support raw deflate with a 256-byte window. With a 512-byte window it never refers
// back further than 512 minus its look-ahead of 262, which is within 256.
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
    // The tail ends a block; it must not complete a block that the message left unfinished.
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

// A sender may end a message with a final block, and later messages may still refer to earlier data
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
      level_(level),
      current_level_(level) {
  Check(deflateInit2(&state_->stream, level, Z_DEFLATED, -DeflateBits(window_bits),
                     MemoryLevel(window_bits), Z_DEFAULT_STRATEGY));
  Tune();
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

// The search for matches in adversarial data takes 3 s per MiB at level 9 and 0.1 s at level 6, and
// blocks the loop meanwhile. So only the beginning of a message is compressed at the configured
// level, and incompressible data is stored.
void Deflater::Deflate(Bytes message, std::string& out) {
  if (message.empty()) {
    out += '\0';  // the start of an empty block; the tail is its rest (section 7.2.3.6)
    return;
  }
  SetLevel(level_, out);
  if (message.size() <= kWholeEffort) {
    Feed(message, Z_SYNC_FLUSH, out);
  } else {
    Feed(message.first(kWholeEffort), Z_BLOCK, out);
    std::size_t done = kWholeEffort;
    while (done < message.size()) {
      const Bytes piece = message.subspan(done, std::min(kPiece, message.size() - done));
      FeedQuickly(piece, done < kQuickEffort, out);
      done += piece.size();
    }
    Feed({}, Z_SYNC_FLUSH, out);
  }
  out.resize(out.size() - kTail.size());
}

void Deflater::FeedQuickly(Bytes piece, bool search, std::string& out) {
  const Bytes sample = piece.first(std::min(kSample, piece.size()));
  if (search) {
    SetLevel(1, out);
    const std::size_t before = out.size();
    Feed(sample, Z_BLOCK, out);
    search = out.size() - before < sample.size() - sample.size() / 16;
    piece = piece.subspan(sample.size());
  }
  if (!search) SetLevel(0, out);
  Feed(piece, Z_BLOCK, out);
}

void Deflater::SetLevel(int level, std::string& out) {
  if (level == current_level_) return;
  z_stream& stream = state_->stream;
  int result = Z_OK;
  // Flushes earlier input first; Z_BUF_ERROR: the output buffer was too small for it.
  do {
    const std::size_t size = out.size();
    out.resize(size + kRoom);
    stream.next_in = nullptr;
    stream.avail_in = 0;
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + size);
    stream.avail_out = Most(kRoom);
    result = deflateParams(&stream, level, Z_DEFAULT_STRATEGY);
    out.resize(size + kRoom - stream.avail_out);
  } while (result == Z_BUF_ERROR);
  assert(result == Z_OK);
  current_level_ = level;
  Tune();
}

// Limits the search of levels 8 and 9, which try up to 4096 positions per byte to save a few bytes
// in a thousand.
void Deflater::Tune() {
  if (current_level_ > 7) deflateTune(&state_->stream, 32, 258, 258, 256);
}

void Deflater::Feed(Bytes bytes, int flush, std::string& out) {
  z_stream& stream = state_->stream;
  std::size_t size = out.size();
  do {
    const uInt offered = Most(bytes.size());
    const std::size_t room = std::max<std::size_t>(kRoom, offered / 4);
    out.resize(size + room);
    stream.next_in = ToZlib(bytes.data());
    stream.avail_in = offered;
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + size);
    stream.avail_out = Most(room);
    // Z_BUF_ERROR: the output buffer was exactly full when the flush ended.
    [[maybe_unused]] const int result =
        deflate(&stream, offered == bytes.size() ? flush : Z_NO_FLUSH);
    assert(result == Z_OK || result == Z_BUF_ERROR);
    bytes = bytes.subspan(offered - stream.avail_in);
    size += room - stream.avail_out;
  } while (!bytes.empty() || stream.avail_out == 0);
  out.resize(size);
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
