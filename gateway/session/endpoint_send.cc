// The sending half of Endpoint; see endpoint.cc for receiving and closing.
#include <algorithm>
#include <utility>

#include "gateway/session/endpoint.h"
#include "gateway/ws/mask.h"

namespace upgate::session {
namespace {

using ws::Opcode;

// The most slices in one write.
constexpr std::size_t kMostSlices = 64;

Bytes PayloadOf(Bytes frame) {
  const auto second = std::to_integer<unsigned>(frame[1]);
  const unsigned length = second & 0x7f;
  return frame.subspan((length < 126    ? 2
                        : length == 126 ? 4
                                        : 10) +
                       ((second & 0x80) != 0 ? 4 : 0));
}

void CountCompressed(stats::Traffic& out, Bytes frame, std::size_t inflated) {
  out.compressed_messages.Add();
  out.compressed_bytes.Add(PayloadOf(frame).size());
  out.inflated_bytes.Add(inflated);
}

}  // namespace

// All output goes through this function.
void Endpoint::Write(std::span<const Bytes> slices) {
  if (context_.reading == this && Gather(slices)) return;
  stream_->Write(slices);
}

void Endpoint::WriteLast(std::span<const Bytes> slices) {
  if (context_.reading == this && Gather(slices)) return;
  stream_->WriteLast(slices);
}

// While input of this peer is processed, small frames to it are collected until the end of the
// read. Returns false for frames to be written at once; what was collected has then been written
// before them.
bool Endpoint::Gather(std::span<const Bytes> slices) {
  std::size_t size = context_.gathered.size();
  for (const Bytes slice : slices) size += slice.size();
  if (size > Context::kMostGathered) {
    FlushGathered();
    return false;
  }
  for (const Bytes slice : slices) Append(context_.gathered, slice);
  return true;
}

// A peer that does not read our answers is not read either.
void Endpoint::FlushGathered() {
  if (context_.reading != this || context_.gathered.empty()) return;
  if (state_ != State::kDone) {
    context_.reading = nullptr;
    Write(std::array{AsBytes(context_.gathered)});
    context_.reading = this;
  }
  context_.gathered.clear();
  if (congested()) PauseReading(PauseReason::kOwnQueueFull);
}

// ---- messages

void Endpoint::CountOutMessage(Opcode opcode, std::uint64_t size) {
  stats_.out.message_size.Record(size);
  (opcode == Opcode::kText ? stats_.out.text_messages : stats_.out.binary_messages).Add();
  ++totals_.messages_out;
}

// One message in one frame.
void Endpoint::CountOut(Opcode opcode, std::size_t bytes) {
  context_.work += bytes;
  stats_.out.frames.Add();
  stats_.out.bytes.Add(bytes);
  totals_.bytes_out += bytes;
  CountOutMessage(opcode, bytes);
  last_active_ = context_.loop.timers.Now();
}

void Endpoint::SendFrame(Opcode opcode, Bytes frame) {
  if (!sending()) return;
  const Bytes payload = PayloadOf(frame);
  if (compression_ && SendCompressed(opcode, payload)) return;
  Write(std::span(&frame, 1));
  CountOut(opcode, payload.size());
}

void Endpoint::SendAll(std::span<const plugin::Message> messages) {
  while (sending() && !messages.empty()) {
    std::array<Bytes, kMostSlices> frames;
    const auto batch = messages.first(std::min(messages.size(), frames.size()));
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const plugin::Message& message = batch[i];
      const auto compressed = compression_ ? compression_->DeflateShared(message) : std::nullopt;
      if (compressed) CountCompressed(stats_.out, *compressed, message.payload().size());
      frames[i] = compressed.value_or(message.frame());
      CountOut(message.kind() == plugin::MessageKind::kText ? Opcode::kText : Opcode::kBinary,
               message.payload().size());
    }
    Write(std::span<const Bytes>(frames).first(batch.size()));
    messages = messages.subspan(batch.size());
  }
}

void Endpoint::SendBatch(const plugin::Batch& batch) {
  if (compression_) return SendAll(batch.messages());
  if (!sending()) return;
  const Bytes frames = batch.frames();
  Write(std::span(&frames, 1));
  context_.work += batch.payload_bytes();
  stats::Traffic& out = stats_.out;
  out.frames.Add(batch.messages().size());
  out.bytes.Add(batch.payload_bytes());
  totals_.bytes_out += batch.payload_bytes();
  totals_.messages_out += batch.messages().size();
  for (const auto& [payload, text, binary] : batch.sizes()) {
    out.message_size.Record(payload, text + binary);
    if (text > 0) out.text_messages.Add(text);
    if (binary > 0) out.binary_messages.Add(binary);
  }
  last_active_ = context_.loop.timers.Now();
}

