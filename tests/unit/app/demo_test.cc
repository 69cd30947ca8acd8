// The servers behind the demo's gateway, and its configuration.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/app/demo/config.h"
#include "gateway/app/demo/http_server.h"
#include "gateway/app/demo/page.h"
#include "gateway/config/parse.h"
#include "tests/support/fake_loop.h"
#include "tests/support/test_peer.h"

namespace upgate::app {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class DemoHttpServerTest : public testing::Test {
 protected:
  std::string Ask(const std::string& head) {
    test::TestPeer client(loop_.network(), *address_);
    client.Send(head + "Host: a\r\nConnection: close\r\n\r\n");
    loop_.RunUntilIdle();
    return client.TakeReceived();
  }

  test::FakeLoop loop_;
  DemoHttpServer server_{loop_.io()};
  Result<SocketAddress> address_ = server_.Listen();
};

TEST_F(DemoHttpServerTest, TellsTheTime) {
  const std::string answer = Ask("GET /api/time HTTP/1.1\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("\"unix\":" + std::to_string(loop_.timers().UnixSeconds())));
}

TEST_F(DemoHttpServerTest, ShowsTheRequestHeadThatItGot) {
  const std::string answer =
      Ask("POST /api/headers?a=%20b HTTP/1.1\r\nX-One: 1\r\nx-bytes: \xff\r\nX-One: "
          "\"2\"\r\nContent-Length: 0\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(
      answer,
      HasSubstr(
          R"({"method":"POST","target":"/api/headers?a=%20b","headers":["X-One: 1","x-bytes: )"
          "\xEF\xBF\xBD"
          R"(","X-One: \"2\"","Content-Length: 0","Host: a","Connection: close"]})"));
}

TEST_F(DemoHttpServerTest, SendsAnEventASecondUntilTheClientGoes) {
  test::TestPeer client(loop_.network(), *address_);
  client.Send("GET /api/events HTTP/1.1\r\nHost: a\r\n\r\n");
  loop_.RunUntilIdle();
  const std::string first = client.TakeReceived();
  EXPECT_THAT(first, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(first, HasSubstr("event: tick\nid: 1\ndata: {"));
  EXPECT_THAT(first, Not(HasSubstr("id: 2")));
  loop_.Advance(std::chrono::milliseconds(2'500));
  const std::string later = client.TakeReceived();
  EXPECT_THAT(later, HasSubstr("id: 2\n"));
  EXPECT_THAT(later, HasSubstr("id: 3\n"));
  EXPECT_THAT(later, Not(HasSubstr("id: 4\n")));
  client.Close();
  loop_.RunUntilIdle();  // a timer that is still armed fails the loop's check
}

TEST_F(DemoHttpServerTest, DropsAClientThatDoesNotRead) {
  loop_.network().options().send_buffer = 1024;
  test::TestPeer client(loop_.network(), *address_);
  client.Send("GET /api/events HTTP/1.1\r\nHost: a\r\n\r\n");
  loop_.RunUntilIdle();
  client.Stall();
  loop_.Advance(std::chrono::hours(2));
  client.Resume();
  loop_.RunUntilIdle();
  EXPECT_TRUE(client.done());
}

TEST_F(DemoHttpServerTest, RefusesTheRest) {
  EXPECT_THAT(Ask("GET /api/nothing HTTP/1.1\r\n"), StartsWith("HTTP/1.1 404 "));
  const std::string refused = Ask("DELETE /api/time HTTP/1.1\r\n");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(refused, HasSubstr("Allow: GET, HEAD\r\n"));
}

TEST(DemoConfig, IsGoodWhereverTheDemoListens) {
  const auto at = [](std::uint16_t port) { return IpPort{*Ip::Parse("127.0.0.1"), port}; };
  const DemoAddresses servers{at(1), at(2), at(3)};
  for (const char* host : {"127.0.0.1", "0.0.0.0", "::", "::1", "localhost"}) {
    for (const auto& [port, tls_port] :
         {std::pair(8080, 8443), std::pair(0, 0), std::pair(80, 443)}) {
      const DemoSettings settings{host, static_cast<std::uint16_t>(port),
                                  static_cast<std::uint16_t>(tls_port)};
      const auto config = config::Parse(DemoConfig(settings, servers), "/demo/demo.yaml",
                                        [](const char*) -> const char* { return nullptr; });
      ASSERT_TRUE(config) << config::ToString("demo.yaml", config.error().front());
      EXPECT_EQ((*config)->listeners.size(), 2u);
      EXPECT_EQ((*config)->backends.size(), 3u);
      EXPECT_THAT(DemoGreeting(settings, 1234, 2345), HasSubstr(":1234/"));
      EXPECT_THAT(DemoGreeting(settings, 1234, 2345), EndsWith("Ctrl-C ends it.\n"));
    }
  }
}

TEST(DemoConfig, NamesTheProgramAsAShellReadsIt) {
  DemoSettings settings;
  EXPECT_THAT(DemoGreeting(settings, 1234, 2345),
              HasSubstr("\n  upgate probe ws://localhost:1234/echo "));
  settings.program = "/opt/an upgate's/upgate";
  EXPECT_THAT(DemoGreeting(settings, 1234, 2345),
              HasSubstr("\n  '/opt/an upgate'\\''s/upgate' probe ws://"));
}

TEST(DemoPage, IsOneWholeFileThatLoadsNothingElse) {
  const std::string page(DemoPage());
  EXPECT_THAT(page, StartsWith("<!doctype html>"));
  EXPECT_THAT(page, EndsWith("</html>\n"));
  EXPECT_LT(page.size(), 60u * 1024);
  for (const char* outside :
       {"src=\"", "@import", "url(", "<link rel=\"stylesheet", "innerHTML", "eval("}) {
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  }
}

}  // namespace
}  // namespace upgate::app
