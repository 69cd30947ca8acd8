#include "tests/bench/guard/world.h"

#include <cstring>
#include <utility>

#include "tests/bench/wire/die.h"

namespace upgate::bench {
namespace {

SocketAddress Loopback(std::uint16_t port) {
  return IpPort{*Ip::Parse("127.0.0.1"), port};
}

class QuietListener final : public io::Listener {
 public:
  explicit QuietListener(SocketAddress address) : address_(std::move(address)) {}
  SocketAddress address() const override { return address_; }
  void Resume() override {}

 private:
  SocketAddress address_;
};

}  // namespace

class World::Stream final : public io::ByteStream {
 public:
  Stream(World& world, std::shared_ptr<Wire> wire) : world_(world), wire_(std::move(wire)) {}
  ~Stream() override {
    wire_->handler = nullptr;
    wire_->open = false;
  }

  using io::ByteStream::Write;
  void SetHandler(io::StreamHandler* handler) override { wire_->handler = handler; }
  void SetReading(bool on) override { wire_->reading = on; }
  void Write(std::span<const Bytes> slices) override {
    for (const Bytes slice : slices) Append(wire_->written, slice);
  }
  void Shutdown() override {
    wire_->shut_down = true;
    wire_->flush_is_due = true;
    world_.flushing_.push_back(wire_);
  }
  bool EndsOnDestruction() const override { return true; }
  void Abort() override {}
  std::size_t queued() const override { return 0; }
  io::Delivery delivery() const override { return {.waiting = queued()}; }
  bool HasUnread() const override { return false; }
  SocketAddress local_address() const override { return Loopback(80); }
  SocketAddress peer_address() const override { return Loopback(40000); }

 private:
  World& world_;
  std::shared_ptr<Wire> wire_;
};

class World::Connecting final : public io::Pending, private io::Later {
 public:
  Connecting(World& world, io::ConnectHandler& handler) : world_(world), handler_(handler) {
    world_.later_.Append(*this);
  }

 private:
  void OnLater() override {
    world_.server_ = std::make_shared<Wire>();
    handler_.OnConnected(std::make_unique<Stream>(world_, world_.server_));
  }

  World& world_;
  io::ConnectHandler& handler_;
};

class World::Resolving final : public io::Pending, private io::Later {
 public:
  Resolving(World& world, Ip address, io::ResolveHandler& handler)
      : address_(address), handler_(handler) {
    world.later_.Append(*this);
  }

 private:
  void OnLater() override { handler_.OnResolved({address_}); }

  Ip address_;
  io::ResolveHandler& handler_;
};

World::World() : buffer_(io::kReadHeadroom + io::kReadBufferSize) {}

World::~World() {
  deferred_.clear();
}

void World::FixedEntropy::Fill(MutableBytes out) {
  for (std::byte& byte : out)
    byte = static_cast<std::byte>((state = state * 1103515245 + 12345) >> 16);
}

std::shared_ptr<Wire> World::Connect() {
  auto wire = std::make_shared<Wire>();
  if (!listener_->MayAccept()) Die("no room for a client");
  listener_->OnAccept(std::make_unique<Stream>(*this, wire));
  return wire;
}

void World::Deliver(Wire& wire, std::string_view bytes) {
  if (!wire.reading || wire.handler == nullptr) Die("the gateway does not read");
  const MutableBytes data = MutableBytes(buffer_).subspan(io::kReadHeadroom, bytes.size());
  std::memcpy(data.data(), bytes.data(), bytes.size());
  wire.handler->OnBytes(data);
}

void World::End(Wire& wire) {
  if (wire.handler != nullptr && wire.reading) wire.handler->OnEnd();
}

void World::Settle() {
  while (RunTurn()) {
  }
}

bool World::RunTurn() {
  const bool later = !later_.empty();
  later_.RunAll();
  const bool flushed = Flush();
  const bool deleted = !deferred_.empty();
  std::exchange(deferred_, {}).clear();
  return later || flushed || deleted;
}

bool World::Flush() {
  const auto flushing = std::exchange(flushing_, {});
  for (const auto& wire : flushing) {
    if (std::exchange(wire->flush_is_due, false) && wire->handler != nullptr) {
      wire->handler->OnFlushed();
    }
  }
  return !flushing.empty();
}

Result<std::unique_ptr<io::Listener>> World::Listen(const SocketAddress& address,
                                                    const io::ListenOptions& /*options*/,
                                                    io::AcceptHandler& handler) {
  listener_ = &handler;
  return std::make_unique<QuietListener>(address);
}

std::unique_ptr<io::Pending> World::Connect(const SocketAddress& /*address*/,
                                            io::ConnectHandler& handler) {
  return std::make_unique<Connecting>(*this, handler);
}

std::unique_ptr<io::Pending> World::Resolve(const std::string& host, io::ResolveHandler& handler) {
  const auto address = Ip::Parse(host);
  if (!address) Die("a name to resolve: " + host);
  return std::make_unique<Resolving>(*this, *address, handler);
}

void World::DeferDelete(std::unique_ptr<io::Deletable> thing) {
  deferred_.push_back(std::move(thing));
}

void World::RunLater(io::Later& later) {
  if (!later.waiting()) later_.Append(later);
}

}  // namespace upgate::bench
