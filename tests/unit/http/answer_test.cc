// Responses as written to the wire.

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "tests/unit/http/wire.h"

namespace upgate::http {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kHead = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kGet10 = "GET / HTTP/1.0\r\n\r\n";
constexpr std::string_view kDateAndServer =
    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: upgate\r\n";

std::string Transcript(std::string_view request, HttpWire::Hook on_request,
                       ServerOptions options = {}) {
  HttpWire wire(4096, std::move(options));
  wire.on_request = std::move(on_request);
  wire.Send(request);
  return wire.received();
}

HttpWire::Hook Answering(const Response& response) {
  return [response](Seen&, Exchange& exchange) { exchange.Respond(response); };
}

std::string With(std::string_view start, std::string_view rest) {
  return std::string(start).append("\r\n").append(kDateAndServer).append(rest);
}

TEST(AnswerTest, Whole) {
  EXPECT_EQ(Transcript(kGet, Answering({200, "", {{"X-A", "b"}}, "hi"})),
            With("HTTP/1.1 200 OK", "X-A: b\r\nContent-Length: 2\r\n\r\nhi"));
  EXPECT_EQ(Transcript(kGet, Answering({404, "Nope", {}, ""})),
            With("HTTP/1.1 404 Nope", "Content-Length: 0\r\n\r\n"));
}

TEST(AnswerTest, WhatTheHandlerSaysStays) {
  ServerOptions nameless;
  nameless.server_name = "";
  EXPECT_EQ(Transcript(kGet, Answering({200, "", {{"date", "now"}, {"server", "other"}}, ""})),
            "HTTP/1.1 200 OK\r\ndate: now\r\nserver: other\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(Transcript(kGet, Answering({200, "", {{"Date", "x"}}, ""}), nameless),
            "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(
      Transcript(kGet,
                 Answering({426, "", {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}}, ""})),
      With("HTTP/1.1 426 Upgrade Required",
           "Upgrade: websocket\r\nContent-Length: 0\r\nConnection: Upgrade\r\n\r\n"));
}

TEST(AnswerTest, FramingIsNotTheHandlersToSay) {
  EXPECT_EQ(
      Transcript(
          kGet,
          Answering({200, "", {{"Content-Length", "99"}, {"Transfer-Encoding", "chunked"}}, "x"})),
      With("HTTP/1.1 200 OK", "Content-Length: 1\r\n\r\nx"));
}

TEST(AnswerTest, ConnectionCloseOfTheHandlerCloses) {
  HttpWire wire;
  wire.on_request = Answering({200, "", {{"Connection", "keep-alive, foo, Close"}}, "x"});
  wire.Send(std::string(kGet) + std::string(kGet));
  EXPECT_EQ(wire.received(),
            With("HTTP/1.1 200 OK", "Content-Length: 1\r\nConnection: foo, close\r\n\r\nx"));
  EXPECT_EQ(wire.requests(), 1u);
  EXPECT_TRUE(wire.wire().server_fin);
}

TEST(AnswerTest, NoBodyWhereThereMustBeNone) {
  EXPECT_EQ(Transcript(kHead, Answering({200, "", {}, "body"})),
            With("HTTP/1.1 200 OK", "Content-Length: 4\r\n\r\n"));
  EXPECT_EQ(Transcript(kHead, Answering({200, "", {{"Content-Length", "77"}}, ""})),
            With("HTTP/1.1 200 OK", "Content-Length: 77\r\n\r\n"));
  EXPECT_EQ(Transcript(kGet, Answering({204, "", {}, "body"})),
            With("HTTP/1.1 204 No Content", "\r\n"));
  EXPECT_EQ(Transcript(kGet, Answering({304, "", {}, ""})),
            With("HTTP/1.1 304 Not Modified", "\r\n"));
  EXPECT_EQ(Transcript(kGet, Answering({304, "", {{"Content-Length", "9"}}, ""})),
            With("HTTP/1.1 304 Not Modified", "Content-Length: 9\r\n\r\n"));
}

