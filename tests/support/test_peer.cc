#include "tests/support/test_peer.h"

#include <cstdlib>
#include <iostream>

namespace upgate::test {

TestPeer::TestPeer(MemoryNetwork& network, const SocketAddress& to,
                   const std::optional<SocketAddress>& from)
    : TestPeer(network.Dial(to, from)) {}

TestPeer::TestPeer(std::unique_ptr<MemoryStream> stream) : stream_(std::move(stream)) {
  if (stream_ == nullptr) {
    error_ = Error{Errc::kRefused, "connection refused"};
    return;
  }
  stream_->SetHandler(this);
  stream_->SetReading(true);
}

void TestPeer::Send(std::string_view bytes) {
  if (stream_ != nullptr) stream_->Write(AsBytes(bytes));
}

void TestPeer::Shutdown() {
  if (stream_ != nullptr) stream_->Shutdown();
}

void TestPeer::Stall() {
  if (stream_ != nullptr) stream_->SetReading(false);
}

void TestPeer::Resume() {
  if (stream_ != nullptr) stream_->SetReading(true);
}

void TestPeer::Close() {
  stream_.reset();
}

void TestPeer::Reset() {
  if (stream_ != nullptr) stream_->Abort();
  stream_.reset();
}

std::string TestPeer::TakeReceived() {
  return std::exchange(received_, {});
}

void TestPeer::OnBytes(MutableBytes data) {
  const std::string_view text = AsText(data);
  received_.append(text);
  if (script_) script_(*this, text);
}

TestServer::TestServer(MemoryNetwork& network, const SocketAddress& at) {
  auto listener = network.ListenOutside(at, *this);
  if (!listener) {
    std::cerr << "TestServer at " << ToString(at) << ": " << listener.error().message << '\n';
    std::abort();
  }
  listener_ = *std::move(listener);
  address_ = listener_->address();
}

void TestServer::OnAccept(std::unique_ptr<io::ByteStream> stream) {
  // Every stream of a MemoryNetwork is a MemoryStream.
  auto* memory = dynamic_cast<MemoryStream*>(stream.release());
  peers_.push_back(std::make_unique<TestPeer>(std::unique_ptr<MemoryStream>(memory)));
  if (script_) script_(*peers_.back());
}

SocketAddress Address(std::string_view text) {
  if (text.starts_with("unix:")) return UnixPath{std::string(text.substr(5))};
  const auto host_port = HostPort::Parse(text);
  const auto ip = host_port ? Ip::Parse(host_port->host) : std::nullopt;
  if (!ip) {
    std::cerr << "not an address: " << text << '\n';
    std::abort();
  }
  return IpPort{*ip, host_port->port};
}

}  // namespace upgate::test
