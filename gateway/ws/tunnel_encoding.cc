#include "gateway/ws/tunnel_encoding.h"

#include <algorithm>

#include "gateway/base/text.h"
#include "gateway/ws/close.h"

namespace upgate::ws {
namespace {

using config::Encoding;

constexpr std::size_t kMaxUnmaskedHeader = kMaxHeader - 4;

constexpr ProtocolError kTextOnly{close_code::kUnsupportedData,
                                  "a binary message where only text is allowed"};
constexpr ProtocolError kNotBase64{close_code::kInvalidPayload, "a message that is not base64"};
constexpr ProtocolError kBackendNotUtf8{close_code::kInvalidPayload,
                                        "the backend sent bytes that are not UTF-8"};
constexpr ProtocolError kBackendCutUtf8{close_code::kInvalidPayload,
                                        "the backend's text ends inside a character"};

// The frame around `payload`, with the header directly before it.
Bytes Frame(Opcode opcode, MutableBytes payload) {
  FrameHeader header;
  header.opcode = opcode;
  header.length = payload.size();
  const std::size_t size = EncodeHeaderBefore(header, payload.data());
  return {payload.data() - size, payload.size() + size};
}

Bytes Base64Frame(Bytes data, std::string& scratch) {
  scratch.assign(kMaxUnmaskedHeader, '\0');
  Base64Encode(data, scratch);
  const MutableBytes all = std::as_writable_bytes(std::span(scratch));
  return Frame(Opcode::kText, all.subspan(kMaxUnmaskedHeader));
}

}  // namespace

std::optional<Encoding> ParseEncoding(std::string_view name) {
  if (EqualsIgnoreCase(name, "binary")) return Encoding::kBinary;
  if (EqualsIgnoreCase(name, "text")) return Encoding::kText;
  if (EqualsIgnoreCase(name, "base64")) return Encoding::kBase64;
  return {};
}

std::expected<Bytes, ProtocolError> FrameUnpacker::Unpack(const FramePart& part,
                                                          std::string& scratch) {
  if (encoding_ == Encoding::kBinary) return part.payload;
  if (part.opcode == Opcode::kBinary) return std::unexpected(kTextOnly);
  if (encoding_ == Encoding::kText) return part.payload;
  const std::size_t before = scratch.size();
  if (!base64_.Feed(AsText(part.payload), scratch) || (part.message_end && !base64_.Finish())) {
    return std::unexpected(kNotBase64);
  }
  return AsBytes(scratch).subspan(before);
}

std::expected<MutableBytes, ProtocolError> TextCutter::Cut(MutableBytes data) {
  if (!utf8_.Feed(data)) return std::unexpected(kBackendNotUtf8);
  std::byte* const begin = data.data() - carried_size_;
  std::copy_n(carried_.begin(), carried_size_, begin);
  const MutableBytes all(begin, data.size() + carried_size_);
  carried_size_ = static_cast<std::uint8_t>(PartialCharacter(all));
  std::ranges::copy(all.last(carried_size_), carried_.begin());
  return all.first(all.size() - carried_size_);
}

std::expected<void, ProtocolError> TextCutter::Finish() const {
  if (carried_size_ > 0) return std::unexpected(kBackendCutUtf8);
  return {};
}

std::expected<Bytes, ProtocolError> FramePacker::Pack(MutableBytes data, std::string& scratch) {
  if (encoding_ == Encoding::kBase64) return Base64Frame(data, scratch);
  if (encoding_ != Encoding::kText) return Frame(Opcode::kBinary, data);
  const std::expected<MutableBytes, ProtocolError> text = text_.Cut(data);
  if (!text) return std::unexpected(text.error());
  return text->empty() ? Bytes{} : Frame(Opcode::kText, *text);
}

}  // namespace upgate::ws
