#include "tests/bench/backend/ws_connections.h"

#include <array>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/ws/handshake.h"
#include "tests/bench/backend/server.h"
#include "tests/bench/backend/tcp_connections.h"
#include "tests/bench/wire/die.h"
#include "tests/bench/wire/head.h"

namespace upgate::bench {
namespace {

void AppendHeader(std::string& out, const FrameHeader& frame) {
  std::array<std::byte, kMaxHeader> header;
  Append(out, Bytes(header).first(WriteHeader(frame, header.data())));
}

}  // namespace

void WsConnection::OnBytes(MutableBytes bytes) {
  if (!open_) bytes = TakeRequest(bytes);
  if (!open_) return;
  reader_.Feed(bytes, *this);
  OnReadDone();
}

MutableBytes WsConnection::TakeRequest(MutableBytes bytes) {
  const std::size_t before = head_.size();
  Append(head_, bytes);
  const std::size_t end = head_.find("\r\n\r\n");
  if (end == std::string::npos) return {};
  const std::string_view head = std::string_view(head_).substr(0, end + 2);
  const std::string_view key = HeaderField(head, "sec-websocket-key");
  if (key.empty()) Die("the server got a request that is no WebSocket handshake");
  Send(
      AsBytes("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
              "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
              ws::AcceptKey(key) + "\r\n\r\n"));
  open_ = true;
  std::exchange(head_, {});
  OnOpen();
  return bytes.subspan(end + 4 - before);
}

void WsConnection::TakeControl(const FrameHeader& frame, Bytes piece, std::uint64_t at) {
  const std::size_t before = control_.size();
  control_.resize(before + piece.size());
  Unmask(piece, frame, at, reinterpret_cast<std::byte*>(control_.data() + before));
}

void WsConnection::OnFrameEnd(const FrameHeader& frame) {
  if (!frame.control()) return;
  const std::string payload = std::exchange(control_, {});
  if (frame.opcode == kPong) return;
  OnReadDone();  // answers to earlier frames go first
  const std::uint8_t opcode = frame.opcode == kPing ? kPong : kClose;
  std::string answer;
  AppendHeader(answer, {.opcode = opcode, .fin = true, .length = payload.size()});
  Send(AsBytes(answer + payload));
  if (opcode == kClose) CloseWhenSent();
}

void WsEcho::OnFrame(const FrameHeader& frame) {
  if (frame.control()) return;
  FrameHeader answer = frame;
  answer.masked = false;
  AppendHeader(server().scratch(), answer);
}

void WsEcho::OnPayload(const FrameHeader& frame, MutableBytes piece, std::uint64_t at) {
  if (frame.control()) return TakeControl(frame, piece, at);
  std::string& out = server().scratch();
  const std::size_t before = out.size();
  const std::size_t after = before + piece.size();
  // Not the function's argument: in libstdc++ 12 that may be larger.
  out.resize_and_overwrite(after, [&](char*, std::size_t) { return after; });
  Unmask(piece, frame, at, reinterpret_cast<std::byte*>(out.data() + before));
}

void WsEcho::OnReadDone() {
  std::string& out = server().scratch();
  if (!out.empty()) Send(AsBytes(out));
  out.clear();
}

void WsSink::OnPayload(const FrameHeader& frame, MutableBytes piece, std::uint64_t at) {
  if (frame.control()) return TakeControl(frame, piece, at);
  Unmask(piece, frame, at, piece.data());
  if (!server().pattern().Matches(received_, piece))
    Die("the server got other bytes than were sent");
  received_ += piece.size();
}

void WsSource::OnPayload(const FrameHeader& frame, MutableBytes piece, std::uint64_t at) {
  if (frame.control()) TakeControl(frame, piece, at);
}

void WsSource::OnWritable() {
  sent_ += SendSome(server().pattern().Frames(sent_, kPiece));
}

}  // namespace upgate::bench
