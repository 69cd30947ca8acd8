#include "tests/conformance/frames.h"

#include <algorithm>

#include "tests/conformance/deflate.h"
#include "tests/conformance/utf8.h"

namespace upgate::conformance {
namespace {

void AppendNumber(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift & 0xff));
  }
}

std::string Sent(unsigned opcode, std::string_view payload, bool fin) {
  Frame frame;
  frame.opcode = opcode;
  frame.payload = payload;
  frame.fin = fin;
  return Encode(frame);
}

}  // namespace

std::string EncodeHeader(const Frame& frame, std::uint64_t length) {
  std::string out;
  out.push_back(static_cast<char>((frame.fin ? 0x80 : 0) | frame.rsv << 4 | frame.opcode));
  const unsigned masked = frame.masked ? 0x80 : 0;
  LengthForm form = frame.form;
  if (form == LengthForm::kShortest && length > 125) {
    form = length > 65535 ? LengthForm::kEightBytes : LengthForm::kTwoBytes;
  }
  switch (form) {
    case LengthForm::kShortest:
      out.push_back(static_cast<char>(masked | length));
      break;
    case LengthForm::kTwoBytes:
      out.push_back(static_cast<char>(masked | 126));
      AppendNumber(out, length, 2);
      break;
    case LengthForm::kEightBytes:
      out.push_back(static_cast<char>(masked | 127));
      AppendNumber(out, length, 8);
  }
  if (frame.masked) AppendNumber(out, frame.mask, 4);
  return out;
}

std::string Encode(const Frame& frame) {
  std::string out = EncodeHeader(frame, frame.payload.size());
  const std::size_t header = out.size();
  out += frame.payload;
  if (!frame.masked) return out;
  for (std::size_t i = 0; i < frame.payload.size(); ++i) {
    out[header + i] =
        static_cast<char>(At(out, header + i) ^ (frame.mask >> (24 - 8 * (i % 4)) & 0xff));
  }
  return out;
}

std::string Text(std::string_view payload) {
  return Sent(kText, payload, true);
}
std::string Binary(std::string_view payload) {
  return Sent(kBinary, payload, true);
}
std::string TextPart(std::string_view payload) {
  return Sent(kText, payload, false);
}
std::string BinaryPart(std::string_view payload) {
  return Sent(kBinary, payload, false);
}
std::string Part(std::string_view payload) {
  return Sent(kContinuation, payload, false);
}
std::string LastPart(std::string_view payload) {
  return Sent(kContinuation, payload, true);
}
std::string Ping(std::string_view payload) {
  return Sent(kPing, payload, true);
}
std::string Pong(std::string_view payload) {
  return Sent(kPong, payload, true);
}
std::string CloseBody(std::string_view body) {
  return Sent(kClose, body, true);
}

std::string Close(unsigned code, std::string_view reason) {
  std::string body;
  AppendNumber(body, code, 2);
  return CloseBody(body.append(reason));
}

std::string Fragments(unsigned opcode, std::string_view payload, std::size_t fragment) {
  std::string out;
  do {
    const std::string_view piece = payload.substr(0, fragment);
    payload.remove_prefix(piece.size());
    out += Sent(opcode, piece, payload.empty());
    opcode = kContinuation;
  } while (!payload.empty());
  return out;
}

namespace {

class ServerReader {
 public:
  ServerReader(std::string_view bytes, Inflater* inflater) : rest_(bytes), inflater_(inflater) {}

  Received Read() {
    while (got_.fault.empty() && !rest_.empty()) TakeFrame();
    return std::move(got_);
  }

 private:
  void Fault(std::string what) { got_.fault = std::move(what); }

  void TakeFrame() {
    if (got_.closed) return Fault("bytes behind the Close");
    if (rest_.size() < 2) return Fault("a cut header");
    const unsigned first = At(rest_, 0);
    const unsigned second = At(rest_, 1);
    const std::size_t digits = second < 126 ? 0 : (second == 126 ? 2 : 8);
    const bool may_compress =
        inflater_ != nullptr && ((first & 15) == kText || (first & 15) == kBinary);
    if ((first & (may_compress ? 0x30 : 0x70)) != 0) return Fault("a reserved bit");
    if ((first & 15) == kText || (first & 15) == kBinary) compressed_ = (first & 0x40) != 0;
    if (second > 127) return Fault("a masked frame");
    if (rest_.size() < 2 + digits) return Fault("a cut length");
    std::uint64_t length = digits == 0 ? second : 0;
    for (std::size_t i = 0; i < digits; ++i) length = length << 8 | At(rest_, 2 + i);
    if ((digits == 2 && length < 126) || (digits == 8 && length < 65536)) {
      return Fault("a length not in its shortest form");
    }
    rest_.remove_prefix(2 + digits);
    if (rest_.size() < length) return Fault("a cut frame");
    const std::string_view payload = rest_.substr(0, length);
    rest_.remove_prefix(length);
    OnFrame(first & 15, (first & 0x80) != 0, payload);
  }

  void OnFrame(unsigned opcode, bool fin, std::string_view payload) {
    if (opcode >= kClose) {
      if (!fin || payload.size() > 125) return Fault("a control frame that is long or fragmented");
      return OnControl(opcode, payload);
    }
    if (opcode > kBinary) return Fault("a reserved opcode");
    if ((opcode == kContinuation) != open_) return Fault("a fragment out of order");
    if (!open_) got_.messages.push_back({opcode, {}});
    Message& message = got_.messages.back();
    message.payload += payload;
    open_ = !fin;
    if (open_) return;
    if (compressed_) {
      const auto inflated = inflater_->Inflate(message.payload);
      if (!inflated)
        return Fault("a message that is not deflate data of the window that was agreed on");
      message.payload = *inflated;
      ++got_.compressed;
    }
    got_.payload += message.payload;
    if (message.opcode == kText && !IsUtf8(message.payload)) Fault("text that is not UTF-8");
  }

  void OnControl(unsigned opcode, std::string_view payload) {
    if (opcode == kPong) {
      got_.pongs.emplace_back(payload);
    } else if (opcode == kClose) {
      got_.closed = true;
      if (payload.empty()) return;
      if (payload.size() == 1) return Fault("a Close of one byte");
      got_.close_code = At(payload, 0) << 8 | At(payload, 1);
      got_.close_reason = payload.substr(2);
      if (!IsUtf8(got_.close_reason)) Fault("a reason that is not UTF-8");
    } else if (opcode != kPing) {
      Fault("a reserved opcode");
    }
  }

  std::string_view rest_;
  Inflater* inflater_;
  Received got_;
  bool open_ = false;
  bool compressed_ = false;
};

}  // namespace

Received ReadServer(std::string_view bytes, Inflater* inflater) {
  return ServerReader(bytes, inflater).Read();
}

}  // namespace upgate::conformance
