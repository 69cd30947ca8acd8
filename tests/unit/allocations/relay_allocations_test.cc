// Counts the heap allocations of the gateway's thread while messages pass, over real sockets.
// Replaces malloc, so it is not built with sanitizers.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "gateway/app/demo/backends.h"
#include "gateway/app/server.h"
#include "gateway/base/fd.h"
#include "gateway/config/parse.h"
#include "gateway/tls/context.h"
#include "plugins/builtins.h"
#include "tests/support/capture_log.h"
#include "tests/support/cases.h"
#include "tests/support/temp_folder.h"
#include "tests/support/uninterrupted.h"
#include "tests/support/ws_client.h"

namespace {

thread_local bool counted = false;  // whether this thread's allocations are
std::atomic<std::size_t> allocations = 0;

void Count() {
  if (counted) allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier, cppcoreguidelines-no-malloc,
// readability-inconsistent-declaration-parameter-name)
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);

void* malloc(std::size_t size) {
  Count();
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  Count();
  return __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) {
  Count();
  return __libc_realloc(old, size);
}
}

namespace {

// OpenSSL 3 allocates a buffer and some small blocks for every record. These are not counted.
const bool openssl_apart =
    CRYPTO_set_mem_functions(
        [](std::size_t size, const char*, int) { return __libc_malloc(size); },
        [](void* old, std::size_t size, const char*, int) { return __libc_realloc(old, size); },
        [](void* old, const char*, int) { std::free(old); }) == 1;
// NOLINTEND(bugprone-reserved-identifier, cppcoreguidelines-no-malloc,
// readability-inconsistent-declaration-parameter-name)

}  // namespace

namespace upgate::app {
namespace {

constexpr int kToWarmUp = 100;
constexpr int kMessages = 500;

// A connection of a blocking client, with or without TLS.
class Client {
 public:
  Client(const IpPort& address, bool tls) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(address.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("connect");
    if (!tls) return;
    context_.reset(SSL_CTX_new(TLS_client_method()));
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd_.get());
    if (OnTls([&] { return SSL_connect(ssl_.get()); }) != 1)
      throw std::runtime_error("TLS handshake");
  }

  void Send(std::string_view bytes) {
    const auto size = static_cast<std::ptrdiff_t>(bytes.size());
    const auto write = [&] {
      return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    };
    const auto send = [&] { return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); };
    const std::ptrdiff_t sent = ssl_ ? OnTls(write) : test::Uninterrupted(send);
    if (sent != size) throw std::runtime_error("send");
  }

  // The head of the response to an upgrade.
  test::ResponseHead ReadHead() {
    std::optional<test::ResponseHead> head;
    while (!(head = test::TakeResponseHead(received_))) ReadSome();
    return *head;
  }

  // The payload of received messages, until there are `size` bytes.
  std::string ReadPayload(std::size_t size) {
    std::string payload;
    while (payload.size() < size) {
      for (const test::ParsedFrame& frame : test::TakeFrames(received_)) payload += frame.payload;
      if (payload.size() < size) ReadSome();
    }
    return payload;
  }

  // Reads one message.
  void ReadMessage() {
    while (test::TakeFrames(received_).empty()) ReadSome();
  }

 private:
  // An interrupted call must be repeated (SSL_get_error(3)); a timeout returns the same, except for
  // errno.
  template <class Call>
  int OnTls(Call&& call) {
    for (;;) {
      errno = 0;
      const int result = call();
      if (result > 0 || errno != EINTR) return result;
    }
  }

  void ReadSome() {
    char buffer[65536];
    const auto read = [&] { return SSL_read(ssl_.get(), buffer, sizeof buffer); };
    const auto receive = [&] { return ::recv(fd_.get(), buffer, sizeof buffer, 0); };
    const std::ptrdiff_t got = ssl_ ? OnTls(read) : test::Uninterrupted(receive);
    if (got <= 0) throw std::runtime_error("the gateway sends no more");
    received_.append(buffer, static_cast<std::size_t>(got));
  }

  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  UniqueFd fd_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string received_;
};