void Stream(Exchange& exchange, BodyLength length) {
  exchange.SendHead({}, length);
  exchange.SendBody(AsBytes("hello"));
  exchange.SendBody(AsBytes(""));
  exchange.SendBody(AsBytes(" world, this is it"));
  exchange.EndBody({{"X-Sum", "1"}, {"Content-Length", "3"}, {"X-Bad", "a\r\nb"}});
}

TEST(AnswerTest, StreamedChunked) {
  EXPECT_EQ(Transcript(kGet, [](Seen&, Exchange& exchange) { Stream(exchange, {}); }),
            With("HTTP/1.1 200 OK",
                 "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n12\r\n world, this is "
                 "it\r\n0\r\nX-Sum: 1\r\n\r\n"));
}

TEST(AnswerTest, StreamedWithLength) {
  EXPECT_EQ(Transcript(kGet, [](Seen&, Exchange& exchange) { Stream(exchange, {23}); }),
            With("HTTP/1.1 200 OK", "Content-Length: 23\r\n\r\nhello world, this is it"));
}

// The number of writes and their content, if everything sent may be gathered.
std::pair<int, std::string> Gathered(std::string_view request, HttpWire::Hook send) {
  HttpWire wire(4096);
  wire.on_request = [&](Seen& seen, Exchange& exchange) {
    exchange.Gather();
    send(seen, exchange);
  };
  wire.Send(request);
  return {wire.wire().writes, wire.received()};
}

TEST(AnswerTest, GatheredOutputIsOneWrite) {
  for (const BodyLength length : {BodyLength{}, BodyLength{23}}) {
    const auto stream = [&](Seen&, Exchange& exchange) { Stream(exchange, length); };
    const auto [writes, received] = Gathered(kGet, stream);
    EXPECT_EQ(received, Transcript(kGet, stream));
    // With a length, the connection knows which piece of the body is the last.
    EXPECT_EQ(writes, length.bytes ? 2 : 1);
  }
}

TEST(AnswerTest, AnAnswerWithoutABodyIsGatheredToo) {
  const auto [writes, received] = Gathered(kHead, [](Seen&, Exchange& exchange) {
    exchange.SendHead({}, {5});
    exchange.EndBody();
  });
  EXPECT_EQ(received, With("HTTP/1.1 200 OK", "Content-Length: 5\r\n\r\n"));
  EXPECT_EQ(writes, 1);
}

TEST(AnswerTest, FlushSendsGatheredOutputAndEndsGathering) {
  HttpWire wire(4096);
  wire.on_request = [&](Seen&, Exchange& exchange) {
    exchange.Gather();
    exchange.SendHead({}, {});
    exchange.SendBody(AsBytes("a"));
    EXPECT_EQ(wire.wire().writes, 0);
    exchange.Flush();
    EXPECT_EQ(wire.wire().writes, 1);
    exchange.Flush();
    exchange.SendBody(AsBytes("b"));
    EXPECT_EQ(wire.wire().writes, 2);
    exchange.EndBody();
  };
  wire.Send(kGet);
  EXPECT_TRUE(wire.received().ends_with("\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"));
}

