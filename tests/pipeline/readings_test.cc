// Paths that servers interpret in different ways: which are routed, and which are refused because
// they would bypass the policy of a route.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"
#include "tests/support/temp_folder.h"

namespace upgate::test::readings_test {
namespace {

std::string Config(const std::string& folder) {
  return R"(
backends:
  site: { servers: [ "http://127.0.0.1:7000" ] }
  live: { servers: [ "ws://127.0.0.1:7000" ] }
routes:
  - { path: /private/*, backend: site, require_origin: true }
  - { path: /live/private/*, backend: live, require_origin: true }
  - { path: /live/*, backend: live }
  - { path: /files/private/*, plugin: stats, require_origin: true }
  - { path: /files/*, plugin: files, options: { root: ")" +
         folder + R"(" } }
  - { path: /cors/private, backend: site, cors: { allow_origins: [ "https://a.test" ] } }
  - { path: /*, backend: site, cors: { allow_origins: [ "*" ] } }
)";
}

class Readings : public testing::Test {
 protected:
  Readings() {
    folder_.Write("x", "file");
    server_.OnConnection([this](TestPeer& peer) {
      peer.OnReceive([this](TestPeer& self, std::string_view bytes) {
        requests += bytes;
        if (bytes.ends_with("\r\n\r\n")) self.Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      });
    });
  }

  int Status(const std::string& path, const std::string& fields = "",
             const std::string& method = "GET") {
    auto client = gw_.Connect();
    client.Send(method + " " + path + " HTTP/1.1\r\nHost: gateway.test\r\n" + fields + "\r\n");
    return client.Head().status;
  }

  std::string requests;

 private:
  TempFolder folder_;

 protected:
  TestGateway gw_{Config(folder_.path().string())};

 private:
  TestServer server_{gw_.network(), Address("127.0.0.1:7000")};
};

TEST_F(Readings, OrdinaryRequests) {
  for (const std::string path : {"//private/x", "/private%2Fx", "/private%5Cx", "/private;a/x",
                                 "/a/..;/private/x", "/a/..%2Fprivate/x"}) {
    for (const std::string method : {"GET", "HEAD", "DELETE"})
      EXPECT_EQ(Status(path, "", method), 400) << method << " " << path;
  }
  EXPECT_EQ(requests, "");
  EXPECT_EQ(Status("/private/x"), 403);
  EXPECT_EQ(gw_.loop_stats().unrouted.Get(), 18u);
}

TEST_F(Readings, ForwardedPathsAreUnchanged) {
  EXPECT_EQ(Status("/api/queues/%2F/a;b=c//%5C?x=//;"), 200);
  EXPECT_TRUE(requests.starts_with("GET /api/queues/%2F/a;b=c//%5C?x=//; HTTP/1.1\r\n"))
      << requests;
}

TEST_F(Readings, Handshakes) {
  for (const std::string path : {"/live//private/x", "/live%2Fprivate/x", "/live/private%2Fx",
                                 "/live;/private/x", "/live/a/..%2Fprivate"}) {
    EXPECT_EQ(gw_.Connect().Upgrade(path).status, 400) << path;
    EXPECT_NE(gw_.log().Last("handshake refused", "why").find("in different ways"),
              std::string::npos);
  }
  EXPECT_EQ(requests, "");
  EXPECT_EQ(gw_.Connect().Upgrade("/live/private/x").status, 403);
  EXPECT_EQ(gw_.Connect().Upgrade("/live/x;a//b").status, 200);  // the server's refusal
}

TEST_F(Readings, Files) {
  EXPECT_EQ(Status("/files/x"), 200);
  EXPECT_EQ(Status("/files/private%2Fx"), 400);
  EXPECT_EQ(Status("/files//private/x"), 400);
  EXPECT_EQ(Status("/files/x;y/..%2Fprivate"), 400);
  EXPECT_EQ(Status("/files//x"), 200) << "the service folds slashes, and may";
}

TEST_F(Readings, Preflights) {
  const std::string asks = "Origin: https://b.test\r\nAccess-Control-Request-Method: GET\r\n";
  EXPECT_EQ(Status("/cors/private", asks, "OPTIONS"), 403);
  EXPECT_EQ(Status("/cors/other", asks, "OPTIONS"), 204);
  EXPECT_EQ(Status("/cors//private", asks, "OPTIONS"), 400);
  EXPECT_EQ(Status("/cors%2Fprivate", asks, "OPTIONS"), 400);
}

TEST_F(Readings, TheConnectionGoesOn) {
  auto client = gw_.Connect();
  client.Send("GET //private/x HTTP/1.1\r\nHost: a\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 400);
  EXPECT_NE(client.Body(head).find("different routes"), std::string::npos);
  EXPECT_EQ(client.Head().status, 200);
}

}  // namespace
}  // namespace upgate::test::readings_test
