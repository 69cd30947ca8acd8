#include "gateway/plugin/message.h"

#include <algorithm>
#include <utility>

#include "gateway/ws/frame.h"
#include "gateway/ws/utf8.h"

namespace upgate::plugin {

Message::Message(MessageKind kind, Bytes payload) {
  const ws::FrameHeader header{
      .opcode = kind == MessageKind::kText ? ws::Opcode::kText : ws::Opcode::kBinary,
      .length = payload.size()};
  const std::size_t header_size = ws::HeaderSize(header);
  const std::size_t size = header_size + payload.size();
  auto bytes = std::make_unique_for_overwrite<std::byte[]>(size);
  std::ranges::copy(payload, bytes.get() + header_size);
  ws::EncodeHeaderBefore(header, bytes.get() + header_size);
  auto encoded = std::make_shared<Encoded>();
  encoded->kind = kind;
  encoded->header_size = header_size;
  encoded->size = size;
  encoded->bytes = std::move(bytes);
  encoded_ = std::move(encoded);
}

Batch::Batch(std::vector<Message> messages) {
  auto content = std::make_shared<Content>();
  content->messages = std::move(messages);
  std::size_t size = 0;
  for (const Message& message : content->messages) size += message.frame().size();
  if (content->messages.size() > 1) content->joined.reserve(size);
  for (const Message& message : content->messages) {
    const std::uint64_t payload = message.payload().size();
    if (content->sizes.empty() || content->sizes.back().payload != payload) {
      content->sizes.push_back({payload, 0, 0});
    }
    Sizes& sizes = content->sizes.back();
    ++(message.kind() == MessageKind::kText ? sizes.text : sizes.binary);
    content->payload_bytes += payload;
    if (content->messages.size() == 1) continue;
    const Bytes frame = message.frame();
    content->joined.insert(content->joined.end(), frame.begin(), frame.end());
  }
  if (content->messages.size() == 1) {
    content->frames = content->messages.front().frame();
  } else {
    content->frames = content->joined;
  }
  content_ = std::move(content);
}

const Message::Compressed* Message::Encoded::Find(std::uint8_t window_bits, int level) const {
  const auto found = std::ranges::find_if(
      compressed, [&](const auto& c) { return c.window_bits == window_bits && c.level == level; });
  return found == compressed.end() ? nullptr : &*found;
}

std::optional<Bytes> Message::FindCompressed(std::uint8_t window_bits, int level) const {
  const std::lock_guard lock(encoded_->mutex);
  const Compressed* known = encoded_->Find(window_bits, level);
  return known != nullptr ? std::optional(AsBytes(known->frame)) : std::nullopt;
}

Bytes Message::Compress(ws::Deflater& deflater) const {
  const std::lock_guard lock(encoded_->mutex);
  if (const auto* known = encoded_->Find(deflater.window_bits(), deflater.level()))
    return AsBytes(known->frame);
  Compressed& made = encoded_->compressed.emplace_back(deflater.window_bits(), deflater.level());
  std::string scratch;
  const auto opcode = kind() == MessageKind::kText ? ws::Opcode::kText : ws::Opcode::kBinary;
  const Bytes frame = ws::CompressedFrame(deflater, opcode, payload(), scratch);
  if (frame.size() < encoded_->size) made.frame = AsText(frame);
  return AsBytes(made.frame);
}

void Message::Charge(io::MemoryLedger& ledger) const {
  if (!encoded_->is_charged.test_and_set(std::memory_order_relaxed))
    encoded_->charge = ledger.Share(sizeof(Encoded) + encoded_->size);
}

void Batch::Charge(io::MemoryLedger& ledger) const {
  if (content_->is_charged.test_and_set(std::memory_order_relaxed)) return;
  for (const Message& message : content_->messages) message.Charge(ledger);
  if (!content_->joined.empty()) content_->charge = ledger.Share(content_->joined.size());
}

bool IsUtf8(Bytes payload) {
  ws::Utf8Checker checker;
  return checker.Feed(payload) && checker.complete();
}

}  // namespace upgate::plugin
