#include "tests/unit/http/wire.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <gtest/gtest.h>

namespace upgate::http {

WireStream::~WireStream() {
  wire_->closed = true;
}

void WireStream::Write(std::span<const Bytes> slices) {
  if (shutdown_ || broken_ || wire_->break_with) return;
  if (++wire_->writes == wire_->fail_write) {
    wire_->break_with = Error{Errc::kReset, "write failed"};
    return;
  }
  for (const Bytes slice : slices) Append(queue_, slice);
  Flush();
  if (congested()) was_congested_ = true;
}

void WireStream::Flush() {
  const std::size_t taken = std::min(wire_->room, queue_.size());
  wire_->received += queue_.substr(0, taken);
  queue_.erase(0, taken);
  if (wire_->room != std::string::npos) wire_->room -= taken;
}

bool WireStream::Step(std::size_t chunk) {
  if (broken_) return false;
  Flush();
  if (shutdown_ && queue_.empty()) wire_->server_fin = true;
  if (handler_ == nullptr) return false;
  if (wire_->break_with) {
    broken_ = true;
    queue_.clear();
    handler_->OnError(*wire_->break_with);
    return true;
  }
  if (was_congested_ && queue_.size() <= io::kLowMark) {
    was_congested_ = false;
    handler_->OnWritable();
    return true;
  }
  if (wire_->server_fin && !told_flushed_) {
    told_flushed_ = true;
    handler_->OnFlushed();
    return true;
  }
  if (!reading_) return false;
  if (wire_->inbound_read < wire_->inbound.size()) {
    // A separate buffer of exact size, so that sanitizers detect views that are kept or exceed it.
    const std::string piece =
        wire_->inbound.substr(wire_->inbound_read, std::min(chunk, io::kReadBufferSize));
    wire_->inbound_read += piece.size();
    std::vector<std::byte> buffer(io::kReadHeadroom + piece.size());
    std::memcpy(buffer.data() + io::kReadHeadroom, piece.data(), piece.size());
    handler_->OnBytes(MutableBytes(buffer).subspan(io::kReadHeadroom));
    return true;
  }
  if (!wire_->client_fin || told_end_) return false;
  told_end_ = true;
  handler_->OnEnd();
  return true;
}

void WireLoop::Insert(io::Timer& timer, io::Instant deadline) {
  timer.deadline_ = deadline;
  timer.next_ = armed_;
  timer.slot_ = &armed_;
  if (armed_ != nullptr) armed_->slot_ = &timer.next_;
  armed_ = &timer;
}

void WireLoop::EndTurn() {
  while (!later_.empty()) later_.RunAll();
  while (!deferred_.empty()) {
    auto things = std::exchange(deferred_, {});
    for (auto& thing : things) thing.reset();
  }
}

bool WireLoop::FireNext(io::Instant until) {
  io::Timer* next = nullptr;
  for (io::Timer* t = armed_; t != nullptr; t = t->next_) {
    if (t->deadline_ <= until && (next == nullptr || t->deadline_ < next->deadline_)) next = t;
  }
  if (next == nullptr) {
    now_ = std::max(now_, until);
    return false;
  }
  now_ = std::max(now_, next->deadline_);
  next->Disarm();
  next->owner().OnTimer(*next);
  return true;
}

int WireLoop::armed() const {
  int count = 0;
  for (const io::Timer* t = armed_; t != nullptr; t = t->next_) ++count;
  return count;
}

class HttpWire::Probe final : public ExchangeHandler {
 public:
  Probe(HttpWire& wire, Seen& seen) : wire_(wire), seen_(seen) {}
  ~Probe() override {
    EXPECT_FALSE(std::exchange(seen_.destroyed, true));
    // Calls after the end are allowed, and have no effect.
    seen_.exchange->SendBody(AsBytes("too late"));
    seen_.exchange->Respond(TextResponse(500, "too late"));
  }
  void OnBody(Bytes bytes) override {
    EXPECT_FALSE(bytes.empty());
    EXPECT_FALSE(seen_.ended);
    Append(seen_.body, bytes);
    if (wire_.on_body) wire_.on_body(seen_, *seen_.exchange);
  }
  void OnBodyEnd(const Headers& trailers) override {
    EXPECT_FALSE(std::exchange(seen_.ended, true));
    seen_.trailers = trailers;
    if (wire_.on_end) wire_.on_end(seen_, *seen_.exchange);
  }
  void OnWritable() override {
    ++seen_.writable;
    if (wire_.on_writable) wire_.on_writable(seen_, *seen_.exchange);
  }

