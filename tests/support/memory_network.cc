#include "tests/support/memory_network.h"

#include <sanitizer/asan_interface.h>

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "gateway/base/match.h"

namespace upgate::test {
namespace {

constexpr std::size_t kBufferSize = io::kReadHeadroom + io::kReadBufferSize + 64;
constexpr auto kGarbage = std::byte{0xDD};
constexpr int kMostRounds = 20'000'000;

const Ip kLocalhost = *Ip::Parse("127.0.0.1");

bool IsWildcardFor(const Ip& listener, const Ip& wanted) {
  if (listener == *Ip::Parse("::")) return true;
  return listener == *Ip::Parse("0.0.0.0") && wanted.is_v4();
}

class PendingConnect final : public io::Pending, public Participant {
 public:
  PendingConnect(MemoryNetwork& network, const SocketAddress& to, io::ConnectHandler& handler)
      : Participant(network, Place::kInside), to_(to), handler_(handler) {}

  bool Step() override {
    if (done_) return false;
    done_ = true;
    auto error = network()->CountOperation();
    auto outcome = error ? MemoryNetwork::ConnectOutcome(*std::move(error))
                         : network()->Establish(to_, Place::kInside, {});
    io::ConnectHandler& handler = handler_;  // the callback may destroy this
    std::visit(Match{[](MemoryNetwork::Hang) {}, [](MemoryNetwork::AcceptAndReset) {},
                     [&](const Error& why) { handler.OnConnectFailed(why); },
                     [&](std::unique_ptr<MemoryStream>& stream) {
                       handler.OnConnected(std::move(stream));
                     }},
               outcome);
    return true;
  }
  std::string Describe() const override { return "connect to " + ToString(to_); }

 private:
  const SocketAddress to_;
  io::ConnectHandler& handler_;
  bool done_ = false;
};

class PendingResolve final : public io::Pending, public Participant {
 public:
  PendingResolve(MemoryNetwork& network, const std::string& host, io::ResolveHandler& handler)
      : Participant(network, Place::kInside), host_(host), handler_(handler) {}

  bool Step() override {
    if (done_) return false;
    done_ = true;
    auto error = network()->CountOperation();
    const auto outcome =
        error ? MemoryNetwork::ResolveOutcome(*std::move(error)) : network()->LookUp(host_);
    io::ResolveHandler& handler = handler_;  // the callback may destroy this
    std::visit(
        Match{[](MemoryNetwork::Hang) {}, [&](const Error& why) { handler.OnResolveFailed(why); },
              [&](const std::vector<Ip>& addresses) { handler.OnResolved(addresses); }},
        outcome);
    return true;
  }
  std::string Describe() const override { return "resolve " + host_; }

 private:
  const std::string host_;
  io::ResolveHandler& handler_;
  bool done_ = false;
};

}  // namespace

// Hands over one connection per round.
class MemoryListener final : public io::Listener, public Participant {
 public:
  MemoryListener(MemoryNetwork& network, Place place, SocketAddress address,
                 io::AcceptHandler& handler)
      : Participant(network, place), address_(std::move(address)), handler_(handler) {
    network.listeners_.push_back(this);
  }
  ~MemoryListener() override {
    if (network() != nullptr) std::erase(network()->listeners_, this);
    for (auto& stream : backlog_) stream->Abort();
  }

  SocketAddress address() const override { return address_; }
  void Resume() override { left_ = false; }
  void AcceptWaiting() override {
    while (Step()) {
    }
  }
  bool Matches(const SocketAddress& to, bool exactly) const {
    if (exactly) return address_ == to;
    const auto* ours = std::get_if<IpPort>(&address_);
    const auto* wanted = std::get_if<IpPort>(&to);
    return ours && wanted && ours->port == wanted->port && IsWildcardFor(ours->ip, wanted->ip);
  }
  void Enqueue(std::unique_ptr<MemoryStream> stream) { backlog_.push_back(std::move(stream)); }

  bool Step() override {
    if (backlog_.empty() || left_) return false;
    if (!handler_.MayAccept()) {
      left_ = true;
      return false;
    }
    auto stream = std::move(backlog_.front());
    backlog_.erase(backlog_.begin());
    handler_.OnAccept(std::move(stream));
    return true;
  }
  std::string Describe() const override { return "listener " + ToString(address_); }

