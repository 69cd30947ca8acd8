#include "gateway/backend/probe.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/app/probe_settings.h"
#include "tests/support/cases.h"
#include "tests/support/fake_loop.h"
#include "tests/support/test_peer.h"
#include "tests/support/ws_client.h"

namespace upgate::app {
namespace {

using backend::Probe;
using backend::ProbeSettings;
using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// The server's reaction to each frame.
using OnFrame = std::function<void(test::TestPeer& self, const test::ParsedFrame& frame)>;

void PongAndClose(test::TestPeer& self, const test::ParsedFrame& frame) {
  if (frame.opcode == test::kPing) self.Send(test::ServerFrame(test::kPong, frame.payload));
  if (frame.opcode == test::kClose) self.Send(test::ServerFrame(test::kClose, frame.payload));
}

// A 101 for `request`, with extra fields, and the bytes right after it.
std::string SwitchTo(const std::string& request, std::string_view fields = {},
                     std::string_view early = {}) {
  constexpr std::string_view kName = "Sec-WebSocket-Key: ";
  const std::size_t key = request.find(kName) + kName.size();
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
         "Upgrade\r\nSec-WebSocket-Accept: " +
         ws::AcceptKey(request.substr(key, request.find("\r\n", key) - key)) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(early);
}

// The probe and a server at 127.0.0.1:7000, in one in-memory network.
class World final : private Probe::Owner {
 public:
  using Answer = std::function<std::string(const std::string& request)>;

  explicit World(std::string_view url = "ws://127.0.0.1:7000/x?y=z",
                 std::size_t read_chunk = io::kReadBufferSize) {
    settings = SettingsFor(ReadUrl(url).value());
    loop.network().options().read_chunk = read_chunk;
    server.OnConnection([this](test::TestPeer& peer) {
      peer.OnReceive(
          [this](test::TestPeer& self, std::string_view bytes) { OnReceive(self, bytes); });
    });
  }

  void Start() {
    Probe::Owner& owner = *this;
    probe_ = std::make_unique<Probe>(settings, nullptr, loop.io(), scratch_, owner);
    loop.RunUntilIdle();
  }
  std::string Run() {
    Start();
    return told();
  }
  // The result of the probe; "" while it runs.
  std::string told() const {
    if (!outcome) return "";
    return *outcome ? outcome->value() : outcome->error().message;
  }
  bool ok() const { return outcome && outcome->has_value(); }

  ProbeSettings settings;
  test::FakeLoop loop;
  test::TestServer server{loop.network(), test::Address("127.0.0.1:7000")};
  Answer answer = [](const std::string& head) { return SwitchTo(head); };
  OnFrame on_frame = PongAndClose;
  std::string request;
  std::vector<test::ParsedFrame> frames;  // received by the server
  std::optional<Result<std::string>> outcome;

 private:
  void OnProbed(const Result<std::string>& how) override {
    EXPECT_FALSE(outcome) << "told twice";
    outcome = how;
  }

  void OnReceive(test::TestPeer& self, std::string_view bytes) {
    if (request.ends_with("\r\n\r\n")) {
      unread_ += bytes;
      for (const auto& frame : test::TakeFrames(unread_)) {
        frames.push_back(frame);
        on_frame(self, frame);
      }
      return;
    }
    request += bytes;
    if (request.ends_with("\r\n\r\n")) self.Send(answer(request));
  }

