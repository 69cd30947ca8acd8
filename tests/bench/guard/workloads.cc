#include "tests/bench/guard/workloads.h"

#include <array>
#include <string>

#include "gateway/ws/handshake.h"
#include "tests/bench/guard/quiet_gateway.h"
#include "tests/bench/guard/world.h"
#include "tests/bench/wire/die.h"
#include "tests/bench/wire/frame_reader.h"
#include "tests/bench/wire/head.h"

namespace upgate::bench {
namespace {

using Counted = std::function<void(const std::function<void()>&)>;

constexpr int kFrames = 100'000;  // in each direction
constexpr std::size_t kPayload = 64;
constexpr int kHandshakes = 2'000;
constexpr int kRequests = 5'000;
constexpr int kLookups = 100'000;

constexpr std::string_view kRelays =
    "backends: {ws: {servers: [\"ws://127.0.0.1:1\"]}, tcp: {servers: [\"tcp://127.0.0.1:2\"]},\n"
    "           http: {servers: [\"http://127.0.0.1:3\"]}}\n"
    "routes: [{path: /ws, backend: ws}, {path: /tcp, backend: tcp}, {path: /*, backend: http}]\n";

std::string Frames(int count, bool masked) {
  FrameHeader frame{.opcode = kBinary, .fin = true, .masked = masked, .length = kPayload};
  frame.mask = {std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};
  std::array<std::byte, kMaxHeader> header;
  const std::size_t size = WriteHeader(frame, header.data());
  std::string frames;
  for (int i = 0; i < count; ++i) {
    Append(frames, Bytes(header).first(size));
    frames.append(kPayload, static_cast<char>('a' + i % 26));
  }
  return frames;
}

std::string UpgradeRequest(std::string_view path) {
  return "GET " + std::string(path) +
         " HTTP/1.1\r\nHost: gateway.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
}

void AnswerUpgrade(World& world, Wire& server) {
  const std::string key(HeaderField(server.written, "sec-websocket-key"));
  if (key.empty()) Die("the server got no handshake");
  server.written.clear();
  world.Deliver(server,
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
                    ws::AcceptKey(key) + "\r\n\r\n");
  world.Settle();
}

struct Session {
  std::shared_ptr<Wire> client;
  std::shared_ptr<Wire> server;
};

Session Open(World& world, std::string_view path) {
  Session session{.client = world.Connect(), .server = {}};
  world.Deliver(*session.client, UpgradeRequest(path));
  world.Settle();
  session.server = world.server();
  if (path == "/ws") AnswerUpgrade(world, *session.server);
  if (!session.client->written.starts_with("HTTP/1.1 101 ")) Die("no 101");
  session.client->written.clear();
  return session;
}

// Delivers `bytes` until `messages` have passed, and checks the amount of output on the other side.
void Relay(World& world, Wire& from, Wire& to, std::string_view bytes, int reads,
           std::size_t expected) {
  std::size_t written = 0;
  for (int i = 0; i < reads; ++i) {
    world.Deliver(from, bytes);
    world.Settle();
    written += to.written.size();
    to.written.clear();
  }
  if (written != expected) Die("something got lost on the way");
}

// Frames to a server and back, `at_once` per read.
void RelayFrames(const Counted& counted, int at_once) {
  World world;
  const QuietGateway gateway(world, kRelays);
  const Session session = Open(world, "/ws");
  const std::string up = Frames(at_once, true);
  const std::string down = Frames(at_once, false);
  const int reads = kFrames / at_once;
  counted([&] {
    Relay(world, *session.client, *session.server, up, reads, up.size() * reads);
    Relay(world, *session.server, *session.client, down, reads, down.size() * reads);
  });
}

// Frames to a TCP server, and bytes back to the client as frames.
void RelayBytes(const Counted& counted, int at_once) {
  World world;
  const QuietGateway gateway(world, kRelays);
  const Session session = Open(world, "/tcp");
  const std::string up = Frames(at_once, true);
  const std::string down(kPayload, 'x');
  const int reads = kFrames / at_once;
  counted([&] {
    Relay(world, *session.client, *session.server, up, reads, kPayload * kFrames);
    Relay(world, *session.server, *session.client, down, kFrames, (kPayload + 2) * kFrames);
  });
}

// From accepting a connection until both ends are gone.
void ShakeHands(const Counted& counted, std::string_view path) {
  World world;
  const QuietGateway gateway(world, kRelays);
  const std::string close("\x88\x82\0\0\0\0\x03\xe8", 8);
  counted([&] {
    for (int i = 0; i < kHandshakes; ++i) {
      const Session session = Open(world, path);
      world.Deliver(*session.client, close);
      world.Settle();
      if (path == "/ws") world.Deliver(*session.server, std::string_view("\x88\x02\x03\xe8", 4));
      world.End(*session.server);
      world.Settle();
      world.End(*session.client);
      world.Settle();
      if (session.client->open || session.server->open) Die("a session does not end");
    }
  });
}

void ProxyRequests(const Counted& counted) {
  World world;
  const QuietGateway gateway(world, kRelays);
  const auto client = world.Connect();
  counted([&] {
    for (int i = 0; i < kRequests; ++i) {
      world.Deliver(*client,
                    "GET /index.html HTTP/1.1\r\nHost: gateway.test\r\nAccept: */*\r\n"
                    "User-Agent: guard\r\n\r\n");
      world.Settle();
      world.server()->written.clear();
      world.Deliver(*world.server(),
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                    "Content-Length: 5\r\n\r\nhello");
      world.Settle();
      if (!client->written.starts_with("HTTP/1.1 200 ") || !client->written.ends_with("hello")) {
        Die("no answer");
      }
      client->written.clear();
    }
  });
}

void LookUpRoutes(const Counted& counted) {
  World world;
  std::string yaml = "backends: {ws: {servers: [\"ws://127.0.0.1:1\"]}}\nroutes:\n";
  for (int i = 0; i < 50; ++i) {
    const std::string n = std::to_string(i);
    yaml += "  - {path: /exact/" + n + ", backend: ws}\n  - {path: /prefix/" + n +
            "/*, hosts: [\"*.h" + n + ".example\"], backend: ws}\n";
  }
  yaml += "  - {path: \"~^/v[0-9]+/x\", backend: ws}\n";
  const QuietGateway gateway(world, yaml);
  struct Query {
    std::string_view host;
    std::string_view path;
    bool found;
  };
  static constexpr std::array<Query, 4> kQueries{{{"a.test", "/exact/31", true},
                                                  {"www.h42.example", "/prefix/42/a/b/c", true},
                                                  {"a.test", "/v12/x/y", true},
                                                  {"www.h42.example", "/prefix/41/a", false}}};
  counted([&] {
    for (int i = 0; i < kLookups; ++i) {
      const Query& query = kQueries[static_cast<std::size_t>(i) % kQueries.size()];
      const bool found = gateway.router().Find(query.host, query.path) != nullptr;
      if (found != query.found) Die("a wrong route");
    }
  });
}

constexpr std::array<Workload, 8> kWorkloads{{
    {"relay-ws-ws", [](const Counted& counted) { RelayFrames(counted, 1); }},
    {"relay-ws-ws-16-a-read", [](const Counted& counted) { RelayFrames(counted, 16); }},
    {"relay-ws-tcp", [](const Counted& counted) { RelayBytes(counted, 1); }},
    {"relay-ws-tcp-16-a-read", [](const Counted& counted) { RelayBytes(counted, 16); }},
    {"handshake-ws-ws", [](const Counted& counted) { ShakeHands(counted, "/ws"); }},
    {"handshake-ws-tcp", [](const Counted& counted) { ShakeHands(counted, "/tcp"); }},
    {"http-request", ProxyRequests},
    {"route-lookup", LookUpRoutes},
}};

}  // namespace

std::span<const Workload> Workloads() {
  return kWorkloads;
}

}  // namespace upgate::bench
