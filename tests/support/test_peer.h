#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/memory_network.h"

namespace upgate::test {

// A scripted raw end of a connection: a client, or a connection of a TestServer. Reads continuously
// unless stalled. Its calls only schedule work for the network; the effects are visible after the
// loop has run.
class TestPeer final : private io::StreamHandler {
 public:
  using Script = std::function<void(TestPeer& self, std::string_view bytes)>;

  // A client. If nobody listens, error() is kRefused.
  TestPeer(MemoryNetwork& network, const SocketAddress& to,
           const std::optional<SocketAddress>& from = {});
  explicit TestPeer(std::unique_ptr<MemoryStream> stream);
  ~TestPeer() = default;
  TestPeer(const TestPeer&) = delete;
  TestPeer& operator=(const TestPeer&) = delete;

  void Send(std::string_view bytes);
  void Shutdown();  // ends our side (FIN)
  void Stall();     // stops reading
  void Resume();
  void Close();  // closes both directions; bytes the kernel did not accept are lost
  void Reset();  // resets the connection (RST)
  // Called with every piece received, after it was added to received(). Lets a test answer during a
  // run.
  void OnReceive(Script script) { script_ = std::move(script); }

  const std::string& received() const { return received_; }
  std::string TakeReceived();
  bool ended() const { return ended_; }                         // the other side has sent a FIN
  const std::optional<Error>& error() const { return error_; }  // the connection broke
  // Nothing more can arrive: the connection ended, broke, or was closed from this side.
  bool done() const { return ended_ || error_ || stream_ == nullptr; }
  // For its test controls; nullptr after Close and Reset.
  MemoryStream* stream() { return stream_.get(); }

 private:
  void OnBytes(MutableBytes data) override;
  void OnEnd() override { ended_ = true; }
  void OnError(const Error& error) override { error_ = error; }
  void OnWritable() override {}

  std::string received_;
  std::optional<Error> error_;
  Script script_;
  bool ended_ = false;
  std::unique_ptr<MemoryStream> stream_;  // last: destroyed first
};

// An outside server that keeps every connection it accepts.
class TestServer final : private io::AcceptHandler {
 public:
  // The address must be free.
  TestServer(MemoryNetwork& network, const SocketAddress& at);
  ~TestServer() = default;
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  const SocketAddress& address() const { return address_; }
  // Called for every connection from now on, before its first bytes.
  void OnConnection(std::function<void(TestPeer&)> script) { script_ = std::move(script); }
  std::size_t size() const { return peers_.size(); }
  // The connections in the order of acceptance; `index` must be below size().
  TestPeer& operator[](std::size_t index) { return *peers_.at(index); }
  // Stops listening: connections are refused from now on.
  void StopListening() { listener_.reset(); }

 private:
  void OnAccept(std::unique_ptr<io::ByteStream> stream) override;

  std::function<void(TestPeer&)> script_;
  std::vector<std::unique_ptr<TestPeer>> peers_;
  SocketAddress address_;
  std::unique_ptr<io::Listener> listener_;
};

// Parses "127.0.0.1:80", "[::1]:80" or "unix:/path"; aborts on anything else.
SocketAddress Address(std::string_view text);

}  // namespace upgate::test
