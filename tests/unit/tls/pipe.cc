#include "tests/unit/tls/pipe.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <gtest/gtest.h>

namespace upgate::tls::test {

PipeLoop::PipeLoop() = default;
PipeLoop::~PipeLoop() {
  EXPECT_TRUE(later_.empty()) << "something is still deferred to the next turn";
}

void PipeLoop::Insert(io::Timer& timer, io::Instant) {
  timer.next_ = timers_;
  timer.slot_ = &timers_;
  if (timers_ != nullptr) timers_->slot_ = &timer.next_;
  timers_ = &timer;
}

void PipeLoop::Expire() {
  while (timers_ != nullptr) {
    io::Timer& timer = *timers_;
    timer.Disarm();
    timer.owner().OnTimer(timer);
  }
  Run();
}

void PipeLoop::Run() {
  bool busy = true;
  while (busy) {
    busy = !later_.empty();
    later_.RunAll();
    for (PipeEnd* end : std::vector(ends_)) {
      if (std::ranges::find(ends_, end) != ends_.end()) busy |= end->Step();
    }
    deferred_.clear();
  }
}

std::pair<std::unique_ptr<PipeEnd>, std::unique_ptr<PipeEnd>> PipeLoop::Connect(std::size_t chunk) {
  auto flows = std::make_shared<std::array<Flow, 2>>();
  return {std::make_unique<PipeEnd>(*this, flows, 0, chunk),
          std::make_unique<PipeEnd>(*this, flows, 1, chunk)};
}

Result<std::unique_ptr<io::Listener>> PipeLoop::Listen(const SocketAddress&,
                                                       const io::ListenOptions&,
                                                       io::AcceptHandler&) {
  return Fail(Errc::kOther, "no network here");
}
std::unique_ptr<io::Pending> PipeLoop::Connect(const SocketAddress&, io::ConnectHandler&) {
  return nullptr;
}
std::unique_ptr<io::Pending> PipeLoop::Resolve(const std::string&, io::ResolveHandler&) {
  return nullptr;
}
void PipeLoop::Fill(MutableBytes out) {
  std::ranges::fill(out, std::byte{7});
}

PipeEnd::PipeEnd(PipeLoop& loop, std::shared_ptr<std::array<Flow, 2>> flows, std::size_t side,
                 std::size_t chunk)
    : loop_(loop),
      flows_(std::move(flows)),
      side_(side),
      chunk_(std::min(chunk, io::kReadBufferSize)) {
  loop_.ends_.push_back(this);
}

PipeEnd::~PipeEnd() {
  std::erase(loop_.ends_, this);
  out().fin = true;
  out().reset = reset_;
}

void PipeEnd::Write(std::span<const Bytes> slices) {
  EXPECT_FALSE(shutdown_) << "written after Shutdown";
  ++writes_;
  std::string all;
  for (const Bytes slice : slices) Append(all, slice);
  history_ += all;
  if (tamper) tamper(all);
  out().bytes += all;
  congested_ = congested_ || queued() > io::kHighMark;
}

void PipeEnd::Shutdown() {
  shutdown_ = true;
  out().fin = true;
}

std::size_t PipeEnd::queued() const {
  const std::size_t unread = out().bytes.size() - out().read;
  return unread > kWindow ? unread - kWindow : 0;
}

bool PipeEnd::Step() {
  if (handler_ == nullptr) return false;
  if (congested_ && queued() <= io::kLowMark) {
    congested_ = false;
    handler_->OnWritable();
    return true;
  }
  if (shutdown_ && !flushed_ && queued() == 0) {
    flushed_ = true;
    handler_->OnFlushed();
    return true;
  }
  if (!reading_ || ended_) return false;
  if (const std::size_t size = std::min(in().bytes.size() - in().read, chunk_); size > 0) {
    std::vector<std::byte> buffer(io::kReadHeadroom + size);
    std::memcpy(buffer.data() + io::kReadHeadroom, in().bytes.data() + in().read, size);
    in().read += size;
    handler_->OnBytes(MutableBytes(buffer).subspan(io::kReadHeadroom));
    return true;
  }
  if (!in().fin) return false;
  ended_ = true;
  if (in().reset) {
    handler_->OnError({Errc::kReset, "connection reset"});
  } else {
    handler_->OnEnd();
  }
  return true;
}

std::vector<std::size_t> PipeEnd::RecordSizes() const {
  std::vector<std::size_t> sizes;
  for (std::size_t at = 0; at + 5 <= history_.size(); at += 5 + sizes.back()) {
    sizes.push_back(static_cast<std::size_t>(static_cast<unsigned char>(history_[at + 3]) << 8 |
                                             static_cast<unsigned char>(history_[at + 4])));
  }
  return sizes;
}

void Recorder::Watch(std::unique_ptr<io::ByteStream> watched) {
  stream = std::move(watched);
  stream->SetHandler(this);
}

void Recorder::CheckCallback() const {
  EXPECT_FALSE(inside_) << "called from inside a call on the stream";
  EXPECT_TRUE(errors.empty()) << "called after OnError";
}

void Recorder::OnBytes(MutableBytes data) {
  CheckCallback();
  EXPECT_FALSE(data.empty());
  EXPECT_EQ(ends, 0);
  ++deliveries;
  largest = std::max(largest, data.size());
  Append(received, data);
  std::memset(data.data() - io::kReadHeadroom, 0xee, io::kReadHeadroom);
  if (on_bytes) on_bytes(data);
  std::ranges::fill(data, std::byte{0xdd});
}

void Recorder::OnEnd() {
  CheckCallback();
  ++ends;
}

void Recorder::OnError(const Error& error) {
  CheckCallback();
  errors.push_back(error);
}

void Recorder::OnWritable() {
  CheckCallback();
  ++drained;
  if (on_drained) on_drained();
}

void Recorder::OnFlushed() {
  CheckCallback();
  ++flushed;
}

void ConnectRecorder::OnConnected(std::unique_ptr<io::ByteStream> made) {
  ++connected;
  stream = std::move(made);
  pending.reset();
}

void ConnectRecorder::OnConnectFailed(const Error& error) {
  failures.push_back(error);
  pending.reset();
}

std::string Pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    text[i] = static_cast<char>(i * 31 + (i >> 8) * 7 + (i >> 16));
  return text;
}

}  // namespace upgate::tls::test
