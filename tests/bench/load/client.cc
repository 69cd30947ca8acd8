#include "tests/bench/load/client.h"

#include <sys/epoll.h>

#include <array>
#include <cstring>
#include <utility>

#include "tests/bench/wire/die.h"
#include "tests/bench/wire/head.h"
#include "tests/bench/wire/socket.h"

namespace upgate::bench {
namespace {

// The example key of RFC 6455, section 1.3.
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

std::string Request(const Target& target) {
  std::string request = "GET " + target.path +
                        " HTTP/1.1\r\nHost: localhost:" + std::to_string(target.port) +
                        "\r\nUpgrade: websocket\r\n" +
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ";
  request.append(kKey).append("\r\n");
  if (!target.subprotocol.empty()) {
    request += "Sec-WebSocket-Protocol: " + target.subprotocol + "\r\n";
  }
  return request + "\r\n";
}

}  // namespace

void ClientHandler::OnFailure(Client& /*client*/, std::string_view why) {
  Die(why);
}

Client::Client(Loop& loop, const Target& target, const std::string& source, ClientHandler& handler)
    : loop_(loop),
      target_(target),
      handler_(handler),
      channel_(ConnectTo(target.port, source), target.tls) {
  loop_.Add(channel_.fd(), EPOLLIN | EPOLLOUT, *this);
}

void Client::OnEvents(std::uint32_t events) {
  if (state_ == State::kConnecting) FinishConnect();
  if (state_ == State::kTls) ShakeHands();
  if (state_ != State::kOpen && state_ != State::kUpgrading) return;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) Read();
  if ((events & EPOLLOUT) != 0 && state_ == State::kOpen) {
    WatchWritable(false);
    handler_.OnWritable(*this);
  }
}

void Client::FinishConnect() {
  if (const int error = SocketError(channel_.fd()); error != 0) {
    return Fail(std::string("cannot connect to the gateway: ") + std::strerror(error));
  }
  state_ = State::kTls;
  WatchWritable(false);
}

void Client::ShakeHands() {
  switch (channel_.Handshake()) {
    case Channel::Status::kBlocked:
      return;
    case Channel::Status::kOk:
      return SendRequest();
    default:
      Fail("the gateway closed the connection during the TLS handshake");
  }
}

void Client::SendRequest() {
  const std::string request = Request(target_);
  state_ = State::kUpgrading;
  if (channel_.Write(AsBytes(request)).bytes != request.size())
    Fail("a request did not get through");
}

void Client::Read() {
  const MutableBytes buffer = loop_.buffer();
  for (;;) {
    const auto [status, size] = channel_.Read(buffer);
    if (status == Channel::Status::kBlocked) return;
    if (!channel_.error().empty()) return Fail({});
    if (status != Channel::Status::kOk) return End(status == Channel::Status::kEnded);
    TakeBytes(buffer.first(size));
    if (channel_.short_read_is_last() || state_ == State::kEnded) return;
  }
}

void Client::TakeBytes(MutableBytes bytes) {
  if (state_ == State::kUpgrading) {
    bytes = TakeAnswer(bytes);
    if (state_ != State::kOpen) return;
    handler_.OnOpen(*this);
  }
  if (bytes.empty()) return;
  reader_.Feed(bytes, *this);
  if (state_ == State::kOpen) handler_.OnReadDone(*this);
}

MutableBytes Client::TakeAnswer(MutableBytes bytes) {
  const std::size_t before = head_.size();
  Append(head_, bytes);
  const std::size_t end = head_.find("\r\n\r\n");
  if (end == std::string::npos) return {};
  const std::string_view head = std::string_view(head_).substr(0, end + 2);
  if (!head.starts_with("HTTP/1.1 101 ")) {
    Fail("the gateway refused: " + std::string(head.substr(0, head.find("\r\n"))));
    return {};
  }
  if (HeaderField(head, "sec-websocket-accept") != kAccept) Die("a wrong Sec-WebSocket-Accept");
  state_ = State::kOpen;
  std::exchange(head_, {});
  return bytes.subspan(end + 4 - before);
}

void Client::OnFrame(const FrameHeader& frame) {
  if (frame.masked) Die("a frame of the gateway is masked");
  if (frame.control() && frame.length > 125) Die("a control frame of the gateway is too long");
}

void Client::OnPayload(const FrameHeader& frame, MutableBytes piece, std::uint64_t /*at*/) {
  if (frame.control()) {
    Append(control_, piece);
  } else if (state_ == State::kOpen) {
    handler_.OnPayload(*this, piece);
  }
}

void Client::OnFrameEnd(const FrameHeader& frame) {
  if (!frame.control()) {
    if (frame.fin && state_ == State::kOpen) handler_.OnMessage(*this);
    return;
  }
  const std::string payload = std::exchange(control_, {});
  if (frame.opcode == kPing) SendControl(kPong, payload);
  if (frame.opcode == kClose) TakeClose(payload);
}

void Client::TakeClose(std::string_view payload) {
  constexpr std::uint16_t kNoCode = 1005;
  close_code_ = payload.size() < 2
                    ? kNoCode
                    : static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8 |
                                                 static_cast<unsigned char>(payload[1]));
}

std::size_t Client::Send(Bytes bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const auto [status, size] = channel_.Write(bytes.subspan(sent));
    sent += size;
    if (status == Channel::Status::kReset || status == Channel::Status::kEnded) {
      Fail("the gateway reset a connection");
      return sent;
    }
    if (status == Channel::Status::kBlocked || channel_.short_read_is_last()) break;
  }
  if (sent < bytes.size()) WatchWritable(true);
  return sent;
}

void Client::SendClose() {
  SendControl(kClose, "\x03\xe8");
}

// A mask of zeros leaves the payload unchanged.
void Client::SendControl(std::uint8_t opcode, std::string_view payload) {
  const FrameHeader frame{.opcode = opcode, .fin = true, .masked = true, .length = payload.size()};
  std::array<std::byte, kMaxHeader> header;
  const auto header_size = WriteHeader(frame, header.data());
  std::string bytes;
  Append(bytes, Bytes(header).first(header_size));
  bytes.append(payload);
  if (Send(AsBytes(bytes)) != bytes.size()) Fail("a control frame did not get through");
}

std::string Client::ending() const {
  return close_code_ == 0 ? "ended without a Close" : "Close " + std::to_string(close_code_);
}

void Client::End(bool orderly) {
  if (state_ == State::kUpgrading) {
    return Fail("the gateway closed a connection instead of upgrading it");
  }
  state_ = State::kEnded;
  handler_.OnEnd(*this, orderly && close_code_ != 0);
}

void Client::Fail(std::string_view why) {
  if (state_ == State::kEnded) return;
  state_ = State::kEnded;
  const std::string_view error = channel_.error();
  handler_.OnFailure(*this, error.empty() ? std::string(why) : "TLS failed: " + std::string(error));
}

void Client::WatchWritable(bool wanted) {
  if (watches_writable_ == wanted) return;
  watches_writable_ = wanted;
  loop_.Modify(channel_.fd(), EPOLLIN | (wanted ? EPOLLOUT : 0U), *this);
}

}  // namespace upgate::bench
