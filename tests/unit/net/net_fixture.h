#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/base/bytes.h"
#include "gateway/io/network.h"
#include "gateway/net/loop.h"

namespace upgate::net {

inline const SocketAddress kLoopback = IpPort{*Ip::Parse("127.0.0.1"), 0};

// All tests of this folder also run with UPGATE_TEST_POLLER=uv.
inline Loop::Options PollerUnderTest() {
  const char* const name = std::getenv("UPGATE_TEST_POLLER");
  return {.poller = name != nullptr && std::string(name) == "uv" ? PollerKind::kUv : kBestPoller};
}

// Runs the loop until `done`; false if that does not happen within ten seconds.
inline bool RunUntil(Loop& loop, const std::function<bool()>& done) {
  struct Watchdog final : io::Timer::Owner {
    void OnTimer(io::Timer&) override { barked = true; }
    bool barked = false;
  } watchdog;
  io::Timer timer(loop.view().timers, watchdog);
  constexpr io::Millis kPatience = std::chrono::seconds(10);
  const io::Instant end = loop.view().timers.Now() + kPatience;
  timer.Arm(kPatience);
  loop.RunUntil([&] { return watchdog.barked || done(); });
  // A loop that sleeps although there is something to do is woken for the watchdog.
  return loop.view().timers.Now() < end - kPatience / 10;
}

// Runs the loop for some time; returns the number of turns.
inline std::uint64_t RunFor(Loop& loop, io::Millis time) {
  const std::uint64_t before = loop.turns();
  const io::Instant end = loop.view().timers.Now() + time;
  struct Nobody final : io::Timer::Owner {
    void OnTimer(io::Timer&) override {}
  } nobody;
  io::Timer timer(loop.view().timers, nobody);
  timer.Arm(time);
  loop.RunUntil([&] { return loop.view().timers.Now() >= end && !timer.armed(); });
  return loop.turns() - before;
}

// Records the events of a stream, and reacts through its hooks.
struct Recorder : io::StreamHandler {
  virtual ~Recorder() = default;
  void OnBytes(MutableBytes data) override {
    ++reads;
    if (on_bytes) on_bytes(data);
    Append(received, data);
  }
  void OnEnd() override { ++ends; }
  void OnError(const Error& error) override {
    ++errors;
    code = error.code;
  }
  void OnWritable() override {
    ++drained;
    if (on_drained) on_drained();
  }

  void OnFlushed() override { ++flushed; }

  std::function<void(MutableBytes)> on_bytes;
  std::function<void()> on_drained;
  std::string received;
  int reads = 0;
  int ends = 0;
  int errors = 0;
  int drained = 0;
  int flushed = 0;
  std::optional<Errc> code;
};

struct Acceptor final : io::AcceptHandler {
  void OnAccept(std::unique_ptr<io::ByteStream> stream) override {
    streams.push_back(std::move(stream));
    if (on_accept) on_accept();
  }
  std::function<void()> on_accept;
  std::vector<std::unique_ptr<io::ByteStream>> streams;
};

struct Connector final : io::ConnectHandler {
  void OnConnected(std::unique_ptr<io::ByteStream> connected) override {
    stream = std::move(connected);
    pending.reset();
  }
  void OnConnectFailed(const Error& failure) override {
    error = failure;
    pending.reset();
  }
  bool done() const { return stream != nullptr || error.has_value(); }

  std::unique_ptr<io::Pending> pending;
  std::unique_ptr<io::ByteStream> stream;
  std::optional<Error> error;
};

// A temporary directory for unix sockets; removed with its contents.
class TempDirectory {
 public:
  TempDirectory() {
    char name[] = "/tmp/upgate-net-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~TempDirectory() {
    for (const auto& file : files_) ::unlink(file.c_str());
    ::rmdir(path_.c_str());
  }
  std::string File(const std::string& name) {
    files_.push_back(path_ + "/" + name);
    return files_.back();
  }

 private:
  std::string path_;
  std::vector<std::string> files_;
};

// `size` bytes without a short period.
inline std::string Pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 12345;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

}  // namespace upgate::net
