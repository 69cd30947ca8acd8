// Connections that nobody uses any more, or that never came to be of use: each is let go in bounded
// time, and what is read for nobody meanwhile is bounded, too.
#include <array>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/tls/context.h"
#include "tests/pipeline/test_gateway.h"
#include "tests/support/temp_folder.h"

namespace upgate::test {
namespace {

using namespace std::chrono_literals;

// ---- TLS handshakes that never end

class TlsListener : public testing::Test {
 protected:
  static std::string Config(const TempFolder& folder) {
    const tls::SelfSigned self = tls::MakeSelfSigned({"gateway.test"});
    folder.Write("site.crt", self.cert_pem);
    folder.Write("site.key", self.key_pem);
    return "listeners: [ { address: \"127.0.0.1:443\", tls: { certificates: [ { cert: " +
           folder.At("site.crt") + ", key: " + folder.At("site.key") +
           " } ] } } ]\n"
           "http: { head_timeout: 7s, idle_timeout: 50s }\n"
           "routes: [ { path: /echo, plugin: echo } ]\n";
  }

  TempFolder folder_;
  TestGateway gw_{Config(folder_)};
};

TEST_F(TlsListener, AHandshakeThatNeverEndsHasTheTimeOfAHead) {
  auto silent = gw_.Connect();
  auto begun = gw_.Connect();
  begun.Send("\x16\x03\x01\x02");
  gw_.loop().Advance(6s);
  EXPECT_FALSE(silent.peer().done());
  EXPECT_FALSE(begun.peer().done());
  begun.Send("\x01");  // is no news
  gw_.loop().Advance(1s);
  EXPECT_TRUE(silent.peer().done());
  EXPECT_TRUE(begun.peer().done());
  EXPECT_EQ(gw_.listener_stats().tls_failures.Get(), 2u);
  EXPECT_EQ(gw_.listener_stats().connections_open.Get(), 0u);
  EXPECT_EQ(gw_.log().Last("connection failed", "why"), "the TLS handshake took too long");
}

}  // namespace
}  // namespace upgate::test