// A gateway with one worker, whose thread is counted, in front of the demo's servers.
class Gateway {
 public:
  Gateway() {
    const tls::SelfSigned made = tls::MakeSelfSigned({"localhost"});
    folder_.Write("cert.pem", made.cert_pem);
    folder_.Write("key.pem", made.key_pem);
    const auto servers = servers_.Start();
    if (!servers) throw std::runtime_error(servers.error().message);
    const std::string text = fmt::format(R"(
listeners:
  - address: 127.0.0.1:0
  - {{ address: "127.0.0.1:0", tls: {{ certificates: [ {{ cert: cert.pem, key: key.pem }} ] }} }}
workers: 1
backends:
  tcp: {{ servers: [ "tcp://{}" ] }}
  ws: {{ servers: [ "ws://{}" ] }}
routes:
  - {{ path: /tcp, backend: tcp }}
  - {{ path: /live, hosts: [ plain.test ], backend: ws, subprotocols: [ echo.v1 ] }}
  - {{ path: /live, hosts: [ enforced.test ], backend: ws, subprotocols: [ echo.v1 ], enforce: true }}
  - {{ path: /echo, plugin: echo }}
)",
                                         ToString(servers->tcp), ToString(servers->websocket));
    auto config = config::Parse(text, folder_.At("upgate.yaml"),
                                [](const char*) -> const char* { return nullptr; });
    if (!config) throw std::runtime_error(config::ToString("", config.error().front()));
    plugins::RegisterBuiltins(plugins_);
    auto server = Server::Open(*config, plugins_, log_);
    if (!server) throw std::runtime_error(config::ToString("", server.error().front()));
    server_ = std::move(*server);
    thread_ = std::thread([this] {
      counted = true;
      server_->Run();
      counted = false;
    });
  }

  ~Gateway() {
    server_->Stop();
    thread_.join();
  }

  IpPort address(bool tls) const {
    return std::get<IpPort>(server_->addresses().at(tls ? 1 : 0).at(0));
  }

 private:
  test::TempFolder folder_;
  DemoBackends servers_;
  plugin::Registry plugins_;
  test::CaptureLog log_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

struct Way {
  const char* name;
  const char* path;
  const char* host;
};
constexpr Way kWays[] = {{"tcp", "/tcp", "a.test"},
                         {"ws", "/live", "plain.test"},
                         {"enforced", "/live", "enforced.test"},
                         {"echo", "/echo", "a.test"}};

struct Relayed {
  std::string name;
  Way way;
  bool tls = false;
};

std::vector<Relayed> PlainAndTls() {
  std::vector<Relayed> cases;
  for (const Way& way : kWays) {
    cases.push_back({way.name, way, false});
    cases.push_back({way.name + std::string("Tls"), way, true});
  }
  return cases;
}

class RelayAllocations : public TestOfCase<Relayed> {};
INSTANTIATE_CASES_IN(Ways, RelayAllocations, NameByValue{}, PlainAndTls());

TEST_EACH(RelayAllocations, AMessageTakesNothingFromTheHeap) {
  ASSERT_TRUE(openssl_apart);
  const Way& way = GetParam().way;
  const bool tls = GetParam().tls;
  Gateway gateway;
  Client client(gateway.address(tls), tls);
  const bool live = way.path == std::string("/live");
  client.Send(
      test::UpgradeRequest(way.path, way.host, live ? "Sec-WebSocket-Protocol: echo.v1\r\n" : ""));
  ASSERT_EQ(client.ReadHead().status, 101);
  if (live) client.ReadMessage();  // which the server sends unasked

  // Messages larger than a record can arrive in parts, which have to be buffered.
  for (const std::size_t size : {64, 1024, 8000}) {
    const std::string payload(size, 'x');
    const std::string frame = test::BinaryFrame(payload);
    std::size_t before = 0;
    for (int i = -kToWarmUp; i < kMessages; ++i) {
      if (i == 0) before = allocations;
      client.Send(frame);
      ASSERT_EQ(client.ReadPayload(size), payload);
    }
    EXPECT_EQ(allocations - before, 0u)
        << "with " << kMessages << " messages of " << size << " bytes";
  }
}

// What a loop does every second, while messages pass.
TEST(LoopAllocations, ASecondTakesNothingFromTheHeap) {
  using Clock = std::chrono::steady_clock;
  Gateway gateway;
  Client client(gateway.address(false), false);
  client.Send(test::UpgradeRequest("/echo"));
  ASSERT_EQ(client.ReadHead().status, 101);
  const std::string frame = test::BinaryFrame("x");
  const auto exchange_for = [&](Clock::duration time) {
    for (const auto end = Clock::now() + time; Clock::now() < end;) {
      client.Send(frame);
      client.ReadPayload(1);
    }
  };
  // What is done for the first time may take something.
  exchange_for(std::chrono::milliseconds(1'100));
  const std::size_t before = allocations;
  exchange_for(std::chrono::milliseconds(1'100));
  EXPECT_EQ(allocations - before, 0u);
}

// Checks that the counting works.
TEST(SessionAllocations, ASessionTakesSomething) {
  Gateway gateway;
  const std::size_t before = allocations;
  Client client(gateway.address(false), false);
  client.Send(test::UpgradeRequest("/echo"));
  ASSERT_EQ(client.ReadHead().status, 101);
  EXPECT_GT(allocations - before, 0u);
}

}  // namespace
}  // namespace upgate::app
