#include "tests/conformance/reference.h"

#include <algorithm>
#include <utility>

namespace upgate::conformance {
namespace {

bool MayBeSent(unsigned code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace

void Reference::Take(std::string_view bytes) {
  while (!closed_ && !failed_ && !bytes.empty()) {
    if (!in_payload_) {
      TakeHeaderByte(At(bytes, 0));
      bytes.remove_prefix(1);
      continue;
    }
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    OnPayload(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
}

void Reference::TakeHeaderByte(unsigned byte) {
  if (header_.empty()) frame_begin_ = taken_;
  ++taken_;
  header_.push_back(static_cast<char>(byte));
  if (header_.size() <= 2) OnFirstTwo();
  if (!failed_ && header_.size() == header_size_) OnHeader();
}

void Reference::OnFirstTwo() {
  const unsigned first = At(header_, 0);
  opcode_ = first & 15;
  fin_ = (first & 0x80) != 0;
  rsv_ = first >> 4 & 7;
  const bool may_be_compressed = inflater_ != nullptr && (opcode_ == kText || opcode_ == kBinary);
  if (rsv_ != 0 && !(rsv_ == 4 && may_be_compressed)) return Fail(1002);
  if ((opcode_ & 7) > 2) return Fail(1002);
  if (control() && !fin_) return Fail(1002);
  if (!control() && (opcode_ == kContinuation) != open_) return Fail(1002);
  if (header_.size() < 2) return;
  const unsigned length = At(header_, 1) & 0x7f;
  if ((At(header_, 1) & 0x80) == 0 || (control() && length > 125)) return Fail(1002);
  header_size_ = 2 + (length == 126 ? 2 : 0) + (length == 127 ? 8 : 0) + 4;
}

void Reference::OnHeader() {
  left_ = At(header_, 1) & 0x7f;
  const std::size_t digits = header_size_ - 6;
  if (digits > 0) left_ = 0;
  for (std::size_t i = 0; i < digits; ++i) left_ = left_ << 8 | At(header_, 2 + i);
  if ((digits == 2 && left_ < 126) || (digits == 8 && (left_ < 65536 || left_ >> 63 != 0)))
    return Fail(1002);
  mask_ = header_.substr(header_size_ - 4);
  mask_at_ = 0;
  header_.clear();
  header_size_ = 2;
  in_payload_ = true;
  if (!control()) {
    if (!open_) {
      message_ = {opcode_, {}};
      compressed_ = rsv_ == 4;
    }
    open_ = true;
    if (left_ > max_message_ - message_.payload.size()) return Fail(1009);
  }
  if (left_ == 0) OnFrame();
}

void Reference::OnPayload(std::string_view masked) {
  left_ -= masked.size();
  std::string bytes(masked);
  for (char& c : bytes) c = static_cast<char>(c ^ mask_[mask_at_++ % 4]);
  if (control()) {
    taken_ += bytes.size();
    control_ += bytes;
  } else {
    const bool text = !compressed_ && message_.opcode == kText;
    const std::size_t good = text ? utf8_.TakeAll(bytes) : bytes.size();
    const bool broken = good < bytes.size();
    bytes.resize(good);
    taken_ += good;
    message_.payload += bytes;
    payload_ += bytes;
    if (broken) {
      ++taken_;
      return Fail(1007);
    }
  }
  if (left_ == 0) OnFrame();
}

void Reference::OnFrame() {
  in_payload_ = false;
  if (opcode_ == kClose) return OnClose();
  if (opcode_ == kPing) {
    Answer(kPong, control_);
    pings_.push_back(std::exchange(control_, {}));
  } else if (opcode_ == kPong) {
    control_.clear();
  } else if (fin_) {
    OnMessage();
  }
}

void Reference::OnMessage() {
  if (compressed_ && !Inflate()) return Fail(1007);
  if (message_.opcode == kText && !utf8_.complete()) return Fail(1007);
  open_ = false;
  Answer(message_.opcode, message_.payload);
  messages_.push_back(std::exchange(message_, {}));
}

bool Reference::Inflate() {
  const auto inflated = inflater_->Inflate(message_.payload);
  if (!inflated || (message_.opcode == kText && !IsUtf8(*inflated))) return false;
  message_.payload = *inflated;
  return true;
}

void Reference::OnClose() {
  if (control_.size() == 1) return Fail(1002);
  if (!control_.empty()) {
    close_code_ = At(control_, 0) << 8 | At(control_, 1);
    if (!MayBeSent(close_code_)) return Fail(1002);
    if (!IsUtf8(std::string_view(control_).substr(2))) return Fail(1007);
  }
  closed_ = true;
  Answer(kClose, std::string_view(control_).substr(0, 2));
}

void Reference::Answer(unsigned opcode, std::string_view payload) {
  Frame frame;
  frame.opcode = opcode;
  frame.payload = payload;
  frame.masked = false;
  if (deflater_ && opcode < kClose) {
    frame.payload = deflater_->Deflate(payload);
    frame.rsv = 4;
  }
  answers_ += Encode(frame);
}

void Reference::Fail(unsigned code) {
  failed_ = true;
  close_code_ = code;
  const std::string body{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  Answer(kClose, body + "a rule is broken");
}

std::string Reference::TakeAnswers() {
  return std::exchange(answers_, {});
}

}  // namespace upgate::conformance