void Endpoint::Send(Opcode opcode, Bytes payload) {
  if (!sending()) return;
  if (compression_ && SendCompressed(opcode, payload)) return;
  const auto mask = NextMask();
  if (mask) {  // in a copy: the payload is borrowed
    context_.deflated.assign(AsText(payload));
    const MutableBytes copy = std::as_writable_bytes(std::span(context_.deflated));
    ws::Mask(copy, *mask, 0);
    payload = copy;
  }
  std::array<std::byte, ws::kMaxHeader> header;
  const std::size_t size = ws::EncodeHeaderBefore(
      {.opcode = opcode, .length = payload.size(), .mask = mask}, header.data() + header.size());
  Write(std::array{Bytes(header).last(size), payload});
  CountOut(opcode, payload.size());
  if (mask) context_.TrimDeflated();
}

// Returns false if the message is to be sent uncompressed.
bool Endpoint::SendCompressed(Opcode opcode, Bytes payload) {
  if (!compression_->Wants(payload.size())) return false;
  const auto frame = compression_->Deflate(opcode, payload, NextMask(), context_.deflated);
  if (frame) {
    Write(std::span(&*frame, 1));
    CountCompressed(stats_.out, *frame, payload.size());
    CountOut(opcode, payload.size());
  }
  context_.TrimDeflated();
  return frame.has_value();
}

void Endpoint::SendPart(const ws::FramePart& part, std::uint64_t message_size) {
  if (!sending()) return;
  if (context_.slices.size() + 2 > Context::kMaxSlices) Flush();
  const auto mask = NextMask();
  if (mask) ws::Mask(part.payload, *mask, 0);
  std::array<std::byte, ws::kMaxHeader> header;
  const std::size_t size =
      ws::EncodeHeaderBefore({.opcode = part.message_begin ? part.opcode : Opcode::kContinuation,
                              .fin = part.message_end,
                              .length = part.payload.size(),
                              .mask = mask},
                             header.data() + header.size());
  // The string has reserved capacity for all headers, so the views stay valid.
  Append(context_.bytes, Bytes(header).last(size));
  context_.slices.emplace_back(AsBytes(context_.bytes).last(size));
  if (!part.payload.empty()) context_.slices.emplace_back(part.payload);
  stats_.out.frames.Add();
  stats_.out.bytes.Add(part.payload.size());
  totals_.bytes_out += part.payload.size();
  if (part.message_end) CountOutMessage(part.opcode, message_size);
  last_active_ = context_.loop.timers.Now();
}

void Endpoint::Flush() {
  if (context_.slices.empty()) return;
  if (sending()) Write(context_.slices);
  context_.slices.clear();
  context_.bytes.clear();
}

// ---- control frames

std::optional<ws::MaskKey> Endpoint::NextMask() {
  if (role_ == ws::Role::kServer) return {};
  ws::MaskKey mask;
  context_.loop.entropy.Fill(mask);
  return mask;
}

void Endpoint::SendControl(Opcode opcode, Bytes payload, bool last) {
  std::array<std::byte, ws::kMaxHeader + ws::kMaxControlPayload> frame;
  const MutableBytes body = MutableBytes(frame).subspan(ws::kMaxHeader, payload.size());
  std::ranges::copy(payload, body.begin());
  const auto mask = NextMask();
  if (mask) ws::Mask(body, *mask, 0);
  const std::size_t size =
      ws::EncodeHeaderBefore({.opcode = opcode, .length = body.size(), .mask = mask}, body.data());
  const std::array whole{Bytes(body.data() - size, size + body.size())};
  last ? WriteLast(whole) : Write(whole);
}

void Endpoint::SendClose(std::uint16_t close_code, std::string_view reason, bool last) {
  SendControl(Opcode::kClose, ws::EncodeClose(close_code, reason).view().subspan(2), last);
  stats_.out.closes.Add();
}

void Endpoint::SendPing() {
  SendControl(Opcode::kPing, context_.ping_payload);
  ping_clock_.OnPing(context_.loop.timers.Micros());
  stats_.out.pings.Add();
}

}  // namespace upgate::session
