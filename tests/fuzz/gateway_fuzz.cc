// The whole gateway without its sockets, driven by a script: clients that connect, send requests
// and frames, stall and leave, servers that do the same, failing connections, and time. In every
// case no queue grows past its watermark, both sides get valid output, and once everybody has left
// or fallen silent, timeouts end every session and connection. Input: a byte of settings, then the
// steps (see Play); seeds.py writes some.

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/ws/handshake.h"
#include "tests/fuzz/frame_check.h"
#include "tests/fuzz/fuzz.h"
#include "tests/pipeline/test_gateway.h"

namespace upgate::test {
namespace {

using fuzz::Require;

constexpr std::string_view kConfig = R"(
listeners:
  - address: 127.0.0.1:80
    trusted_proxies: [ 127.0.0.1 ]
    dialects: [ rfc6455, hybi08, hixie76, hixie75 ]
http: { head_size: 4KiB, headers: 20 }
compression_memory: 1MiB
backends:
  bytes: { servers: [ tcp://127.0.0.1:7001, tcp://127.0.0.1:7002 ] }
  frames: { servers: [ ws://127.0.0.1:7003 ] }
  strict: { servers: [ ws://127.0.0.1:7005 ] }
  site:
    servers: [ http://127.0.0.1:7004 ]
    pool_size: 2
routes:
  - path: /echo
    plugin: echo
    limits: { idle: 5m, message_size: 4KiB }
    compression: { threshold: 0, server_no_context_takeover: false, client_no_context_takeover: false }
  - path: /room/*
    plugin: broadcast
    options: { to_sender: true, http_publish: true, queue: 64KiB }
    compression: { threshold: 10, server_max_window_bits: 9 }
    limits: { idle: 5m }
  - { path: /tcp, backend: bytes, subprotocols: [ mqtt ], compression: true, limits: { idle: 5m, message_size: 4KiB, sessions: 3 } }
  - path: /cors
    backend: bytes
    encoding: text
    cors: { allow_origins: [ "https://a.test", "null" ], allow_credentials: true }
    limits: { idle: 5m }
  - { path: /ws, backend: frames, limits: { idle: 5m, message_size: 4KiB } }
  - { path: /strict, backend: strict, enforce: true, limits: { idle: 5m, message_size: 4KiB } }
  - path: /strict/client
    backend: strict
    enforce: true
    compression: { threshold: 0 }
    limits: { idle: 5m, message_size: 4KiB }
  - path: /strict/both
    backend: strict
    enforce: true
    compression: { threshold: 0, server_no_context_takeover: false, client_no_context_takeover: false }
    server_compression: { threshold: 0, server_no_context_takeover: false, client_no_context_takeover: false }
    limits: { idle: 5m, message_size: 4KiB }
  - { path: /old/*, plugin: redirect, options: { to: "https://{host}/new{rest}?{query}" } }
  - { path: /stats, plugin: stats, limits: { idle: 5m } }
  - { path: /*, backend: site, limits: { idle: 5m } }
)";

constexpr std::array<std::string_view, 5> kServers{
    "127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003", "127.0.0.1:7004", "127.0.0.1:7005"};
constexpr std::size_t kStrictServer = 4;

// The targets of clients, and whether the gateway is their WebSocket endpoint.
struct Target {
  std::string_view target;
  bool endpoint;
};
constexpr std::array<Target, 13> kTargets{{{"/echo", true},
                                           {"/room/tea", true},
                                           {"/tcp", true},
                                           {"/tcp?encoding=text", true},
                                           {"/tcp?encoding=base64", true},
                                           {"/cors", true},
                                           {"/ws", false},
                                           {"/site/page", false},
                                           {"/old/x?y", false},
                                           {"/stats", true},
                                           {"/strict", true},
                                           {"/strict/client", true},
                                           {"/strict/both", true}}};

constexpr std::array<std::string_view, 6> kExtraLines{
    "",
    "Origin: https://a.test\r\n",
    "Origin: null\r\n",
    "Sec-WebSocket-Protocol: mqtt, binary\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
    "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"};

// The handshakes of the drafts, without their targets.
constexpr std::array<std::string_view, 3> kDrafts{
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n",
    "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: 12998 5 Y3 1  "
    ".P00\r\n\r\n^n:ds[4U",
    "\r\n"};

constexpr std::array<std::string_view, 6> kRequests{
    "GET /site/page HTTP/1.1\r\nHost: gateway.test\r\n\r\n",
    "POST /site/form HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 10\r\nExpect: "
    "100-continue\r\n\r\n",
    "PUT /site/file HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: "
    "chunked\r\n\r\n5\r\nhello\r\n",
    "POST /room/tea HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: text/plain\r\nContent-Length: "
    "5\r\n\r\nhello",
    "HEAD /site/page HTTP/1.0\r\n\r\n",
    "OPTIONS /cors HTTP/1.1\r\nHost: gateway.test\r\nOrigin: "
    "https://a.test\r\nAccess-Control-Request-Method: GET\r\n\r\n"};

constexpr std::array<std::string_view, 9> kAnswers{
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
    "Upgrade\r\nSec-WebSocket-Accept: ",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "0\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end",
    "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
    "Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Accept: ",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
    "Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
    "client_no_context_takeover; client_max_window_bits=9\r\nSec-WebSocket-Accept: "};
constexpr std::size_t kWithDeflate = 7;  // the first of those with permessage-deflate

// More than the watermarks, by the size that one read may have after conversion.
constexpr std::size_t kMostQueued = io::kHighMark + 4 * io::kReadBufferSize;
constexpr std::size_t kMostClients = 4;
constexpr std::size_t kMostSteps = 200;

// A client's first request, to judge the response.
struct Client {
  GatewayClient gateway;
  bool to_endpoint = false;
  bool clean = true;  // sent nothing before the handshake
};

class World {
 public:
  explicit World(MemoryNetwork::Options options) : gateway_(kConfig, options) {
    for (const std::string_view at : kServers) {
      servers_.push_back(std::make_unique<TestServer>(gateway_.network(), Address(at)));
    }
  }

  // Plays one step: an action, its actor, and its bytes.
  void Play(fuzz::Input& input) {
    constexpr std::size_t kOfClients = 8;
    const std::size_t step = input.Choose(17);
    if (step < kOfClients) {
      PlayClient(step, input);
    } else if (step < 14) {
      PlayServer(step - kOfClients, input);
    } else if (step == 14) {
      gateway_.loop().Advance(io::Millis{250} * (1 + input.Byte()));
    } else {
      PlayNetwork(step - 15, input);
    }
    gateway_.loop().RunUntilIdle();
    CheckQueues();
  }

  void EverybodyLeaves(bool in_order) {
    for (auto& client : clients_)
      in_order ? client->gateway.peer().Close() : client->gateway.peer().Reset();
    gateway_.loop().RunUntilIdle();
  }

  // Longer than all timeouts together, with nobody acting. Pipelined requests to a server that does
  // not answer take a minute each, and there may be thousands.
  void LetTimePass() { gateway_.loop().Advance(std::chrono::hours{72}); }

  void CheckNothingIsLeft() {
    Require(gateway_.gateway().sessions() == 0 && gateway_.front().connections() == 0);
    Require(gateway_.network().stream_count() == 0);
  }

  void CheckPeers() {
    for (auto& client : clients_) CheckClient(*client);
    TestServer& strict = *servers_[kStrictServer];
    for (std::size_t i = 0; i < strict.size(); ++i) CheckServer(strict[i]);
  }

 private:
  void PlayClient(std::size_t step, fuzz::Input& input) {
    if (step == 0 && clients_.size() < kMostClients) {
      clients_.emplace_back(new Client{gateway_.Connect()});
      return;
    }
    if (clients_.empty()) return;
    Client& client = *clients_[input.Choose(clients_.size())];
    TestPeer& peer = client.gateway.peer();
    if (peer.stream() == nullptr) return;
    switch (step) {
      case 1:
        client.clean = false;
        return peer.Send(input.Take(input.Byte()));
      case 2:
        return Upgrade(client, input);
      case 3:
        return peer.Send(TakeFrame(input, FrameOptions{}.mask));
      case 4:
        client.clean = false;
        return peer.Send(kRequests[input.Choose(kRequests.size())]);
      case 5:
        return peer.Shutdown();
      case 6:
        return input.Flag() ? peer.Close() : peer.Reset();
      case 7:
        return input.Flag() ? peer.Stall() : peer.Resume();
      default:
        return;
    }
  }

  void Upgrade(Client& client, fuzz::Input& input) {
    const std::size_t target = input.Choose(kTargets.size());
    const std::string_view extra = kExtraLines[input.Choose(kExtraLines.size())];
    const std::size_t draft = input.Choose(1 + kDrafts.size());
    // hixie has different frames.
    const auto& [path, endpoint] = kTargets[target];
    client.to_endpoint = client.clean && endpoint && draft <= 1;
    client.clean = false;
    client.gateway.peer().Send(draft == 0 ? UpgradeRequest(path, "gateway.test", extra)
                                          : DraftRequest(path, extra, kDrafts[draft - 1]));
  }

  static std::string DraftRequest(std::string_view target, std::string_view extra,
                                  std::string_view rest) {
    constexpr std::string_view kUpgrade =
        " HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: gateway.test\r\n";
    return "GET " + std::string(target) + std::string(kUpgrade) + std::string(extra) +
           std::string(rest);
  }

  static std::string TakeFrame(fuzz::Input& input,
                               const std::optional<std::array<std::uint8_t, 4>>& mask) {
    const std::uint8_t first = input.Byte();
    std::string payload(input.Take(input.Byte()));
    if ((first & 0x40) != 0 && !payload.empty())
      payload.resize(payload.size() * 100, payload.back());
    FrameOptions options{.fin = (first & 0x80) == 0, .mask = mask};
    if ((first & 0x20) != 0) options.rsv = 4;
    return Frame(first & 0x0f, payload, options);
  }

  void PlayServer(std::size_t step, fuzz::Input& input) {
    TestServer& server = *servers_[input.Choose(servers_.size())];
    if (server.size() == 0) return;
    TestPeer& peer =
        server[server.size() - 1 - input.Choose(std::min<std::size_t>(server.size(), 3))];
    if (peer.stream() == nullptr) return;
    switch (step) {
      case 0:
        return peer.Send(input.Take(input.Byte()));
      case 1:
        return Answer(peer, input);
      case 2:
        return peer.Send(TakeFrame(input, {}));
      case 3:
        return peer.Shutdown();
      case 4:
        return input.Flag() ? peer.Close() : peer.Reset();
      default:
        return input.Flag() ? peer.Stall() : peer.Resume();
    }
  }

  // Those that agree on compression send a first frame at once.
  static void Answer(TestPeer& peer, fuzz::Input& input) {
    const std::size_t which = input.Choose(kAnswers.size());
    std::string answer(kAnswers[which]);
    if (answer.ends_with("Accept: ")) answer += AcceptFor(peer.received()) + "\r\n\r\n";
    if (which >= kWithDeflate) answer += TakeFrame(input, {});
    peer.Send(answer);
  }

  // For a handshake of the gateway, the key is in the request; the key of a forwarded client's
  // handshake has a known answer.
  static std::string AcceptFor(std::string_view request) {
    constexpr std::string_view kField = "Sec-WebSocket-Key: ";
    const std::size_t at = request.rfind(kField);
    if (at == std::string_view::npos) return std::string(kSampleAccept);
    const std::string_view key = request.substr(at + kField.size());
    return ws::AcceptKey(key.substr(0, key.find('\r')));
  }

  void PlayNetwork(std::size_t step, fuzz::Input& input) {
    const SocketAddress server = Address(kServers[input.Choose(kServers.size())]);
    MemoryNetwork& network = gateway_.network();
    if (step == 0) return network.FailOperation(1 + input.Byte() % 32);
    switch (input.Choose(4)) {
      case 0:
        return network.HangConnects(server);
      case 1:
        return network.FailConnects(server, {Errc::kRefused, "connection refused"});
      case 2:
        return network.ResetConnects(server);
      default:
        return network.AllowConnects(server);
    }
  }

  void CheckQueues() {
    for (const MemoryStream* stream : gateway_.network().Streams())
      Require(stream->queued() <= kMostQueued);
  }

  void CheckClient(Client& client) {
    std::string bytes = client.gateway.peer().TakeReceived();
    Require(bytes.empty() || std::string_view(bytes).substr(0, 9) ==
                                 std::string_view("HTTP/1.1 ").substr(0, bytes.size()));
    if (!client.to_endpoint) return;
    const auto head = TakeResponseHead(bytes);
    if (!head || head->status != 101) return;
    FrameCheck(false, head->Get("Sec-WebSocket-Extensions").has_value()).Check(std::move(bytes));
  }

  // One connection, one request: everything after its head is frames of the gateway.
  static void CheckServer(TestPeer& peer) {
    const std::string& received = peer.received();
    const std::size_t end = received.find("\r\n\r\n");
    if (end == std::string::npos) return;
    const bool offered = received.rfind("permessage-deflate", end) != std::string::npos;
    FrameCheck(true, offered).Check(received.substr(end + 4));
  }

  TestGateway gateway_;
  std::vector<std::unique_ptr<TestServer>> servers_;
  std::vector<std::unique_ptr<Client>> clients_;
};

void RunOne(fuzz::Input& input) {
  const std::uint8_t settings = input.Byte();
  MemoryNetwork::Options options;
  const std::size_t chunks[] = {io::kReadBufferSize, 1, 7, 100};
  options.read_chunk = chunks[settings & 3];
  const std::size_t buffers[] = {256 * 1024, 100};
  options.send_buffer = buffers[settings >> 2 & 1];
  options.reset_on_unread = (settings & 8) != 0;
  World world(options);
  for (std::size_t i = 0; i < kMostSteps && !input.empty(); ++i) world.Play(input);
  if ((settings & 16) != 0) world.EverybodyLeaves((settings & 32) != 0);
  world.LetTimePass();
  world.CheckNothingIsLeft();
  world.CheckPeers();
}

}  // namespace
}  // namespace upgate::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  upgate::fuzz::Input input(data, size);
  upgate::test::RunOne(input);
  return 0;
}
