#include "gateway/plugin/message.h"

#include <algorithm>

#include "gateway/ws/frame.h"
#include "gateway/ws/utf8.h"

namespace upgate::plugin {

Message::Message(MessageKind kind, Bytes payload) {
  const ws::FrameHeader header{.opcode = kind == MessageKind::kText ? ws::Opcode::kText : ws::Opcode::kBinary,
                               .length = payload.size()};
  const std::size_t header_size = ws::HeaderSize(header);
  const std::size_t size = header_size + payload.size();
  auto bytes = std::make_unique_for_overwrite<std::byte[]>(size);
  std::ranges::copy(payload, bytes.get() + header_size);
  ws::EncodeHeaderBefore(header, bytes.get() + header_size);
  encoded_ = std::make_shared<const Encoded>(kind, header_size, size, std::move(bytes));
}

bool IsUtf8(Bytes payload) {
  ws::Utf8Checker checker;
  return checker.Feed(payload) && checker.complete();
}

}  // namespace upgate::plugin
