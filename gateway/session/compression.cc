#include "gateway/session/compression.h"

#include <algorithm>
#include <utility>

#include "gateway/ws/frame_errors.h"

namespace upgate::session {

ws::DeflateParameters WantedBy(const config::Compression& settings) {
  return {.server_no_context_takeover = settings.server_no_context_takeover,
          .client_no_context_takeover = settings.client_no_context_takeover,
          .server_max_window_bits = settings.server_max_window_bits,
          .client_max_window_bits = settings.client_max_window_bits};
}

std::unique_ptr<Compression> Compression::Open(CompressionPool& pool, ws::Role role,
                                               const ws::DeflateParameters& agreed,
                                               const config::Compression& settings,
                                               std::uint64_t max_message) {
  const bool server = role == ws::Role::kServer;
  const Direction in = Of(server ? ws::Role::kClient : ws::Role::kServer, agreed);
  const Direction out = Of(role, agreed);
  // An inflater counts even without context takeover, because a peer can keep a message open for
  // any time. A deflater without it is borrowed for one whole message.
  const std::size_t most = ws::Inflater::Memory(in.window_bits) +
                           (out.takeover ? ws::Deflater::Memory(out.window_bits) : 0);
  if (!pool.Reserve(most)) return nullptr;
  return std::unique_ptr<Compression>(new Compression(pool, in, out, settings, max_message, most));
}

Compression::Compression(CompressionPool& pool, Direction in, Direction out,
                         const config::Compression& settings, std::uint64_t max_message,
                         std::size_t reserved)
    : pool_(pool),
      max_message_(max_message),
      threshold_(settings.threshold),
      reserved_(reserved),
      in_(in),
      out_(out),
      level_(settings.level) {}

Compression::Direction Compression::Of(ws::Role sender, const ws::DeflateParameters& parameters) {
  if (sender == ws::Role::kClient)
    return {parameters.client_max_window_bits, !parameters.client_no_context_takeover};
  return {parameters.server_max_window_bits, !parameters.server_no_context_takeover};
}

void Compression::SetParameters(const ws::DeflateParameters& agreed) {
  in_ = Of(ws::Role::kServer, agreed);
  out_ = Of(ws::Role::kClient, agreed);
}

Compression::~Compression() {
  if (inflater_) pool_.GiveBack(std::move(inflater_));
  if (deflater_) pool_.GiveBack(std::move(deflater_));
  pool_.Release(reserved_);
}

std::expected<Compression::Piece, ws::ProtocolError> Compression::Inflate(ws::FramePart& rest,
                                                                          MutableBytes out) {
  if (rest.message_begin) room_ = max_message_;
  if (!inflater_) inflater_ = pool_.TakeInflater(in_.window_bits);
  Bytes input = rest.payload;
  // One byte more than allowed, to notice that the limit is exceeded.
  const auto got = inflater_->Inflate(input, rest.message_end,
                                      out.first(std::min<std::uint64_t>(out.size(), room_ + 1)));
  if (!got) return std::unexpected(got.error());
  if (got->size > room_) return std::unexpected(TooBig(max_message_ - room_ + got->size));
  room_ -= got->size;
  rest.payload = rest.payload.last(input.size());

  ws::FramePart piece = rest;
  piece.compressed = false;
  piece.payload = out.first(got->size);
  piece.frame_end = rest.frame_end && got->done;
  piece.message_end = rest.message_end && got->done;
  rest.frame_begin = rest.message_begin = false;
  if (const ws::ProtocolError* error = Check(piece)) return std::unexpected(*error);
  if (piece.message_end && !in_.takeover) pool_.GiveBack(std::move(inflater_));
  return Piece{piece, got->done};
}

// The error for a message of at least `size` bytes.
ws::ProtocolError Compression::TooBig(std::uint64_t size) const {
  return {ws::kTooBig.close_code, ws::kTooBig.reason, max_message_, size};
}

const ws::ProtocolError* Compression::Check(const ws::FramePart& piece) {
  if (piece.opcode != ws::Opcode::kText) return nullptr;
  if (!utf8_.Feed(piece.payload)) return &ws::kNotUtf8;
  return piece.message_end && !utf8_.complete() ? &ws::kCutUtf8 : nullptr;
}

std::optional<Bytes> Compression::Deflate(ws::Opcode opcode, Bytes message,
                                          std::optional<ws::MaskKey> mask, std::string& scratch) {
  if (!Wants(message.size())) return {};
  if (out_.takeover) {
    if (!deflater_) deflater_ = pool_.TakeDeflater(out_.window_bits, level_);
    // Sent even if it got no smaller: the peer's window must get what is in ours.
    return ws::CompressedFrame(*deflater_, opcode, message, scratch, mask);
  }
  auto deflater = pool_.TakeDeflater(out_.window_bits, level_);
  const Bytes frame = ws::CompressedFrame(*deflater, opcode, message, scratch, mask);
  pool_.GiveBack(std::move(deflater));
  if (frame.size() >= message.size() + ws::HeaderSize({.length = message.size(), .mask = mask}))
    return {};
  return frame;
}

// With context takeover a shared message would have to be compressed for each session separately,
// which costs too much for a room with many subscribers: such sessions get shared messages
// uncompressed.
std::optional<Bytes> Compression::DeflateShared(const plugin::Message& message) {
  if (out_.takeover || !Wants(message.payload().size())) return {};
  auto frame = message.FindCompressed(out_.window_bits, level_);
  if (!frame) {
    auto deflater = pool_.TakeDeflater(out_.window_bits, level_);
    frame = message.Compress(*deflater);
    pool_.GiveBack(std::move(deflater));
  }
  return frame->empty() ? std::nullopt : frame;
}

}  // namespace upgate::session