 private:
  HttpWire& wire_;
  Seen& seen_;
};

HttpWire::HttpWire(std::size_t chunk, ServerOptions options)
    : chunk_(chunk), options_(std::move(options)) {
  auto stream = std::make_unique<WireStream>(wire_);
  stream_ = stream.get();
  connection_ = ServerConnection::Start(std::move(stream), loop_.loop(), options_, *this, *this);
}

HttpWire::~HttpWire() {
  connection_.reset();
  loop_.EndTurn();
  upgraded.reset();
  for (const auto& seen : seen_) EXPECT_TRUE(seen->destroyed || !return_handler);
  EXPECT_EQ(0, loop_.armed());
}

void HttpWire::Send(std::string_view text) {
  wire_->inbound += text;
  Run();
}

void HttpWire::Fin() {
  wire_->client_fin = true;
  Run();
}

void HttpWire::Rst() {
  wire_->break_with = Error{Errc::kReset, "connection reset by peer"};
  Run();
}

void HttpWire::Take(std::size_t bytes) {
  wire_->room = bytes;
  Run();
}

void HttpWire::Advance(io::Millis by) {
  const io::Instant until = loop_.Now() + by;
  Run();
  while (loop_.FireNext(until)) Run();
}

void HttpWire::Drain() {
  if (connection_) connection_->Drain();
  Run();
}

void HttpWire::Run() {
  loop_.EndTurn();
  while (!wire_->closed && stream_->Step(chunk_)) loop_.EndTurn();
}

std::unique_ptr<ExchangeHandler> HttpWire::OnRequest(Exchange& exchange) {
  seen_.push_back(std::make_unique<Seen>());
  Seen& seen = *seen_.back();
  seen.request = exchange.request();
  seen.exchange = &exchange;
  if (on_request) on_request(seen, exchange);
  if (!return_handler) return nullptr;
  return std::make_unique<Probe>(*this, seen);
}

void HttpWire::OnConnectionDone(ServerConnection& connection) {
  EXPECT_EQ(connection_.get(), &connection);
  EXPECT_FALSE(std::exchange(done_, true)) << "a connection ends once";
  loop_.DeferDelete(std::move(connection_));
}

namespace {

std::string TakeChunks(std::string& text) {
  std::string body;
  while (true) {
    const std::size_t line = text.find("\r\n");
    if (line == std::string::npos) break;
    const std::size_t size = std::stoul(text.substr(0, line), nullptr, 16);
    if (size == 0) {
      const std::size_t end = text.find("\r\n\r\n", line);
      EXPECT_NE(end, std::string::npos);
      text.erase(0, end == std::string::npos ? text.size() : end + 4);
      return body;
    }
    body += text.substr(line + 2, size);
    EXPECT_EQ(text.substr(std::min(text.size(), line + 2 + size), 2), "\r\n");
    text.erase(0, line + size + 4);
  }
  ADD_FAILURE() << "a chunked body without an end";
  return body;
}

}  // namespace

Answer TakeAnswer(std::string& text, bool to_head) {
  Answer answer;
  const std::size_t end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.1 ") || end == std::string::npos) {
    ADD_FAILURE() << "no answer in: " << text;
    text.clear();
    return answer;
  }
  answer.status = std::stoi(text.substr(9, 3));
  std::size_t line = text.find("\r\n") + 2;
  while (line < end + 2) {
    const std::size_t colon = text.find(": ", line);
    const std::size_t next = text.find("\r\n", line);
    answer.headers.Add(text.substr(line, colon - line), text.substr(colon + 2, next - colon - 2));
    line = next + 2;
  }
  text.erase(0, end + 4);
  if (to_head || answer.status < 200 || answer.status == 204 || answer.status == 304) return answer;
  if (const std::string* length = answer.headers.Find("content-length")) {
    answer.body = text.substr(0, std::stoul(*length));
    EXPECT_EQ(answer.body.size(), std::stoul(*length));
    text.erase(0, answer.body.size());
  } else if (answer.headers.HasToken("transfer-encoding", "chunked")) {
    answer.body = TakeChunks(text);
  } else {
    answer.body = std::exchange(text, {});
  }
  return answer;
}

}  // namespace upgate::http