  std::string unread_;
  tls::Scratch scratch_;
  std::unique_ptr<Probe> probe_;
};

class ProbeAtChunk : public TestOfCase<std::size_t> {};

TEST_EACH(ProbeAtChunk, ShakesHandsPingsAndCloses) {
  World world("ws://127.0.0.1:7000/x?y=z", GetParam());
  EXPECT_EQ(world.Run(), "ok: 101 in 0 ms, pong in 0 ms");
  EXPECT_THAT(world.request, StartsWith("GET /x?y=z HTTP/1.1\r\nHost: 127.0.0.1:7000\r\n"));
  EXPECT_THAT(world.request, HasSubstr("\r\nSec-WebSocket-Version: 13\r\n"));
  EXPECT_THAT(world.request, EndsWith("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
  ASSERT_EQ(world.frames.size(), 2u);
  EXPECT_EQ(world.frames[0].opcode, test::kPing);
  EXPECT_EQ(world.frames[0].payload.size(), 8u);
  EXPECT_TRUE(world.frames[0].masked);
  EXPECT_EQ(world.frames[1].close_code(), 1000);
  EXPECT_TRUE(world.frames[1].masked);
  EXPECT_TRUE(world.server[0].done());
}

TEST_EACH(ProbeAtChunk, FindsItsPongAmongWhatTheServerSays) {
  World world("ws://127.0.0.1:7000/", GetParam());
  world.answer = [](const std::string& request) {
    return SwitchTo(request, {},
                    test::ServerFrame(test::kText, "welcome") +
                        test::ServerFrame(test::kPing, "are you there"));
  };
  world.on_frame = [](test::TestPeer& self, const test::ParsedFrame& frame) {
    if (frame.opcode == test::kPing) {
      self.Send(test::ServerFrame(test::kBinary, "one ", false) +
                test::ServerFrame(test::kPong, "") + test::ServerFrame(test::kPong, "not this") +
                test::ServerFrame(test::kPong, frame.payload) +
                test::ServerFrame(test::kContinuation, "message"));
    }
    if (frame.opcode == test::kClose)
      self.Send(test::ServerFrame(test::kText, "late") + test::ServerFrame(test::kClose, ""));
  };
  EXPECT_EQ(world.Run(), "ok: 101 in 0 ms, pong in 0 ms");
  ASSERT_EQ(world.frames.size(), 3u);
  EXPECT_EQ(world.frames[1].opcode, test::kPong);
  EXPECT_EQ(world.frames[1].payload, "are you there");
}

TEST_EACH(ProbeAtChunk, TellsTheStatusAndFirstLineOfARefusal) {
  World world("ws://127.0.0.1:7000/", GetParam());
  world.answer = [](const std::string&) {
    return "HTTP/1.1 403 Forbidden\r\nContent-Length: 31\r\n\r\nthe origin is not known\nto me\r\n";
  };
  EXPECT_EQ(world.Run(),
            "ws://127.0.0.1:7000/: not 101 but 403 Forbidden: the origin is not known");
}

TEST_EACH(ProbeAtChunk, TellsALongOrStrangeBodyBounded) {
  World world("http://127.0.0.1:7000/", GetParam());
  world.answer = [](const std::string&) {
    return "HTTP/1.1 500 Oh\r\n\r\n\x1b[31m" + std::string(100'000, 'x');
  };
  const std::string told = world.Run();
  EXPECT_THAT(told, StartsWith("http://127.0.0.1:7000/: 500 Internal Server Error: \\x1b[31mxxx"));
  EXPECT_LT(told.size(), 300u);
}

INSTANTIATE_CASES(BytesPerRead, ProbeAtChunk, 1, 2, 3, 7, 4096);

// The response in two pieces, split at every place, with everything idle in between.
TEST(Probe, TakesAnAnswerCutAnywhere) {
  for (std::size_t cut = 0;; ++cut) {
    SCOPED_TRACE(cut);
    World world;
    std::string rest;
    bool whole = false;
    const auto cut_off = [&](const std::string& all) {
      whole = cut >= all.size();
      rest = whole ? "" : all.substr(cut);
      return all.substr(0, cut);
    };
    world.answer = [&](const std::string& request) {
      return cut_off(SwitchTo(request, {}, test::ServerFrame(test::kText, "hi")));
    };
    // A pong cannot interrupt that frame: it waits for its end.
    world.on_frame = [&](test::TestPeer& self, const test::ParsedFrame& frame) {
      if (frame.opcode == test::kPing) rest += test::ServerFrame(test::kPong, frame.payload);
      if (frame.opcode == test::kClose) PongAndClose(self, frame);
    };
    world.Start();
    if (whole) break;
    world.server[0].Send(std::exchange(rest, ""));
    world.loop.RunUntilIdle();
    world.server[0].Send(rest);
    world.loop.RunUntilIdle();
    EXPECT_EQ(world.told(), "ok: 101 in 0 ms, pong in 0 ms");
  }
}

TEST(Probe, TakesFramesCutAnywhere) {
  const std::string close = test::ServerFrame(test::kClose, test::CloseBody(1000, "bye"));
  for (std::size_t cut = 0; cut <= 10 + close.size(); ++cut) {
    SCOPED_TRACE(cut);
    World world;
    std::string answer;
    world.on_frame = [&](test::TestPeer& self, const test::ParsedFrame& frame) {
      if (frame.opcode != test::kPing) return;
      answer = test::ServerFrame(test::kPong, frame.payload) + close;
      self.Send(answer.substr(0, cut));
    };
    world.Start();
    ASSERT_EQ(answer.size(), 10 + close.size());
    world.server[0].Send(answer.substr(cut));
    world.loop.RunUntilIdle();
    EXPECT_EQ(world.told(), "ok: 101 in 0 ms, pong in 0 ms");
  }
}

TEST(Probe, SendsTheGivenHeaders) {
  World world("ws://127.0.0.1:7000");
  world.settings.subprotocol = "mqtt";
  world.settings.headers = {
      {"host", "app.example.com"}, {"Origin", "https://app.example.com"}, {"Cookie", "a=b"}};
  world.answer = [](const std::string& request) {
    return SwitchTo(request, "Sec-WebSocket-Protocol: mqtt\r\n");
  };
  EXPECT_EQ(world.Run(), "ok: 101 in 0 ms, subprotocol mqtt, pong in 0 ms");
  EXPECT_THAT(world.request, StartsWith("GET / HTTP/1.1\r\n"));
  EXPECT_THAT(world.request, HasSubstr("\r\nhost: app.example.com\r\n"));
  EXPECT_THAT(world.request, testing::Not(HasSubstr("127.0.0.1")));
  EXPECT_THAT(world.request, HasSubstr("\r\nSec-WebSocket-Protocol: mqtt\r\n"));
  EXPECT_THAT(world.request, HasSubstr("\r\nOrigin: https://app.example.com\r\nCookie: a=b\r\n"));
}

TEST(Probe, AServerMayChooseNoSubprotocol) {
  World world;
  world.settings.subprotocol = "mqtt";
  EXPECT_EQ(world.Run(), "ok: 101 in 0 ms, pong in 0 ms");
}

TEST(Probe, RefusesAWrongHandshake) {
  const auto failure_of = [](const World::Answer& answer) {
    World world("ws://127.0.0.1:7000/");
    world.answer = answer;
    const std::string told = world.Run();
    EXPECT_FALSE(world.ok());
    EXPECT_TRUE(world.frames.empty());
    return told;
  };
  constexpr std::string_view of_another_key =
      "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
      "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
  EXPECT_EQ(failure_of([&](const std::string&) { return std::string(of_another_key); }),
            "ws://127.0.0.1:7000/: wrong handshake: its 101 has no proper Sec-WebSocket-Accept");
  EXPECT_THAT(failure_of([](const std::string& request) {
                return SwitchTo(request, "Sec-WebSocket-Protocol: mqtt\r\n");
              }),
              HasSubstr("subprotocol"));
  EXPECT_THAT(failure_of([](const std::string& request) {
                return SwitchTo(request, "Sec-WebSocket-Extensions: zip\r\n");
              }),
              HasSubstr("extension"));
  EXPECT_THAT(failure_of([](const std::string&) { return "SSH-2.0-OpenSSH_9.2\r\n"; }),
              HasSubstr("bad response"));
}

TEST(Probe, FailsWhenTheServerClosesBeforeThePong) {
  World world("ws://127.0.0.1:7000/");
  world.on_frame = [](test::TestPeer& self, const test::ParsedFrame&) {
    self.Send(test::ServerFrame(test::kClose, test::CloseBody(1011, "out of order")));
  };
  EXPECT_EQ(world.Run(),
            "ws://127.0.0.1:7000/: 101 in 0 ms, but the server closed with 1011 before a pong: out "
            "of order");
}

TEST(Probe, FailsWhenTheConnectionEndsBeforeThePong) {
  World world;
  world.on_frame = [](test::TestPeer& self, const test::ParsedFrame&) { self.Shutdown(); };
  EXPECT_THAT(world.Run(), EndsWith("101 in 0 ms, but the connection ended before a pong"));
  World broken;
  broken.on_frame = [](test::TestPeer& self, const test::ParsedFrame&) { self.Reset(); };
  EXPECT_THAT(broken.Run(), HasSubstr("but no pong: "));
}

TEST(Probe, FailsOnFramesThatBreakTheRules) {
  World masked;
  masked.answer = [](const std::string& request) {
    return SwitchTo(request, {}, test::TextFrame("masked"));
  };
  EXPECT_THAT(masked.Run(), HasSubstr(", but then: "));
  World close;
  close.on_frame = [](test::TestPeer& self, const test::ParsedFrame&) {
    self.Send(test::ServerFrame(test::kClose, "x"));
  };
  EXPECT_THAT(close.Run(), HasSubstr(", but then: "));
  EXPECT_FALSE(close.ok());
}

TEST(Probe, DoesNotWaitLongForTheEndOfTheClosingHandshake) {
  World world;
  world.on_frame = [](test::TestPeer& self, const test::ParsedFrame& frame) {
    if (frame.opcode == test::kPing) self.Send(test::ServerFrame(test::kPong, frame.payload));
  };
  world.Start();
  world.loop.Advance(900ms);
  EXPECT_EQ(world.told(), "");
  world.loop.Advance(300ms);
  EXPECT_EQ(world.told(), "ok: 101 in 0 ms, pong in 0 ms, Close not answered yet");
}

TEST(Probe, AConnectionThatEndsInsteadOfACloseIsGoodEnough) {
  World world;
  world.on_frame = [](test::TestPeer& self, const test::ParsedFrame& frame) {
    if (frame.opcode == test::kPing) self.Send(test::ServerFrame(test::kPong, frame.payload));
    if (frame.opcode == test::kClose) self.Reset();
  };
  EXPECT_EQ(world.Run(), "ok: 101 in 0 ms, pong in 0 ms, connection ended without Close");
}

// ---- time

struct Silence {
  const char* name;
  std::function<void(World&)> make;
  std::string told;
};

class ProbeOfTheSilent : public TestOfCase<Silence> {};

TEST_EACH(ProbeOfTheSilent, EndsWhenItsTimeIsUp) {
  World world("ws://server.test:7000/");
  world.loop.network().SetHost("server.test", "127.0.0.1");
  GetParam().make(world);
  world.Start();
  world.loop.Advance(4900ms);
  EXPECT_EQ(world.told(), "");
  world.loop.Advance(300ms);
  EXPECT_EQ(world.told(), "ws://server.test:7000/: " + GetParam().told);
  EXPECT_EQ(world.outcome->error().code, Errc::kTimeout);
}

INSTANTIATE_CASES(
    Cases, ProbeOfTheSilent,
    Silence{"Name", [](World& world) { world.loop.network().HangHost("server.test"); },
            "no connection within 5s"},
    Silence{
        "Connection",
        [](World& world) { world.loop.network().HangConnects(test::Address("127.0.0.1:7000")); },
        "no connection within 5s"},
    Silence{"Answer",
            [](World& world) { world.answer = [](const std::string&) { return "HTTP/1.1 101 "; }; },
            "connected, but no answer within 5s"},
    Silence{"Pong",
            [](World& world) { world.on_frame = [](test::TestPeer&, const test::ParsedFrame&) {}; },
            "101 in 0 ms, but no pong within 5s"},
    Silence{"PongAmongMessages",
            [](World& world) {
              world.on_frame = [](test::TestPeer& self, const test::ParsedFrame&) {
                self.Send(test::ServerFrame(test::kText, "busy") +
                          test::ServerFrame(test::kPong, "another"));
              };
            },
            "101 in 0 ms, but no pong within 5s"});

TEST(Probe, ARefusalWhoseBodyDoesNotComeIsStillTold) {
  World world("http://127.0.0.1:7000/");
  world.answer = [](const std::string&) {
    return "HTTP/1.1 503 No\r\nContent-Length: 100\r\n\r\nstarting";
  };
  world.Start();
  EXPECT_EQ(world.told(), "");
  world.loop.Advance(6s);
  EXPECT_EQ(world.told(), "http://127.0.0.1:7000/: 503 Service Unavailable: starting");
}

// ---- connections and HTTP

TEST(Probe, ReportsWhyThereIsNoConnection) {
  EXPECT_THAT(World("ws://127.0.0.1:7001/").Run(), StartsWith("ws://127.0.0.1:7001/: "));
  EXPECT_THAT(World("http://nobody.test/").Run(), StartsWith("http://nobody.test/: "));
}

TEST(Probe, KeepsTheQueryOutOfItsLine) {
  EXPECT_THAT(World("ws://127.0.0.1:7001/a?token=secret").Run(), testing::Not(HasSubstr("secret")));
}

TEST(Probe, OfHttpTakesAnySuccessAndRedirect) {
  for (const std::string status : {"200 OK", "204 No Content", "302 Found", "399 Odd"}) {
    World world("http://127.0.0.1:7000/health");
    world.answer = [&](const std::string&) {
      return "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n";
    };
    EXPECT_EQ(world.Run(), "ok: " + status.substr(0, 3) + " in 0 ms");
    EXPECT_THAT(world.request, StartsWith("GET /health HTTP/1.1\r\nHost: 127.0.0.1:7000\r\n"));
    EXPECT_THAT(world.request, testing::Not(HasSubstr("Upgrade")));
  }
}

TEST(Probe, OfHttpSkipsInterimAnswersAndDoesNotWaitForTheBody) {
  World world("http://127.0.0.1:7000/");
  world.answer = [](const std::string&) {
    return "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
           "chunked\r\n\r\n3\r\nabc";
  };
  EXPECT_EQ(world.Run(), "ok: 200 in 0 ms");
}

TEST(Probe, OfHttpTellsErrors) {
  for (const std::string status : {"404 Not Found", "500 Internal Server Error"}) {
    World world("http://127.0.0.1:7000/");
    world.answer = [&](const std::string&) {
      return "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n";
    };
    EXPECT_EQ(world.Run(), "http://127.0.0.1:7000/: " + status);
  }
}

TEST(Probe, OfWebSocketTakesNoOrdinarySuccess) {
  World world("ws://127.0.0.1:7000/");
  world.answer = [](const std::string&) {
    return "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>";
  };
  EXPECT_EQ(world.Run(), "ws://127.0.0.1:7000/: not 101 but 200 OK: <html>");
}

// Whatever fails, the probe reports once, and nothing is left.
TEST(Probe, EndsWhateverFails) {
  std::uint64_t all = 0;
  {
    World world;
    world.Start();
    ASSERT_TRUE(world.ok());
    all = world.loop.network().operations();
  }
  for (std::uint64_t n = 1; n <= all; ++n) {
    SCOPED_TRACE(n);
    World world;
    world.loop.network().FailOperation(n);
    world.Start();
    world.loop.Advance(6s);
    EXPECT_TRUE(world.outcome);
  }
}

TEST(Probe, MayBeDestroyedAtAnyTurn) {
  for (int turns = 0;; ++turns) {
    SCOPED_TRACE(turns);
    test::FakeLoop loop;
    test::TestServer server(loop.network(), test::Address("127.0.0.1:7000"));
    server.OnConnection([](test::TestPeer& peer) {
      peer.OnReceive(
          [request = std::string()](test::TestPeer& self, std::string_view bytes) mutable {
            request += bytes;
            if (request.ends_with("\r\n\r\n")) self.Send(SwitchTo(request));
          });
    });
    struct Quiet final : Probe::Owner {
      void OnProbed(const Result<std::string>&) override {}
    } owner;
    const ProbeSettings settings = SettingsFor(ReadUrl("ws://127.0.0.1:7000/").value());
    tls::Scratch scratch;
    bool idle = false;
    {
      const Probe probe(settings, nullptr, loop.io(), scratch, owner);
      for (int i = 0; i < turns && !idle; ++i) idle = !loop.RunTurn();
    }
    loop.RunUntilIdle();
    if (idle) break;
  }
}

}  // namespace
}  // namespace upgate::app