 private:
  const SocketAddress address_;
  io::AcceptHandler& handler_;
  std::vector<std::unique_ptr<MemoryStream>> backlog_;
  bool left_ = false;  // until Resume
};

MemoryNetwork::MemoryNetwork() : read_buffer_(new std::byte[kBufferSize]) {
  std::fill_n(read_buffer_.get(), kBufferSize, kGarbage);
  ASAN_POISON_MEMORY_REGION(read_buffer_.get(), kBufferSize);
}

MemoryNetwork::~MemoryNetwork() {
  for (const std::string& left : Leftovers())
    ADD_FAILURE() << "left open when the loop ended: " << left;
  for (auto& [id, participant] : participants_) participant->network_ = nullptr;
  ASAN_UNPOISON_MEMORY_REGION(read_buffer_.get(), kBufferSize);
}

Result<std::unique_ptr<io::Listener>> MemoryNetwork::Listen(const SocketAddress& address,
                                                            const io::ListenOptions&,
                                                            io::AcceptHandler& handler) {
  return ListenAt(address, handler, Place::kInside);
}

Result<std::unique_ptr<io::Listener>> MemoryNetwork::ListenOutside(const SocketAddress& address,
                                                                   io::AcceptHandler& handler) {
  return ListenAt(address, handler, Place::kOutside);
}

Result<std::unique_ptr<io::Listener>> MemoryNetwork::ListenAt(const SocketAddress& address,
                                                              io::AcceptHandler& handler,
                                                              Place place) {
  if (const auto found = listens_.find(ToString(address)); found != listens_.end()) {
    return std::unexpected(found->second);
  }
  SocketAddress at = address;
  if (auto* ip = std::get_if<IpPort>(&at); ip && ip->port == 0) ip->port = next_listen_port_++;
  const bool taken =
      std::ranges::any_of(listeners_, [&](auto* other) { return other->Matches(at, true); });
  if (taken) return Fail(Errc::kAddressInUse, "address already in use");
  return std::make_unique<MemoryListener>(*this, place, std::move(at), handler);
}

MemoryListener* MemoryNetwork::FindListener(const SocketAddress& to) const {
  for (const bool exactly : {true, false}) {
    for (MemoryListener* listener : listeners_) {
      if (listener->Matches(to, exactly)) return listener;
    }
  }
  return nullptr;
}

std::unique_ptr<io::Pending> MemoryNetwork::Connect(const SocketAddress& address,
                                                    io::ConnectHandler& handler) {
  return std::make_unique<PendingConnect>(*this, address, handler);
}

std::unique_ptr<io::Pending> MemoryNetwork::Resolve(const std::string& host,
                                                    io::ResolveHandler& handler) {
  return std::make_unique<PendingResolve>(*this, host, handler);
}

std::unique_ptr<MemoryStream> MemoryNetwork::Dial(const SocketAddress& to,
                                                  const std::optional<SocketAddress>& from) {
  auto outcome = Establish(to, Place::kOutside, from);
  auto* stream = std::get_if<std::unique_ptr<MemoryStream>>(&outcome);
  return stream != nullptr ? std::move(*stream) : nullptr;
}

MemoryNetwork::ConnectOutcome MemoryNetwork::Establish(const SocketAddress& to, Place place,
                                                       const std::optional<SocketAddress>& from) {
  bool reset = false;
  if (const auto found = connects_.find(ToString(to)); found != connects_.end()) {
    if (std::holds_alternative<Hang>(found->second)) return Hang{};
    if (const auto* error = std::get_if<Error>(&found->second)) return *error;
    reset = true;
  }
  MemoryListener* listener = FindListener(to);
  if (listener == nullptr && !reset) {
    if (std::holds_alternative<UnixPath>(to))
      return Error{Errc::kUnreachable, "no such file or directory"};
    return Error{Errc::kRefused, "connection refused"};
  }
  SocketAddress local = UnixPath{};
  if (std::holds_alternative<IpPort>(to)) local = IpPort{kLocalhost, next_client_port_++};
  if (from) local = *from;

  auto connection = std::make_shared<Connection>();
  for (Pipe& pipe : connection->pipes) pipe.capacity = options_.send_buffer;
  auto near = std::make_unique<MemoryStream>(*this, place, connection, 0, local, to);
  if (reset) {
    connection->pipes[1].broken = true;
    connection->pipes[0].reader_gone = true;
  } else {
    listener->Enqueue(
        std::make_unique<MemoryStream>(*this, listener->place(), connection, 1, to, local));
  }
  return near;
}

void MemoryNetwork::SetHost(const std::string& host, const std::string& literal) {
  SetHost(host, std::vector{Ip::Parse(literal).value()});
}

MemoryNetwork::ResolveOutcome MemoryNetwork::LookUp(const std::string& host) const {
  if (const auto found = hosts_.find(host); found != hosts_.end()) return found->second;
  if (const auto literal = Ip::Parse(host)) return std::vector{*literal};
  if (host == "localhost") return std::vector{kLocalhost};
  return Error{Errc::kResolve, "the name has no address"};
}

bool MemoryNetwork::RunOnce() {
  if (running_) {
    ADD_FAILURE() << "the network was run from inside one of its own callbacks";
    return false;
  }
  running_ = true;
  // Callbacks add and remove participants. Those added during the round wait for the next one.
  const std::uint64_t last = last_id_;
  bool active = false;
  next_ = participants_.begin();
  while (next_ != participants_.end() && next_->first <= last) {
    Participant* participant = next_->second;
    ++next_;
    if (participant->Step()) active = true;
  }
  running_ = false;
  return active;
}

void MemoryNetwork::Remove(std::uint64_t id) {
  const auto at = participants_.find(id);
  if (running_ && at == next_) ++next_;
  participants_.erase(at);
}

void MemoryNetwork::RunUntilIdle() {
  for (int rounds = 0; RunOnce(); ++rounds) {
    if (rounds > kMostRounds) {
      ADD_FAILURE() << "the network never becomes idle";
      return;
    }
  }
}

void MemoryNetwork::FailOperation(std::uint64_t nth, Error error) {
  fail_at_ = nth == 0 ? 0 : operations_ + nth;
  fail_with_ = std::move(error);
  operation_failed_ = false;
}

std::optional<Error> MemoryNetwork::CountOperation() {
  if (++operations_ != fail_at_) return {};
  operation_failed_ = true;
  return fail_with_;
}

std::vector<MemoryStream*> MemoryNetwork::Streams() const {
  std::vector<MemoryStream*> streams;
  for (const auto& [id, participant] : participants_) {
    auto* stream = dynamic_cast<MemoryStream*>(participant);
    if (stream != nullptr && participant->place() == Place::kInside) streams.push_back(stream);
  }
  return streams;
}

std::vector<std::string> MemoryNetwork::Leftovers() const {
  std::vector<std::string> left;
  for (const auto& [id, participant] : participants_) {
    if (participant->place() == Place::kInside) left.push_back(participant->Describe());
  }
  return left;
}

MutableBytes MemoryNetwork::LendReadBuffer(Bytes bytes) {
  ASAN_UNPOISON_MEMORY_REGION(read_buffer_.get(), io::kReadHeadroom + bytes.size());
  std::byte* start = read_buffer_.get() + io::kReadHeadroom;
  std::memcpy(start, bytes.data(), bytes.size());
  return {start, bytes.size()};
}

void MemoryNetwork::ReleaseReadBuffer(std::size_t size) {
  ASAN_UNPOISON_MEMORY_REGION(read_buffer_.get(), kBufferSize);
  const std::byte* end = read_buffer_.get() + io::kReadHeadroom + size;
  // Checking a little is enough: an overrun starts at the end.
  const bool intact = std::all_of(end, end + 64, [](std::byte b) { return b == kGarbage; });
  if (!intact) ADD_FAILURE() << "a handler wrote past the " << size << " bytes that it was given";
  std::fill_n(read_buffer_.get(), io::kReadHeadroom + size + 64, kGarbage);
  ASAN_POISON_MEMORY_REGION(read_buffer_.get(), kBufferSize);
}

}  // namespace upgate::test
