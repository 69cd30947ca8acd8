// Requests that a client connection writes, and those that it refuses.

#include <string>

#include <gtest/gtest.h>

#include "tests/unit/http/client_wire.h"

namespace upgate::http {
namespace {

using namespace std::string_literals;

TEST(ClientRequestTest, HeadAsItIs) {
  ClientWire wire;
  OutgoingRequest request;
  request.method = "DELETE";
  request.target = "/a/%2f?b=c&d";
  request.headers = {{"host", "a:8080"}, {"X", "1"}, {"x", "2"}, {"Empty", ""}};
  wire.Send(request);
  EXPECT_EQ(wire.TakeReceived(),
            "DELETE /a/%2f?b=c&d HTTP/1.1\r\nhost: a:8080\r\nX: 1\r\nx: 2\r\nEmpty: \r\n\r\n");
}

TEST(ClientRequestTest, FramingIsNotTheCallersToSay) {
  ClientWire wire;
  OutgoingRequest request = Get();
  for (const char* name : {"Content-Length", "transfer-encoding", "CONNECTION", "Upgrade"}) {
    request.headers.Add(name, "5");
  }
  wire.Send(request);
  EXPECT_EQ(wire.TakeReceived(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST(ClientRequestTest, MethodsThatMeanABodySayThatThereIsNone) {
  for (const char* method : {"POST", "PUT", "PATCH"}) {
    ClientWire wire;
    OutgoingRequest request = Get();
    request.method = method;
    wire.Send(request);
    EXPECT_EQ(wire.TakeReceived(), method + " / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"s);
  }
}

TEST(ClientRequestTest, Length) {
  ClientWire wire;
  wire.Send(Post(10));
  wire.SendBody("hello");
  wire.SendBody("");
  wire.SendBody(", all the world");  // more than announced
  wire.EndBody({{"X", "1"}});
  EXPECT_EQ(wire.TakeReceived(),
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello, all");
  wire.Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(wire.reusable());
}

TEST(ClientRequestTest, LengthZeroIsWholeAtOnce) {
  ClientWire wire;
  wire.Send(Post(0));
  EXPECT_EQ(wire.TakeReceived(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  wire.SendBody("x");
  wire.EndBody();
  wire.Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(wire.TakeReceived(), "");
  EXPECT_TRUE(wire.reusable());
}

TEST(ClientRequestTest, LessThanPromisedFails) {
  ClientWire wire;
  wire.Send(Post(10));
  wire.SendBody("hello");
  wire.EndBody();
  EXPECT_FALSE(wire.told().failed);
  wire.Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(wire.told().failed);
  EXPECT_EQ(wire.told().failed->code, Errc::kOther);
  EXPECT_TRUE(wire.told().untouched);
  EXPECT_TRUE(wire.wire().reset);
  EXPECT_FALSE(wire.reusable());
}

TEST(ClientRequestTest, Chunked) {
  ClientWire wire;
  wire.Send(Post(std::nullopt));
  wire.SendBody("hello");
  wire.SendBody("");
  wire.SendBody(std::string(26, 'x'));
  wire.EndBody({{"X", "1"}, {"Content-Length", "2"}, {"Bad", "a\r\nb"}, {"Host", "b"}});
  wire.EndBody();
  EXPECT_EQ(wire.TakeReceived(),
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1a\r\n" +
                std::string(26, 'x') + "\r\n0\r\nX: 1\r\n\r\n");
}

TEST(ClientRequestTest, Upgrade) {
  ClientWire wire;
  wire.Send(UpgradeTo("websocket"));
  EXPECT_EQ(wire.TakeReceived(),
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST(ClientRequestTest, BodiesWithoutFramingAreNotSent) {
  std::vector<OutgoingRequest> bad;
  const auto add = [&](auto change) {
    bad.push_back(Get());
    change(bad.back());
  };
  for (const std::string& text : {"\r"s, "\n"s, "\0"s, "\r\nX: y"s, "\x7f"s}) {
    add([&](OutgoingRequest& r) { r.method += text; });
    add([&](OutgoingRequest& r) { r.target += text; });
    add([&](OutgoingRequest& r) { r.headers.Add("X", "a" + text); });
    add([&](OutgoingRequest& r) { r.headers.Add("X" + text, "a"); });
    add([&](OutgoingRequest& r) { r.upgrade = "websocket" + text; });
  }
  for (const std::string& target : {""s, "a"s, "/a b"s, "http://a/"s, "/\xc3\xa9"s, "**"s}) {
    add([&](OutgoingRequest& r) { r.target = target; });
  }
  for (const std::string& method : {""s, "G ET"s, "CONNECT"s}) {
    add([&](OutgoingRequest& r) { r.method = method; });
  }
  add([&](OutgoingRequest& r) { r.headers.Add("", "a"); });
  for (const OutgoingRequest& request : bad) {
    SCOPED_TRACE(request.method + " " + request.target);
    ClientWire wire;
    wire.Send(request);
    wire.SendBody("x");
    wire.EndBody();
    EXPECT_FALSE(wire.told().failed) << "not from inside the call";
    wire.Run();
    ASSERT_TRUE(wire.told().failed);
    EXPECT_EQ(wire.told().failed->code, Errc::kOther);
    EXPECT_TRUE(wire.told().untouched);
    EXPECT_EQ(wire.TakeReceived(), "");
  }
}

TEST(ClientRequestTest, Congestion) {
  ClientWire wire;
  wire.wire().room = 0;
  wire.Send(Post(std::nullopt));
  EXPECT_FALSE(wire.congested());
  wire.SendBody(std::string(io::kHighMark + 1, 'x'));
  EXPECT_TRUE(wire.congested());
  wire.Take(io::kHighMark - io::kLowMark - 1);
  EXPECT_EQ(wire.told().drained, 0);
  EXPECT_FALSE(wire.congested());
  wire.on_drained = [&] { wire.SendBody("more"); };
  wire.Take(1000);
  EXPECT_EQ(wire.told().drained, 1);
  wire.EndBody();
  wire.Take(std::string::npos);
  EXPECT_TRUE(wire.TakeReceived().ends_with("4\r\nmore\r\n0\r\n\r\n"));
}

TEST(ClientRequestTest, NoOnDrainedAfterTheEnd) {
  ClientWire wire;
  wire.wire().room = 0;
  wire.Send(Post(std::nullopt));
  wire.SendBody(std::string(io::kHighMark + 1, 'x'));
  wire.EndBody();
  wire.Take(std::string::npos);
  EXPECT_EQ(wire.told().drained, 0);
}

}  // namespace
}  // namespace upgate::http