TEST(AnswerTest, MuchIsNotGathered) {
  const std::string much(20'000, 'x');
  const auto [writes, received] = Gathered(kGet, [&](Seen&, Exchange& exchange) {
    exchange.SendHead({}, {});
    exchange.SendBody(AsBytes(much));
    exchange.EndBody();
  });
  EXPECT_EQ(writes, 2);
  EXPECT_TRUE(received.ends_with("\r\n\r\n4e20\r\n" + much + "\r\n0\r\n\r\n"));
}

TEST(AnswerTest, AnAbortSendsGatheredOutput) {
  HttpWire wire(4096);
  wire.on_request = [&](Seen&, Exchange& exchange) {
    exchange.Gather();
    exchange.SendHead({}, {5});
    exchange.Abort();
  };
  wire.Send(kGet);
  EXPECT_EQ(wire.received(), With("HTTP/1.1 200 OK", "Content-Length: 5\r\n\r\n"));
  EXPECT_TRUE(wire.wire().reset);
}

TEST(AnswerTest, MoreThanPromisedIsCutOff) {
  EXPECT_EQ(Transcript(kGet, [](Seen&, Exchange& exchange) { Stream(exchange, {7}); }),
            With("HTTP/1.1 200 OK", "Content-Length: 7\r\n\r\nhello w"));
}

TEST(AnswerTest, LessThanPromisedIsAnAbort) {
  HttpWire wire;
  wire.on_request = [](Seen&, Exchange& exchange) { Stream(exchange, {24}); };
  wire.Send(kGet);
  EXPECT_TRUE(wire.wire().reset);
  EXPECT_TRUE(wire.done());
}

TEST(AnswerTest, StreamedToTheEndForHttp10) {
  HttpWire wire;
  wire.on_request = [](Seen&, Exchange& exchange) { Stream(exchange, {}); };
  wire.Send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(wire.received(),
            With("HTTP/1.1 200 OK", "Connection: close\r\n\r\nhello world, this is it"));
  EXPECT_TRUE(wire.wire().server_fin);
}

TEST(AnswerTest, StreamedToHead) {
  EXPECT_EQ(Transcript(kHead, [](Seen&, Exchange& exchange) { Stream(exchange, {23}); }),
            With("HTTP/1.1 200 OK", "Content-Length: 23\r\n\r\n"));
  EXPECT_EQ(Transcript(kHead, [](Seen&, Exchange& exchange) { Stream(exchange, {}); }),
            With("HTTP/1.1 200 OK", "\r\n"));
}

TEST(AnswerTest, InterimHeads) {
  const auto hints = [](Seen&, Exchange& exchange) {
    exchange.SendHead({103, "", {{"Link", "</a>"}, {"Content-Length", "1"}}, ""}, {});
    exchange.SendHead({102, "", {}, ""}, {});
    exchange.Respond({200, "", {}, ""});
  };
  EXPECT_EQ(Transcript(kGet, hints),
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" +
                With("HTTP/1.1 200 OK", "Content-Length: 0\r\n\r\n"));
  EXPECT_TRUE(Transcript(kGet10, hints).starts_with("HTTP/1.1 200 OK"));
}

TEST(AnswerTest, HeadersThatCannotBeSentBecomeA500) {
  for (const Header& bad :
       {Header{"X", "a\r\nSet-Cookie: b"}, Header{"X", "a\nb"}, Header{"X", std::string("\0", 1)},
        Header{"X Y", "a"}, Header{"", "a"}, Header{"X:", "a"}}) {
    EXPECT_TRUE(
        Transcript(kGet, Answering({200, "", {bad}, "secret"})).starts_with("HTTP/1.1 500 "));
    const std::string streamed = Transcript(kGet, [&](Seen&, Exchange& exchange) {
      exchange.SendHead({200, "", {bad}, ""}, {});
      exchange.SendBody(AsBytes("secret"));
      exchange.EndBody();
    });
    EXPECT_TRUE(streamed.starts_with("HTTP/1.1 500 "));
    EXPECT_EQ(streamed.find("secret"), std::string::npos);
    EXPECT_TRUE(Transcript(kGet, [&](Seen&, Exchange& exchange) {
                  exchange.SetAnswerHeaders({bad});
                  exchange.Respond({});
                }).starts_with("HTTP/1.1 500 "));
  }
  EXPECT_TRUE(Transcript(kGet, Answering({101, "", {}, ""})).starts_with("HTTP/1.1 500 "));
  EXPECT_TRUE(Transcript(kGet, Answering({1000, "", {}, ""})).starts_with("HTTP/1.1 500 "));
  EXPECT_TRUE(Transcript(kGet, Answering({99, "", {}, ""})).starts_with("HTTP/1.1 500 "));
  EXPECT_EQ(Transcript(kGet, Answering({999, "", {}, ""})),
            With("HTTP/1.1 999 Unknown", "Content-Length: 0\r\n\r\n"));
  EXPECT_EQ(Transcript(kGet, Answering({200, "a\r\nb", {}, ""})),
            With("HTTP/1.1 200 OK", "Content-Length: 0\r\n\r\n"));
}

TEST(AnswerTest, AnswerHeadersReplaceAndVaryIsAddedTo) {
  const auto answer = [](auto give) {
    return Transcript(kGet, [=](Seen&, Exchange& exchange) {
      exchange.SetAnswerHeaders({{"X-A", "1"}, {"X-A", "2"}, {"Vary", "Origin"}});
      give(exchange, Response{200, "", {{"x-a", "old"}, {"vary", "Accept"}, {"X-B", "b"}}, ""});
    });
  };
  const std::string fields = "vary: Accept\r\nX-B: b\r\nX-A: 1\r\nX-A: 2\r\nVary: Origin\r\n";
  EXPECT_EQ(
      answer([](Exchange& exchange, const Response& response) { exchange.Respond(response); }),
      With("HTTP/1.1 200 OK", fields + "Content-Length: 0\r\n\r\n"));
  EXPECT_EQ(answer([](Exchange& exchange, const Response& response) {
              exchange.SendHead(response, {0});
              exchange.EndBody();
            }),
            With("HTTP/1.1 200 OK", fields + "Content-Length: 0\r\n\r\n"));
}

TEST(AnswerTest, NobodyAnswers) {
  HttpWire wire;
  wire.return_handler = false;
  wire.Send(kGet);
  EXPECT_EQ(wire.answers(), std::vector{500});
}

TEST(AnswerTest, CongestionIsReportedAndCleared) {
  HttpWire wire;
  wire.wire().room = 0;
  bool congested = false;
  wire.on_request = [&](Seen&, Exchange& exchange) {
    exchange.SendHead({}, {});
    EXPECT_FALSE(exchange.congested());
    exchange.SendBody(AsBytes(std::string(io::kHighMark + 1, 'x')));
    congested = exchange.congested();
  };
  wire.on_writable = [](Seen&, Exchange& exchange) { exchange.EndBody(); };
  wire.Send(kGet);
  EXPECT_TRUE(congested);
  EXPECT_EQ(wire.seen(0).writable, 0);
  wire.Take(std::string::npos);
  EXPECT_EQ(wire.seen(0).writable, 1);
  std::string text = wire.received();
  EXPECT_EQ(TakeAnswer(text).body.size(), io::kHighMark + 1);
}

TEST(AnswerTest, CallsOutOfOrderDoNoHarm) {
  HttpWire wire;
  wire.on_request = [](Seen&, Exchange& exchange) {
    exchange.SendBody(AsBytes("early"));
    exchange.EndBody();
    exchange.SendHead({200, "", {}, ""}, {2});
    exchange.SendHead({404, "", {}, ""}, {});
    exchange.SendBody(AsBytes("ok"));
    exchange.EndBody();
    exchange.EndBody();
    exchange.SendBody(AsBytes("late"));
    exchange.SetBodyReading(false);
    exchange.Abort();
    EXPECT_EQ(exchange.Upgrade({}).stream, nullptr);
    EXPECT_EQ(exchange.tls(), nullptr);
    EXPECT_FALSE(exchange.congested());
  };
  wire.Send(kGet);
  EXPECT_EQ(wire.received(), With("HTTP/1.1 200 OK", "Content-Length: 2\r\n\r\nok"));
  EXPECT_FALSE(wire.done());
}

TEST(AnswerTest, RespondInTheMiddleOfAnotherAnswerIsAnAbort) {
  HttpWire wire;
  wire.on_request = [](Seen&, Exchange& exchange) {
    exchange.SendHead({}, {});
    exchange.Respond(TextResponse(500, "oh"));
  };
  wire.Send(kGet);
  EXPECT_TRUE(wire.wire().reset);
}

}  // namespace
}  // namespace upgate::http
